"""Kazoo's locks, semaphore, election and leases."""
import datetime
import os
import threading

from checks import check, equal, eventually, in_processes, main, processes, raises, started
from kazoo.exceptions import CancelledError, LockTimeout
from kazoo.protocol.states import KazooState
from line import Line


def add_under_lock(_, hosts, times):
    """Reads and writes apart: without the lock, additions are lost."""
    client = started(hosts)
    lock = client.Lock("/lock")
    for _ in range(times):
        with lock:
            value, _ = client.get("/sum")
            client.set("/sum", str(int(value) + 1).encode())
    client.stop()


@check
def lock_excludes(clients):
    """Lock: four processes take it in turns, and no addition is lost"""
    client = clients.new()
    client.create("/sum", b"0")
    in_processes(4, add_under_lock, clients.hosts, 25)
    equal(client.get("/sum")[0], b"100")
    equal(client.get_children("/lock"), [])


@check
def lock_queues(clients):
    """Lock: contenders are served in the order they came, and named"""
    order, waiting = [], []
    first = clients.new().Lock("/lock", "first")
    first.acquire()

    def contend(name):
        lock = clients.new().Lock("/lock", name)
        with lock:
            order.append(name)

    for name in ["second", "third", "fourth"]:
        waiting.append(threading.Thread(target=contend, args=[name]))
        waiting[-1].start()
        eventually(lambda: name in first.contenders(), f"{name} contends")
    equal(first.contenders(), ["first", "second", "third", "fourth"])
    first.release()
    for thread in waiting:
        thread.join()
    equal(order, ["second", "third", "fourth"])


@check
def lock_refuses(clients):
    """Lock: not blocking, with a timeout, cancelled"""
    held, wanted = clients.new().Lock("/lock"), clients.new().Lock("/lock")
    assert held.acquire()
    equal(wanted.acquire(blocking=False), False)
    raises(LockTimeout, wanted.acquire, timeout=0.2)
    cancelled = threading.Event()

    def wait():
        raises(CancelledError, wanted.acquire)
        cancelled.set()

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: len(held.contenders()) == 2, "the second contends")
    wanted.cancel()
    thread.join()
    assert cancelled.is_set()
    equal(len(held.contenders()), 1)
    held.release()
    equal(wanted.acquire(blocking=False), True)


def hold_and_die(hosts, held):
    client = started(hosts, timeout=1)
    client.Lock("/lock", "dies").acquire()
    held.set()
    threading.Event().wait()


@check
def lock_of_the_dead(clients):
    """63: the lock of a process that was killed is free when its session has expired"""
    held = processes.Event()
    holder = processes.Process(target=hold_and_die, args=[clients.hosts, held])
    holder.start()
    assert held.wait(20)
    lock = clients.new().Lock("/lock", "lives")
    equal(lock.contenders(), ["dies"])
    holder.kill()
    holder.join()
    assert lock.acquire(timeout=10)
    equal(lock.contenders(), ["lives"])


@check
def persistent_lock(clients):
    """Lock: one that is not ephemeral outlives its session"""
    client = clients.new()
    client.Lock("/lock", "stays").acquire(ephemeral=False)
    client.stop()
    other = clients.new().Lock("/lock")
    equal(other.contenders(), ["stays"])
    raises(LockTimeout, other.acquire, timeout=0.2)


@check
def read_write(clients):
    """ReadLock and WriteLock: readers share, a writer is alone, and waits for those before it"""
    readers = [clients.new().ReadLock("/lock", f"reader {number}") for number in range(2)]
    writer, late = clients.new().WriteLock("/lock", "writer"), clients.new().ReadLock("/lock", "late")
    for reader in readers:
        assert reader.acquire(blocking=False)
    equal(writer.acquire(blocking=False), False)
    taken = []

    def write():
        with writer:
            taken.append("writer")

    def read():
        with late:
            taken.append("late")

    waiting = []
    for contend in [write, read]:
        count = len(readers[0].contenders())
        waiting.append(threading.Thread(target=contend))
        waiting[-1].start()
        eventually(lambda: len(readers[0].contenders()) == count + 1, "it contends")
    readers[0].release()
    equal(taken, [])
    readers[1].release()
    for thread in waiting:
        thread.join()
    equal(taken, ["writer", "late"])


def enter_and_count(number, hosts, leases):
    """Says how many were inside at once, itself included, at most."""
    client = started(hosts)
    semaphore = client.Semaphore("/semaphore", f"process {number}", max_leases=leases)
    most = 0
    for _ in range(8):
        with semaphore:
            client.create(f"/inside/{number}", ephemeral=True)
            most = max(most, len(client.get_children("/inside")))
            client.delete(f"/inside/{number}")
    client.stop()
    return most


