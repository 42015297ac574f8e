"""Kazoo's client API, call by call."""
import threading

from checks import check, equal, eventually, main, raises, started
from kazoo.client import KazooClient
from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    ConnectionLoss,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.protocol.states import KazooState, KeeperState
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, make_acl, make_digest_acl


@check
def start_and_stop(clients):
    """start, stop, restart: a new session each time"""
    client = clients.new()
    equal((client.state, client.connected), (KazooState.CONNECTED, True))
    first, password = client.client_id
    equal(len(password), 16)
    client.create("/mine", ephemeral=True)
    client.restart()
    assert client.client_id[0] != first
    equal(client.exists("/mine"), None)
    client.stop()
    equal((client.state, client.connected), (KazooState.LOST, False))


@check
def words(clients):
    """command() and server_version() ask with four-letter words"""
    client = clients.new()
    equal(client.command(b"ruok"), "imok")
    equal(client.command(b"isro"), "rw")
    assert "Mode: standalone" in client.command(b"stat")
    assert f"sid=0x{client.client_id[0]:x}" in client.command(b"cons")
    equal(client.server_version()[:2], (3, 8))


@check
def every_create(clients):
    """create: persistent, ephemeral, sequential and both, with and without Stat, with parents"""
    client = clients.new()
    equal(client.create("/a", b"data"), "/a")
    equal(client.create("/a/s-", sequence=True), "/a/s-0000000000")
    equal(client.create("/a/s-", ephemeral=True, sequence=True), "/a/s-0000000001")
    equal(client.create("/a/e", ephemeral=True), "/a/e")
    equal(client.create("/a/s-", sequence=True), "/a/s-0000000003")
    equal(client.create("/x/y/z", b"deep", makepath=True), "/x/y/z")
    path, stat = client.create("/a/two", b"12345", include_data=True)
    equal((path, stat.version, stat.dataLength, stat.ephemeralOwner), ("/a/two", 0, 5, 0))
    path, stat = client.create("/a/t-", b"", ephemeral=True, sequence=True, include_data=True)
    equal((path, stat.ephemeralOwner), ("/a/t-0000000005", client.client_id[0]))
    equal(client.create("/straße-日本語", "größe".encode()), "/straße-日本語")
    equal(client.get("/straße-日本語")[0].decode(), "größe")
    raises(NodeExistsError, client.create, "/a")
    raises(NoNodeError, client.create, "/no/parent")
    raises(NoChildrenForEphemeralsError, client.create, "/a/e/child")
    equal(sorted(client.get_children("/")), ["a", "straße-日本語", "x"])


@check
def data(clients):
    """get, set and exists, with versions and every field of Stat"""
    client = clients.new()
    client.create("/a", b"one")
    value, created = client.get("/a")
    equal(value, b"one")
    equal((created.version, created.cversion, created.aversion), (0, 0, 0))
    equal((created.czxid, created.pzxid), (created.mzxid, created.czxid))
    equal((created.ctime, created.dataLength, created.numChildren), (created.mtime, 3, 0))
    changed = client.set("/a", b"three", version=0)
    equal((changed.version, changed.czxid, changed.dataLength), (1, created.czxid, 5))
    equal(changed.mzxid, created.czxid + 1)
    assert changed.mtime >= created.mtime
    client.create("/a/child")
    parent = client.exists("/a")
    equal((parent.cversion, parent.numChildren, parent.mzxid), (1, 1, changed.mzxid))
    equal(parent.pzxid, client.exists("/a/child").czxid)
    raises(BadVersionError, client.set, "/a", b"", version=0)
    raises(NoNodeError, client.set, "/none", b"")
    raises(NoNodeError, client.get, "/none")
    equal(client.exists("/none"), None)
    equal(client.get("/a"), (b"three", parent))


@check
def null_and_empty(clients):
    """no data is not the same as empty data"""
    client = clients.new()
    client.create("/none", None)
    client.create("/empty", b"")
    equal((client.get("/none")[0], client.get("/empty")[0]), (None, b""))
    client.set("/empty", None)
    equal((client.get("/empty")[0], client.exists("/empty").dataLength), (None, 0))


