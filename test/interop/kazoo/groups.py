"""Kazoo's barriers, parties and partitioner."""
import os
import threading

from checks import check, equal, eventually, in_processes, main, processes, started
from kazoo.recipe.partitioner import PartitionState


@check
def barrier(clients):
    """Barrier: all wait until it is removed"""
    owner = clients.new().Barrier("/barrier")
    owner.create()
    waiting = [clients.new().Barrier("/barrier") for _ in range(3)]
    equal(waiting[0].wait(0.1), False)
    passed = []
    threads = [threading.Thread(target=lambda each=each: passed.append(each.wait(20))) for each in waiting]
    for thread in threads:
        thread.start()
    equal(passed, [])
    assert owner.remove()
    for thread in threads:
        thread.join()
    equal((passed, owner.remove(), owner.wait(10)), ([True] * 3, False, True))


def meet(number, hosts, members):
    """Says how many had arrived when it was let in, and how many had finished when it was let out."""
    client = started(hosts)
    client.create(f"/arrived/{number}")
    barrier = client.DoubleBarrier("/barrier", members, identifier=str(number))
    barrier.enter()
    arrived = len(client.get_children("/arrived"))
    client.create(f"/finished/{number}")
    barrier.leave()
    finished = len(client.get_children("/finished"))
    client.stop()
    return barrier.assured_path, arrived, finished


@check
def double_barrier(clients):
    """DoubleBarrier: four processes begin together and end together"""
    client = clients.new()
    client.create("/arrived")
    client.create("/finished")
    equal(in_processes(4, meet, clients.hosts, 4), [(True, 4, 4)] * 4)
    equal(client.get_children("/barrier"), [])


def join_and_die(hosts):
    client = started(hosts, timeout=1)
    client.Party("/party", "dies").join()
    os._exit(0)


@check
def party(clients):
    """Party: members come, go, and die"""
    member = processes.Process(target=join_and_die, args=[clients.hosts])
    member.start()
    member.join()
    one, two = (clients.new().Party("/party", name) for name in ["one", "two"])
    one.join()
    two.join()
    two.join()
    equal((sorted(one), len(two)), (["dies", "one", "two"], 3))
    eventually(lambda: sorted(one) == ["one", "two"], "the dead one is gone")
    assert one.leave()
    equal((list(two), one.leave()), (["two"], False))
    two.client.stop()
    equal(list(one), [])


@check
def shallow_party(clients):
    """ShallowParty: the members' names are in the paths"""
    one, two = (clients.new().ShallowParty("/party", name) for name in ["one", "two"])
    one.join()
    two.join()
    equal((sorted(one), len(one)), (["one", "two"], 2))
    two.client.stop()
    equal(list(one), ["one"])


@check
def partitioner(clients):
    """SetPartitioner: the set is divided among the members, and again when one comes or goes"""
    whole = [f"queue-{number}" for number in range(7)]
    members = []

    def join(name):
        members.append(
            clients.new().SetPartitioner("/work", set=whole, identifier=name, time_boundary=0.2, max_reaction_time=0.2)
        )

    def divided():
        for each in members:
            assert not each.failed
            if each.release:
                each.release_set()
        return all(each.acquired for each in members) and sorted(sum(map(list, members), [])) == sorted(whole)

    join("a")
    eventually(divided, "one has all")
    join("b")
    join("c")
    eventually(lambda: divided() and all(len(list(each)) in (2, 3) for each in members), "three share")
    equal([list(each) for each in members], [sorted(whole)[start::3] for start in range(3)])
    gone = members.pop(1)
    gone.finish()
    equal(gone.state, PartitionState.FAILURE)
    eventually(lambda: divided() and all(len(list(each)) in (3, 4) for each in members), "two share")
    lost = members.pop()
    lost._client.stop()
    assert lost.failed or not lost._client.connected
    eventually(divided, "one has all again")


if __name__ == "__main__":
    main()
