"""What Kazoo's clients and recipes live through: lost connections, lost sessions."""
import threading

from checks import check, equal, eventually, main, raises
from kazoo.exceptions import ConnectionLoss, SessionExpiredError
from kazoo.protocol.states import EventType, KazooState
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.security import CREATOR_ALL_ACL
from line import Line, quick


@check
def reattach(clients):
    """a connection that is cut is made again, with the same session and its ephemerals"""
    line = Line(clients)
    session = line.client.client_id
    line.client.create("/mine", ephemeral=True)
    line.proxy.cut()
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
    equal(line.client.client_id, session)
    equal(line.client.exists("/mine").ephemeralOwner, session[0])
    equal(line.client.create("/s", ephemeral=True), "/s")


@check
def auth_again(clients):
    """authentication is sent again after a connection that was cut"""
    line = Line(clients)
    line.client.add_auth("digest", "ada:secret")
    line.client.create("/mine", b"mine", acl=CREATOR_ALL_ACL)
    line.proxy.cut()
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
    equal(line.client.get("/mine")[0], b"mine")


@check
def retries(clients):
    """retry: calls survive ten cuts, and each is carried out"""
    line = Line(clients)
    client = line.client
    client.create("/a", b"")
    done = []

    def work():
        for number in range(200):
            client.retry(client.set, "/a", str(number).encode())
            done.append(number)

    thread = threading.Thread(target=work)
    thread.start()
    for times in range(10):
        eventually(lambda: len(done) > times * 20, "it goes on")
        line.proxy.cut()
    thread.join()
    value, stat = client.retry(client.get, "/a")
    equal(value, b"199")
    assert stat.version >= 200


@check
def pending_calls(clients):
    """calls under way when the connection is lost say so"""
    line = Line(clients)
    line.client.create("/a", b"")
    line.proxy.freeze()
    waiting = [line.client.set_async("/a", str(number).encode()) for number in range(10)]
    line.proxy.cut()
    for each in waiting:
        raises(ConnectionLoss, each.get, timeout=20)
    line.proxy.thaw()
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)


@check
def second_connection(clients):
    """60: a session can be taken over with its id and password, and not without"""
    first = clients.new(connection_retry=quick)
    session, password = first.client_id
    first.create("/mine", ephemeral=True)
    stranger = clients.new(client_id=(session, b"0123456789abcdef"))
    assert stranger.client_id[0] != session
    unknown = clients.new(client_id=(session + 1000, password))
    assert unknown.client_id[0] not in (session, session + 1000)
    eventually(lambda: first.connected, "the session lives on")
    equal(first.client_id[0], session)
    equal(stranger.exists("/mine").ephemeralOwner, session)


@check
def expired(clients):
    """60, 63: a session that is closed elsewhere is lost, with its ephemerals; the client gets a new one"""
    line = Line(clients)
    session = line.client.client_id[0]
    line.client.create("/mine", ephemeral=True)
    witness = clients.new()
    gone = threading.Event()
    witness.exists("/mine", watch=lambda event: event.type == EventType.DELETED and gone.set())
    line.expire()
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.LOST, KazooState.CONNECTED)
    assert gone.wait(20)
    assert line.client.client_id[0] != session
    equal(line.client.exists("/mine"), None)


@check
def expired_in_silence(clients):
    """62: a session that says nothing for its timeout is ended, and one that pings is not"""
    silent, pinging = Line(clients, timeout=2), Line(clients, timeout=2)
    for line in [silent, pinging]:
        line.client.create("/" + ("silent" if line is silent else "pinging"), ephemeral=True)
    session = pinging.client.client_id
    witness = clients.new()
    silent.proxy.freeze()
    eventually(lambda: witness.exists("/silent") is None, "the silent session is ended")
    silent.proxy.cut()
    silent.proxy.thaw()
    eventually(lambda: KazooState.LOST in silent.states and silent.states[-1] == KazooState.CONNECTED, "a new session")
    equal((pinging.client.client_id, pinging.states), (session, [KazooState.CONNECTED]))
    equal(witness.exists("/pinging").ephemeralOwner, session[0])


