"""Nodes, lists, access control, multis, reads of the newest state, failures, wide numbers."""
from checks import (
    Attach,
    Create,
    Delete,
    Exists,
    Get,
    List,
    Op,
    Open,
    ReadOp,
    Set,
    check,
    ephemeral,
    equal,
    fails,
    linearizable,
)
from client import admin_pb2, call, common_pb2, credentials, inside, read, session_pb2, znode_pb2


@check
def nodes(world):
    """nodes are created, read, changed and deleted, with versions; null is not empty"""
    znode, path = world.one.znode, world.path("node")
    created = call(znode.Create, Create(path=path, data=b"one"))
    equal((created.path, created.stat.version, created.stat.czxid), (path, 0, created.zxid))
    changed = call(znode.Set, Set(path=path, data=b"two", version=0))
    equal((changed.stat.version, changed.stat.mzxid, changed.stat.data_length), (1, changed.zxid, 3))
    equal(call(znode.Get, Get(path=path)).data, b"two")
    call(znode.Set, Set(path=path, data=b""))
    assert call(znode.Get, Get(path=path)).HasField("data")
    call(znode.Set, Set(path=path))
    assert not call(znode.Get, Get(path=path)).HasField("data")
    equal(call(znode.Exists, Exists(path=path)).stat.version, 3)
    fails("FAILED_PRECONDITION", "BadVersion", znode.Delete, Delete(path=path, version=0))
    deleted = call(znode.Delete, Delete(path=path, version=3))
    assert deleted.zxid > changed.zxid
    assert not call(znode.Exists, Exists(path=path)).HasField("stat")


@check
def modes(world):
    """nodes are sequential, containers, or have a time to live"""
    znode = world.one.znode
    for mode, options in (
        ("PERSISTENT_SEQUENTIAL", {}),
        ("CONTAINER", {}),
        ("TTL", {"ttl_ms": 2**40 - 1}),
        ("TTL_SEQUENTIAL", {"ttl_ms": 60_000}),
    ):
        value = znode_pb2.CreateMode.Value(f"CREATE_MODE_{mode}")
        created = call(znode.Create, Create(path=world.path(mode), mode=value, **options))
        digits = created.path.removeprefix(world.path(mode))
        equal((len(digits), created.stat.ephemeral_owner), (10 if "SEQUENTIAL" in mode else 0, 0))
    ends = fails("INVALID_ARGUMENT", None, znode.Create, Create(path=world.path("x"), ttl_ms=1))
    equal([violation.field for violation in ends.fields.field_violations], ["ttl_ms"])


@check
def lists(world):
    """children come whole, by prefix, and in pages; descendants are counted"""
    znode, path = world.one.znode, world.path("list")
    names = [f"{kind}{number}" for kind in ("a", "b") for number in range(25)]
    call(znode.Create, Create(path=path))
    ops = [Op(create=Create(path=f"{path}/{name}")) for name in names]
    call(znode.Multi, znode_pb2.MultiRequest(ops=ops))
    equal(sorted(call(znode.ListChildren, List(path=path)).children), sorted(names))
    found, token = [], ""
    while True:
        page = call(znode.ListChildren, List(path=path, prefix="b", page_size=10, page_token=token))
        found += page.children
        token = page.next_page_token
        if token == "":
            break
    equal(found, sorted(name for name in names if name[0] == "b"))
    count = call(znode.GetAllChildrenNumber, znode_pb2.GetAllChildrenNumberRequest(path=world.root))
    equal(count.count, len(names) + 1)


