"""Kazoo's queues and counters."""
import threading

from checks import check, equal, eventually, in_processes, main, processes, raises, started
from kazoo.exceptions import NoNodeError


@check
def queue(clients):
    """Queue: by priority, then in the order they were put"""
    queue = clients.new().Queue("/queue")
    equal((len(queue), queue.get()), (0, None))
    for value, priority in [(b"b", 100), (b"d", 999), (b"c", 100), (b"a", 1)]:
        queue.put(value, priority)
    equal(len(queue), 4)
    other = clients.new().Queue("/queue")
    equal([each.get() for each in [queue, other, queue, other]], [b"a", b"b", b"c", b"d"])
    equal((queue.get(), other.get(), len(queue)), (None, None, 0))


def consume(_, hosts):
    client = started(hosts)
    queue = client.Queue("/queue")
    taken = []
    # An empty list that a full one was read before means nothing: others were quicker.
    while len(queue) > 0:
        value = queue.get()
        if value is not None:
            taken.append(int(value))
    client.stop()
    return taken


@check
def queue_and_processes(clients):
    """Queue: three processes consume each of 90 entries once, each in order"""
    queue = clients.new().Queue("/queue")
    for number in range(90):
        queue.put(str(number).encode())
    taken = in_processes(3, consume, clients.hosts)
    equal(sorted(sum(taken, [])), list(range(90)))
    for each in taken:
        equal(each, sorted(each))


@check
def locking_queue(clients):
    """LockingQueue: an entry that is taken is locked until it is consumed or released"""
    one, two = (clients.new().LockingQueue("/queue") for _ in range(2))
    equal(one.get(timeout=0.1), None)
    one.put_all([b"first", b"second"])
    one.put(b"urgent", priority=1)
    equal((one.get(timeout=10), two.get(timeout=10)), (b"urgent", b"first"))
    equal((one.holds_lock(), two.holds_lock(), len(one)), (True, True, 3))
    assert one.consume()
    equal((one.get(timeout=10), len(one)), (b"second", 2))
    assert two.release()
    equal(two.holds_lock(), False)
    equal(two.get(timeout=10), b"first")
    assert two.consume() and one.consume()
    equal((two.consume(), len(two)), (False, 0))


@check
def locking_queue_waits(clients):
    """LockingQueue: get waits for an entry"""
    one, two = (clients.new().LockingQueue("/queue") for _ in range(2))
    found = []
    consumer = threading.Thread(target=lambda: found.append(one.get(timeout=20)))
    consumer.start()
    eventually(lambda: two.client.exists("/queue/entries"), "the consumer waits")
    two.put(b"at last")
    consumer.join()
    equal(found, [b"at last"])


def take_and_die(hosts, taken):
    queue = started(hosts, timeout=1).LockingQueue("/queue")
    taken.put(queue.get(timeout=20))
    threading.Event().wait()


@check
def locking_queue_of_the_dead(clients):
    """LockingQueue: what a process took that was killed goes to another"""
    queue = clients.new().LockingQueue("/queue")
    queue.put(b"precious")
    taken = processes.Queue()
    consumer = processes.Process(target=take_and_die, args=[clients.hosts, taken])
    consumer.start()
    equal(taken.get(timeout=20), b"precious")
    equal(queue.get(timeout=0.1), None)
    consumer.kill()
    consumer.join()
    equal(queue.get(timeout=20), b"precious")
    assert queue.consume()


def count(_, hosts, times):
    client = started(hosts)
    counter = client.Counter("/counter")
    for _ in range(times):
        counter += 2
        counter -= 1
    client.stop()


@check
def counter(clients):
    """Counter: four processes count, and none is forgotten"""
    client = clients.new()
    in_processes(4, count, clients.hosts, 15)
    counter = client.Counter("/counter")
    equal(counter.value, 60)
    equal(client.exists("/counter").version, 120)


@check
def counter_kinds(clients):
    """Counter: integers, floats, and in Curator's form"""
    client = clients.new()
    whole = client.Counter("/whole")
    whole -= 5
    equal((whole.value, whole.pre_value, whole.post_value), (-5, 0, -5))
    real = client.Counter("/real", default=1.5)
    real += 2.25
    equal((real.value, client.get("/real")[0]), (3.75, b"3.75"))
    curators = client.Counter("/curators", support_curator=True)
    curators += 258
    equal((curators.value, client.get("/curators")[0]), (258, b"\0\0\1\2"))
    raises(TypeError, lambda: whole + 0.5)
    client.delete("/whole")
    raises(NoNodeError, lambda: whole.value)


if __name__ == "__main__":
    main()
