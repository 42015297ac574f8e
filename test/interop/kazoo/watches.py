"""Kazoo's watches, and the recipes that are made of them."""
import threading

from checks import check, equal, eventually, main, raises
from kazoo.exceptions import NoNodeError
from kazoo.protocol.states import EventType
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.watchers import PatientChildrenWatch


@check
def one_shot(clients):
    """49: each event for the watches it concerns, once"""
    watcher, writer = clients.new(), clients.new()
    events = []

    def seen(event):
        events.append((event.type, event.path))

    def expect(*expected):
        eventually(lambda: len(events) >= len(expected), f"{expected}, but {events}")
        # What comes later than the answer to a request would be one too many.
        watcher.exists("/")
        equal(sorted(events), sorted(expected))
        events.clear()

    watcher.exists("/a", watch=seen)
    watcher.get_children("/", watch=seen)
    writer.create("/a", b"0")
    expect((EventType.CREATED, "/a"), (EventType.CHILD, "/"))

    watcher.get("/a", watch=seen)
    watcher.exists("/a", watch=seen)
    watcher.get_children("/a", watch=seen)
    writer.set("/a", b"1")
    expect((EventType.CHANGED, "/a"))
    writer.set("/a", b"2")
    writer.create("/a/b")
    expect((EventType.CHILD, "/a"))

    watcher.get("/a/b", watch=seen)
    watcher.get_children("/a", watch=seen)
    watcher.get_children("/a/b", watch=seen)
    writer.delete("/a/b")
    # Sent once (49); Kazoo tells the watchers of the data and those of the children of it.
    expect((EventType.DELETED, "/a/b"), (EventType.DELETED, "/a/b"), (EventType.CHILD, "/a"))

    raises(NoNodeError, watcher.get, "/none", watch=seen)
    writer.create("/none")
    expect()


@check
def ephemerals_of_a_session(clients):
    """63: the end of a session is seen on each of its ephemerals"""
    watcher, owner = clients.new(), clients.new()
    gone = []
    for number in range(20):
        owner.create(f"/e-{number:02}", ephemeral=True)
        watcher.exists(f"/e-{number:02}", watch=lambda event: gone.append((event.type, event.path)))
    owner.stop()
    eventually(lambda: len(gone) == 20, "all are gone")
    equal(sorted(gone), [(EventType.DELETED, f"/e-{number:02}") for number in range(20)])


@check
def data_watch(clients):
    """DataWatch: every state of a node, also before it is there and after"""
    watcher, writer = clients.new(), clients.new()
    states = []

    @watcher.DataWatch("/a")
    def seen(data, stat, event):
        states.append((data, stat and stat.version, event and event.type))
        return data != b"enough"

    expected = [(None, None, None)]

    def expect(*state):
        expected.append(state)
        eventually(lambda: len(states) >= len(expected), f"{expected}, but {states}")
        equal(states, expected)

    writer.create("/a", b"0")
    expect(b"0", 0, EventType.CREATED)
    writer.set("/a", b"1")
    expect(b"1", 1, EventType.CHANGED)
    writer.delete("/a")
    expect(None, None, EventType.DELETED)
    writer.create("/a", b"again")
    expect(b"again", 0, EventType.CREATED)
    writer.set("/a", b"enough")
    expect(b"enough", 1, EventType.CHANGED)
    writer.set("/a", b"more")
    watcher.get("/a")
    equal(states, expected)


@check
def children_watch(clients):
    """ChildrenWatch: every list of children"""
    watcher, writer = clients.new(), clients.new()
    writer.create("/a")
    lists = []

    @watcher.ChildrenWatch("/a", send_event=True)
    def seen(children, event):
        lists.append((sorted(children), event and event.type))
        return "stop" not in children

    expected = [([], None)]

    def expect(children):
        expected.append((children, EventType.CHILD))
        eventually(lambda: len(lists) >= len(expected), f"{expected}, but {lists}")
        equal(lists, expected)

    writer.create("/a/one")
    expect(["one"])
    writer.set("/a/one", b"no matter")
    writer.create("/a/two")
    expect(["one", "two"])
    writer.delete("/a/one")
    expect(["two"])
    writer.create("/a/stop")
    expect(["stop", "two"])
    writer.create("/a/more")
    watcher.get("/a")
    equal(lists, expected)


@check
def patient(clients):
    """PatientChildrenWatch: the children once they have settled, and when they change again"""
    watcher, writer = clients.new(), clients.new()
    writer.create("/a")
    result = PatientChildrenWatch(watcher, "/a", time_boundary=0.3).start()
    for name in ["one", "two", "three"]:
        writer.create(f"/a/{name}")
    children, changed = result.get(timeout=20)
    equal((sorted(children), changed.ready()), (["one", "three", "two"], False))
    writer.delete("/a/two")
    changed.get(timeout=20)


@check
def tree_cache(clients):
    """TreeCache: a copy of a subtree that follows it"""
    watcher, writer = clients.new(), clients.new()
    for path in ["/tree/a/b", "/tree/c", "/beside"]:
        writer.create(path, path.encode(), makepath=True)
    events, errors = [], []
    initialized = threading.Event()
    cache = TreeCache(watcher, "/tree")
    cache.listen_fault(errors.append)

    @cache.listen
    def seen(event):
        if event.event_type == TreeEvent.INITIALIZED:
            initialized.set()
        else:
            events.append((event.event_type, event.event_data.path))

    cache.start()
    assert initialized.wait(20)
    equal(sorted(events), [(TreeEvent.NODE_ADDED, path) for path in ["/tree", "/tree/a", "/tree/a/b", "/tree/c"]])
    equal((cache.get_data("/tree/a/b").data, cache.get_data("/tree/none")), (b"/tree/a/b", None))
    equal(cache.get_children("/tree"), frozenset(["a", "c"]))

    def expect(*expected):
        eventually(lambda: len(events) >= len(expected), f"{expected}, but {events}")
        equal(sorted(events), sorted(expected))
        events.clear()

    events.clear()
    writer.set("/tree/a/b", b"changed")
    expect((TreeEvent.NODE_UPDATED, "/tree/a/b"))
    equal(cache.get_data("/tree/a/b").data, b"changed")
    writer.create("/tree/a/b/d", b"deep")
    expect((TreeEvent.NODE_ADDED, "/tree/a/b/d"))
    writer.delete("/tree/a", recursive=True)
    expect(*[(TreeEvent.NODE_REMOVED, path) for path in ["/tree/a/b/d", "/tree/a/b", "/tree/a"]])
    equal((cache.get_children("/tree"), cache.get_data("/tree/a")), (frozenset(["c"]), None))
    writer.create("/beside/more")
    watcher.sync("/")
    equal((events, errors), ([], []))
    cache.close()


@check
def many_watchers(clients):
    """every client that watches a node hears of its change"""
    writer = clients.new()
    writer.create("/a")
    heard = []
    for number in range(30):
        clients.new().get("/a", watch=lambda event, number=number: heard.append((number, event.type)))
    writer.set("/a", b"news")
    eventually(lambda: len(heard) == 30, "all have heard")
    equal(sorted(heard), [(number, EventType.CHANGED) for number in range(30)])


if __name__ == "__main__":
    main()