@check
def many_children(world):
    """100,000 children come as a stream, each once, with Stat and data"""
    znode, path, count = world.one.znode, world.path("many"), 100_000
    call(znode.Create, Create(path=path))
    for start in range(0, count, 5000):
        ops = [Op(create=Create(path=f"{path}/n{i}", data=str(i).encode())) for i in range(start, start + 5000)]
        call(znode.Multi, znode_pb2.MultiRequest(ops=ops))
    messages = read(znode.StreamChildren, znode_pb2.StreamChildrenRequest(path=path, with_data=True))
    assert len(messages) > 1
    equal(messages[0].stat.num_children, count)
    found = {child.name: child for message in messages for child in message.children}
    equal(sum(len(message.children) for message in messages), count)
    for i in range(count):
        child = found[f"n{i}"]
        assert child.data == str(i).encode() and child.stat.data_length == len(child.data), child
    some = read(znode.StreamChildren, znode_pb2.StreamChildrenRequest(path=path, prefix="n9999"))
    equal(sum(len(message.children) for message in some), 11)
    assert not any(child.HasField("data") for message in some for child in message.children)


@check
def access(world):
    """access control lists are kept, and credentials make who one is"""
    znode, path = world.one.znode, world.path("secret")
    ann = credentials("ann:secret")
    who = call(znode.WhoAmI, znode_pb2.WhoAmIRequest(), ann).identities
    equal([identity.scheme for identity in who], ["ip", "digest"])
    acl = [common_pb2.Acl(perms=31, id=common_pb2.Id(scheme="auth"))]
    call(znode.Create, Create(path=path, data=b"hers", acl=acl), ann)
    fails("PERMISSION_DENIED", "NoAuth", znode.Get, Get(path=path))
    equal(call(znode.Get, Get(path=path), ann).data, b"hers")
    found = call(znode.GetAcl, znode_pb2.GetAclRequest(path=path), ann)
    equal([(entry.perms, entry.id.id) for entry in found.acl], [(31, who[1].id)])
    everybody = [common_pb2.Acl(perms=1, id=common_pb2.Id(scheme="world", id="anyone"))]
    changed = call(znode.SetAcl, znode_pb2.SetAclRequest(path=path, acl=everybody, aversion=0), ann)
    equal(changed.stat.aversion, 1)
    equal(call(znode.Get, Get(path=path)).data, b"hers")


@check
def multis(world):
    """several changes are one transaction or none; several reads succeed or fail alone"""
    znode, path = world.one.znode, world.path("multi")
    done = call(
        znode.Multi,
        znode_pb2.MultiRequest(
            ops=[
                Op(create=Create(path=path, data=b"1")),
                Op(set=Set(path=path, data=b"2", version=0)),
                Op(check=znode_pb2.CheckRequest(path=path, version=1)),
                Op(create=Create(path=f"{path}/child")),
                Op(delete=Delete(path=f"{path}/child")),
            ]
        ),
    )
    equal([result.path for result in done.results], [path, "", "", f"{path}/child", ""])
    equal([result.HasField("stat") for result in done.results], [True, True, False, True, False])
    ops = [Op(set=Set(path=path, data=b"3")), Op(create=Create(path=path)), Op(delete=Delete(path=path))]
    failed = fails("ALREADY_EXISTS", "NodeExists", znode.Multi, znode_pb2.MultiRequest(ops=ops))
    equal((failed.detail.op, list(failed.detail.op_codes), failed.detail.path), (1, [0, -110, -2], path))
    missing = world.path("missing")
    reads = [ReadOp(get=Get(path=path)), ReadOp(get=Get(path=missing)), ReadOp(list_children=List(path=path))]
    results = call(znode.MultiRead, znode_pb2.MultiReadRequest(ops=reads)).results
    equal([result.WhichOneof("result") for result in results], ["get", "error", "list_children"])
    equal((results[0].get.data, results[1].error.name, results[1].error.code), (b"2", "NoNode", -101))


@check
def newest(world):
    """a linearizable read at any replica sees what was just acknowledged at another; so does a read behind sync"""
    path = world.path("newest")
    call(world.one.znode.Create, Create(path=path))
    for number in range(20):
        written = call(world.one.znode.Set, Set(path=path, data=str(number).encode()))
        for replica in (world.two, world.three):
            seen = call(replica.znode.Get, Get(path=path, consistency=linearizable))
            equal((seen.data, seen.stat.mzxid), (str(number).encode(), written.zxid))
        written = call(world.two.znode.Set, Set(path=path, data=b"other"))
        synced = call(world.three.znode.Sync, znode_pb2.SyncRequest(path=path))
        assert synced.zxid >= written.zxid
        equal(call(world.three.znode.Get, Get(path=path)).data, b"other")