@check
def closed_sessions(clients):
    """a session that was closed cannot be taken up again"""
    client = clients.new()
    session = client.client_id
    client.create("/mine", ephemeral=True)
    client.stop()
    again = clients.new(client_id=session)
    assert again.client_id[0] != session[0]
    equal(again.exists("/mine"), None)


@check
def watches_again(clients):
    """DataWatch, ChildrenWatch: after a cut and after a lost session they tell what has changed"""
    line = Line(clients)
    writer = clients.new()
    writer.create("/a", b"0")
    values, lists = [], []
    line.client.DataWatch("/a", lambda value, stat: values.append(value))
    line.client.ChildrenWatch("/a", lambda children: lists.append(children))

    line.proxy.freeze()
    writer.set("/a", b"1")
    writer.create("/a/one")
    line.proxy.cut()
    line.proxy.thaw()
    eventually(lambda: (values, lists) == ([b"0", b"1"], [[], ["one"]]), f"the changes after a cut: {values} {lists}")
    line.expire()
    eventually(lambda: KazooState.LOST in line.states and line.client.connected, "a new session")
    writer.set("/a", b"2")
    eventually(lambda: values[-1] == b"2", "the data after a lost session")
    writer.delete("/a/one")
    eventually(lambda: lists[-1] == [], "the children after a lost session")


@check
def cache_again(clients):
    """TreeCache: after a cut it has what has changed meanwhile"""
    line = Line(clients)
    writer = clients.new()
    writer.create("/tree/a", b"0", makepath=True)
    kinds = []
    cache = TreeCache(line.client, "/tree")
    cache.listen(lambda event: kinds.append(event.event_type))
    cache.start()
    eventually(lambda: TreeEvent.INITIALIZED in kinds, "it is initialized")
    line.proxy.freeze()
    writer.set("/tree/a", b"1")
    writer.create("/tree/b", b"new")
    line.proxy.cut()
    line.proxy.thaw()
    eventually(lambda: cache.get_data("/tree/b") is not None and cache.get_data("/tree/a").data == b"1", "the changes")
    assert TreeEvent.CONNECTION_SUSPENDED in kinds and TreeEvent.CONNECTION_RECONNECTED in kinds
    writer.delete("/tree/a")
    eventually(lambda: cache.get_data("/tree/a") is None, "it follows again")
    cache.close()


@check
def lock_after_cut(clients):
    """Lock: a contender whose connection is cut keeps its place, and leaves nothing behind"""
    line = Line(clients)
    holder = clients.new().Lock("/lock", "holder")
    holder.acquire()
    lock = line.client.Lock("/lock", "contender")
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    eventually(lambda: len(holder.contenders()) == 2, "it contends")
    late = clients.new().Lock("/lock", "late")
    late_thread = threading.Thread(target=late.acquire)
    late_thread.start()
    eventually(lambda: len(holder.contenders()) == 3, "another contends")
    line.proxy.cut()
    line.expect(KazooState.CONNECTED, KazooState.SUSPENDED, KazooState.CONNECTED)
    equal(holder.contenders(), ["holder", "contender", "late"])
    holder.release()
    thread.join(20)
    equal((lock.is_acquired, late.is_acquired), (True, False))
    line.client.retry(lock.release)
    late_thread.join(20)
    equal((late.is_acquired, late.contenders()), (True, ["late"]))


@check
def calls_of_an_expired_session(clients):
    """calls that wait when the session is found to be lost say so"""
    line = Line(clients)
    line.client.create("/a", b"")
    line.proxy.freeze()
    waiting = [line.client.set_async("/a", b"never") for _ in range(3)]
    line.expire()
    for each in waiting:
        raises((ConnectionLoss, SessionExpiredError), each.get, timeout=20)
    eventually(lambda: line.states[-1] == KazooState.CONNECTED and KazooState.LOST in line.states, "a new session")


if __name__ == "__main__":
    main()