@check
def large(clients):
    """a megabyte of data goes in and out; more costs the connection, not the session"""
    client = clients.new()
    megabyte = bytes(range(256)) * 4000
    client.create("/large", megabyte)
    equal(client.get("/large")[0], megabyte)
    session = client.client_id
    raises(ConnectionLoss, client.create, "/larger", b"x" * 2_000_000)
    equal(client.retry(client.exists, "/larger"), None)
    equal(client.client_id, session)


@check
def children(clients):
    """children with and without Stat, and many of them"""
    client = clients.new()
    client.create("/a")
    equal(client.get_children("/a"), [])
    waiting = [client.create_async(f"/a/{number}") for number in range(2000)]
    equal([each.get() for each in waiting], [f"/a/{number}" for number in range(2000)])
    names, stat = client.get_children("/a", include_data=True)
    equal(sorted(names, key=int), [str(number) for number in range(2000)])
    equal((stat.numChildren, stat.cversion), (2000, 2000))
    raises(NoNodeError, client.get_children, "/none")


@check
def delete(clients):
    """delete, with versions and recursively; ensure_path"""
    client = clients.new()
    client.ensure_path("/a/b/c")
    client.ensure_path("/a/b/c")
    raises(NotEmptyError, client.delete, "/a")
    raises(BadVersionError, client.delete, "/a/b/c", version=7)
    raises(NoNodeError, client.delete, "/a/none")
    client.delete("/a/b/c", version=0)
    client.ensure_path("/a/b/d/e")
    client.delete("/a", recursive=True)
    equal(client.get_children("/"), [])


@check
def acls(clients):
    """ACLs: who may read, write, create, delete and administer"""
    client = clients.new()
    client.create("/open")
    equal(client.get_acls("/open")[0], OPEN_ACL_UNSAFE)
    client.create("/read", b"r", acl=READ_ACL_UNSAFE)
    raises(NoAuthError, client.set, "/read", b"")
    raises(NoAuthError, client.create, "/read/child")
    equal(client.get("/read")[0], b"r")

    ada = make_digest_acl("ada", "secret", all=True)
    stat = client.set_acls("/open", [ada, make_acl("ip", "10.0.0.0/8", read=True)])
    equal((stat.aversion, stat.version), (1, 0))
    raises(NoAuthError, client.get, "/open")
    raises(NoAuthError, client.get_acls, "/open")
    raises(NoAuthError, client.set_acls, "/open", OPEN_ACL_UNSAFE)
    raises(NoAuthError, client.get_children, "/open")

    client.add_auth("digest", "ada:secret")
    raises(BadVersionError, client.set_acls, "/open", OPEN_ACL_UNSAFE, version=7)
    found, stat = client.get_acls("/open")
    equal([(acl.perms, acl.id.scheme, acl.id.id) for acl in found], [(31, "digest", ada.id.id), (1, "ip", "10.0.0.0/8")])
    client.set_acls("/open", [make_acl("world", "anyone", create=True)], version=1)
    client.create("/open/child")
    raises(NoAuthError, client.delete, "/open/child")


@check
def auth(clients):
    """authentication: digest, the creator's ACL, the superuser; invalid ACLs"""
    client = clients.new(auth_data=[("digest", "ada:secret")], default_acl=CREATOR_ALL_ACL)
    client.create("/mine", b"mine")
    equal(client.get_acls("/mine")[0], [make_digest_acl("ada", "secret", all=True)])
    stranger = clients.new()
    raises(NoAuthError, stranger.get, "/mine")
    raises(InvalidACLError, stranger.create, "/creator", acl=CREATOR_ALL_ACL)
    raises(InvalidACLError, stranger.create, "/bad", acl=[make_acl("nonsense", "x", all=True)])
    equal(stranger.add_auth("digest", "ada:wrong"), True)
    raises(NoAuthError, stranger.get, "/mine")
    equal(clients.new(auth_data=[("digest", "super:recorder")]).get("/mine")[0], b"mine")


@check
def auth_failed(clients):
    """a scheme the server does not know ends the session with AUTH_FAILED"""
    client = clients.new()
    raises(AuthFailedError, client.add_auth, "nonsense", "x")
    eventually(lambda: client.client_state == KeeperState.AUTH_FAILED or not client.connected, "AUTH_FAILED")
    eventually(lambda: client.state == KazooState.LOST, "LOST")