@check
def failures(world):
    """a failed call says what, where, what can be done about it, and when, in standard details"""
    znode, missing = world.one.znode, world.path("missing")
    failed = fails("NOT_FOUND", "NoNode", znode.Set, Set(path=missing))
    equal((failed.detail.code, failed.detail.path), (-101, missing))
    assert failed.detail.zxid > 0 and missing in failed.message, failed.message
    facts = dict(failed.info.metadata)
    equal((failed.info.reason, failed.info.domain), ("NO_NODE", "chronokeeper"))
    equal((facts["code"], facts["path"], int(facts["zxid"], 16)), ("-101", missing, failed.detail.zxid))
    equal(failed.help.links[0].url, "docs/grpc.md#nonode")
    equal(failed.help.links[0].description, failed.detail.advice)
    equal(failed.retry, None)
    fails("ALREADY_EXISTS", "NodeExists", znode.Create, Create(path=world.root))
    fails("INVALID_ARGUMENT", "BadArguments", znode.Create, Create(path="relative"))
    fails("INVALID_ARGUMENT", "BadArguments", znode.Create, Create(path=world.path("e"), mode=ephemeral))
    bad_credentials = (("authorization", "Basic !"),)
    fails("UNAUTHENTICATED", "AuthFailed", znode.Get, Get(path="/"), bad_credentials)
    unproved = (("ck-session-id", "1"),)
    equal(fails("UNAUTHENTICATED", None, znode.Get, Get(path="/"), unproved).info.reason, "NO_PASSWORD")
    bad = {"page_token": List(path="/", page_size=1, page_token="?"), "watch": List(path="/", watch=True)}
    for field, request in bad.items():
        failed = fails("INVALID_ARGUMENT", None, znode.ListChildren, request)
        equal([violation.field for violation in failed.fields.field_violations], [field])


@check
def wide_numbers(world):
    """64-bit values are whole at their edges, in both directions"""
    session, wrong = world.alone.session, bytes(16)
    # The number of this replica, 255, is the first byte of its session ids.
    opened = call(session.OpenSession, Open(timeout_ms=10_000))
    equal(opened.session_id >> 56, 255)
    created = call(world.alone.znode.Create, Create(path=world.path("e"), mode=ephemeral), inside(opened))
    equal(created.stat.ephemeral_owner, opened.session_id)
    decimal = (("ck-session-id", str(opened.session_id)), ("ck-session-password-bin", opened.password))
    equal(call(world.alone.znode.GetEphemerals, znode_pb2.GetEphemeralsRequest(), decimal).paths, [created.path])
    for edge in (1, 2**31, 2**32, 2**53 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        failed = fails(
            "FAILED_PRECONDITION", "SessionExpired", session.AttachSession, Attach(session_id=edge, password=wrong)
        )
        assert f"{edge:x} " in failed.message, failed.message
    ahead = Attach(session_id=opened.session_id, password=opened.password, last_zxid_seen=2**64 - 1)
    assert "0xffffffffffffffff" in fails("UNAVAILABLE", None, session.AttachSession, ahead).message
    state = call(world.alone.admin.Status, admin_pb2.StatusRequest())
    taken = call(world.alone.admin.TakeSnapshot, admin_pb2.TakeSnapshotRequest())
    equal((taken.digest, taken.zxid), (state.digest, state.last_zxid))
    assert state.digest > 2**32
    # A negative 32-bit number takes ten bytes.
    fails("FAILED_PRECONDITION", "BadVersion", world.alone.znode.Set, Set(path=world.root, version=-(2**31)))
    call(session.CloseSession, session_pb2.CloseSessionRequest(), inside(opened))