@check
def semaphore(clients):
    """Semaphore: four processes, two leases: never three inside"""
    client = clients.new()
    client.create("/inside")
    assert max(in_processes(4, enter_and_count, clients.hosts, 2)) <= 2
    one, two, three = (client.Semaphore("/semaphore", name, max_leases=2) for name in ["one", "two", "three"])
    assert one.acquire() and two.acquire()
    equal(three.acquire(blocking=False), False)
    equal(sorted(three.lease_holders()), ["one", "two"])
    raises(LockTimeout, three.acquire, timeout=0.2)
    one.release()
    assert three.acquire(timeout=10)
    raises(ValueError, client.Semaphore("/semaphore", "other", max_leases=3).acquire)


@check
def semaphore_of_the_dead(clients):
    """Semaphore: the lease of a session that is closed is free"""
    holder, wanted = clients.new(), clients.new()
    holder.Semaphore("/semaphore", "dies").acquire()
    semaphore = wanted.Semaphore("/semaphore", "lives")
    equal(semaphore.acquire(blocking=False), False)
    thread = threading.Thread(target=semaphore.acquire)
    thread.start()
    holder.stop()
    thread.join(20)
    equal((semaphore.is_acquired, semaphore.lease_holders()), (True, ["lives"]))


def lead(number, hosts):
    """Writes down when it became the leader and when it stopped; the first one leads until all others stand for election."""
    client = started(hosts)
    election = client.Election("/election", str(number))

    def leading():
        client.create(f"/terms/{number}-began-", sequence=True)
        if len(client.get_children("/terms")) == 1:
            eventually(lambda: len(election.contenders()) == 4, "all contend")
        client.create(f"/terms/{number}-ended-", sequence=True)

    election.run(leading)
    client.stop()


@check
def election(clients):
    """Election: each of four processes leads once, one after the other"""
    client = clients.new()
    client.create("/terms")
    in_processes(4, lead, clients.hosts)
    terms = [name.split("-")[:2] for name in sorted(client.get_children("/terms"), key=lambda name: name[-10:])]
    equal([what for _, what in terms], ["began", "ended"] * 4)
    leaders = [number for number, _ in terms]
    equal(leaders[::2], leaders[1::2])
    equal(sorted(leaders[::2]), ["0", "1", "2", "3"])


def lead_and_die(hosts):
    client = started(hosts, timeout=1)
    client.Election("/election", "dies").run(lambda: os._exit(0))


@check
def leader_dies(clients):
    """Election: another leads when the leader's process has died; a contender can give up"""
    leader = processes.Process(target=lead_and_die, args=[clients.hosts])
    leader.start()
    leader.join()
    election = clients.new().Election("/election", "next")
    equal(election.contenders(), ["dies"])
    gave_up = clients.new().Election("/election", "gives up")
    led = []
    threads = [threading.Thread(target=each.run, args=[led.append, each]) for each in [election, gave_up]]
    threads[1].start()
    eventually(lambda: "gives up" in election.contenders(), "it contends")
    gave_up.cancel()
    threads[1].join()
    threads[0].start()
    threads[0].join(20)
    equal(led, [election])


class Clock:
    """What time it is for a lease."""

    def __init__(self):
        self.now = datetime.datetime(2026, 1, 1)

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)


@check
def lease(clients):
    """NonBlockingLease: one holder until it ends, renewed by its holder only"""
    one, two = clients.new(), clients.new()
    clock, minute = Clock(), datetime.timedelta(minutes=1)

    def take(client, name):
        return bool(client.NonBlockingLease("/lease", minute, identifier=name, utcnow=clock))

    equal((take(one, "one"), take(two, "two")), (True, False))
    clock.forward(50)
    equal((take(one, "one"), take(two, "two")), (True, False))
    clock.forward(50)
    equal(take(two, "two"), False)
    one.stop()
    clock.forward(20)
    equal(take(two, "two"), True)


@check
def leases(clients):
    """MultiNonBlockingLease: two of three have one"""
    clock, minute = Clock(), datetime.timedelta(minutes=1)

    def take(name):
        return bool(clients.new().MultiNonBlockingLease(2, "/leases", minute, identifier=name, utcnow=clock))

    equal([take(name) for name in ["one", "two", "three", "one"]], [True, True, False, True])
    clock.forward(61)
    equal(take("three"), True)


@check
def lock_and_loss(clients):
    """Lock: its holder hears of the lost session, and the next one has it"""
    line = Line(clients)
    line.client.Lock("/lock", "holder").acquire()
    line.expire()
    assert clients.new().Lock("/lock", "next").acquire(timeout=10)
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)


if __name__ == "__main__":
    main()