@check
def sync(clients):
    """sync: afterwards a client sees what another was told"""
    writer, reader = clients.new(), clients.new()
    writer.create("/a", b"0")
    for number in range(20):
        writer.set("/a", str(number).encode())
        equal(reader.sync("/a"), "/a")
        equal(reader.get("/a")[0], str(number).encode())


@check
def transactions(clients):
    """transactions: all or nothing, with the result of each operation"""
    client = clients.new()
    client.create("/a", b"1")
    good = client.transaction()
    good.check("/a", 0)
    good.create("/a/b", b"2")
    good.create("/a/s-", sequence=True)
    good.create("/a/e-", ephemeral=True, sequence=True)
    good.set_data("/a", b"3")
    good.delete("/a/b")
    results = good.commit()
    equal(results[:4], [True, "/a/b", "/a/s-0000000001", "/a/e-0000000002"])
    equal((results[4].version, results[4].dataLength, results[5]), (1, 1, True))
    equal(results[4].mzxid, client.exists("/a/s-0000000001").czxid)

    with client.transaction() as bad:
        bad.create("/never", b"")
        bad.check("/a", version=7)
        bad.delete("/a")
    equal(client.exists("/never"), None)
    bad = client.transaction()
    bad.create("/never", b"")
    bad.delete("/a")
    bad.set_data("/a", b"")
    equal([type(each) for each in bad.commit()], [RolledBackError, NotEmptyError, RuntimeInconsistency])
    bad = client.transaction()
    bad.set_data("/a", b"", version=7)
    bad.create("/never", b"")
    equal([type(each) for each in bad.commit()], [BadVersionError, RuntimeInconsistency])
    equal(client.get("/a")[0], b"3")
    equal(client.transaction().commit(), [])


@check
def pipelining(clients):
    """answers come in the order of the requests"""
    client = clients.new()
    client.create("/a", b"")
    answers = []
    done = threading.Event()
    waiting = []
    for number in range(500):
        waiting.append(client.set_async("/a", str(number).encode()))
        waiting.append(client.get_async("/a"))
        if number % 50 == 0:
            waiting.append(client.get_async("/none"))
    for each in waiting:
        each.rawlink(answers.append)
    waiting[-1].rawlink(lambda _: done.set())
    assert done.wait(20)
    equal(answers, waiting)
    reads = [each.get()[0] for each in waiting if each.successful() and isinstance(each.get(), tuple) and isinstance(each.get()[0], bytes)]
    equal(reads, [str(number).encode() for number in range(500)])
    equal(sum(isinstance(each.exception, NoNodeError) for each in waiting), 10)


@check
def read_only(clients):
    """a client that would take a read-only server gets a read-write one"""
    client = clients.new(read_only=True)
    equal(client.client_state, KeeperState.CONNECTED)
    client.create("/a")


@check
def bad_paths(clients):
    """paths that ZooKeeper refuses"""
    client = clients.new()
    for path in ["/a\x01b", "/a\ue000"]:
        raises(BadArgumentsError, client.create, path)
    equal(client.get_children("/"), [])


@check
def timeouts(clients):
    """58: the session timeout is clamped to 2 and 20 ticks of 500 ms"""
    for asked, granted in [(0.5, 1000), (3, 3000), (600, 10_000)]:
        client = clients.new(timeout=asked)
        line = next(line for line in client.command(b"cons").splitlines() if f"sid=0x{client.client_id[0]:x}," in line)
        assert f",to={granted}," in line, line


@check
def chroot(clients):
    """two chroots do not see each other"""
    one = clients.new()
    one.ensure_path("/left")
    one.ensure_path("/right")
    left, right = (clients.keep(started(f"{clients.hosts}/{side}")) for side in ("left", "right"))
    left.create("/a", b"left")
    equal((right.exists("/a"), one.get("/left/a")[0]), (None, b"left"))
    equal(left.create("/s", sequence=True), "/s0000000001")


if __name__ == "__main__":
    main()
