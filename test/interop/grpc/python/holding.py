"""Sessions, their stream of operations, and watches."""
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
    Target,
    check,
    ephemeral,
    equal,
    event,
    fails,
    linearizable,
    operated,
)
from client import Stream, call, common_pb2, credentials, inside, read, session_pb2, watch_pb2, znode_pb2


@check
def sessions(world):
    """a session owns ephemeral nodes, proves identities, goes to another replica, and takes its nodes along"""
    opened = call(world.one.session.OpenSession, Open(timeout_ms=20_000))
    equal((len(opened.password), opened.timeout_ms), (16, 20_000))
    mine, path = inside(opened), world.path("mine")
    created = call(world.one.znode.Create, Create(path=path, mode=ephemeral), mine)
    equal(created.stat.ephemeral_owner, opened.session_id)
    call(world.one.session.KeepAlive, session_pb2.KeepAliveRequest(), mine)
    proof = session_pb2.AuthenticateRequest(scheme="digest", credentials=b"ann:secret")
    proved = call(world.one.session.Authenticate, proof, mine).identities
    equal(list(call(world.one.znode.WhoAmI, znode_pb2.WhoAmIRequest(), mine).identities), list(proved))
    attach = Attach(
        session_id=opened.session_id, password=opened.password, timeout_ms=20_000, last_zxid_seen=opened.zxid
    )
    equal(call(world.two.session.AttachSession, attach).timeout_ms, 20_000)
    fails("FAILED_PRECONDITION", "SessionMoved", world.one.znode.Create, Create(path=world.path("no")), mine)
    second = call(world.two.znode.Create, Create(path=world.path("second"), mode=ephemeral), mine)
    found = call(world.two.znode.GetEphemerals, znode_pb2.GetEphemeralsRequest(), mine).paths
    equal(sorted(found), sorted([path, second.path]))
    closed = call(world.two.session.CloseSession, session_pb2.CloseSessionRequest(), mine)
    assert closed.zxid > second.zxid
    for gone in found:
        assert not call(world.two.znode.Exists, Exists(path=gone)).HasField("stat")
    fails("FAILED_PRECONDITION", "SessionExpired", world.two.session.KeepAlive, session_pb2.KeepAliveRequest(), mine)


@check
def expiry(world):
    """a session that is silent for its timeout is over, and its nodes, which a watch tells at another replica"""
    opened = call(world.one.session.OpenSession, Open(timeout_ms=2000))
    mine, path = inside(opened), world.path("silent")
    created = call(world.one.znode.Create, Create(path=path, mode=ephemeral), mine)
    call(world.two.znode.Sync, znode_pb2.SyncRequest())
    target = Target(path=path, kind=watch_pb2.WATCH_KIND_DATA)
    messages = read(world.two.watch.Watch, watch_pb2.WatchRequest(targets=[target], after_zxid=created.zxid))
    equal([event(one) for message in messages for one in message.events], [("NODE_DELETED", path)])
    fails("FAILED_PRECONDITION", "SessionExpired", world.one.znode.Get, Get(path="/"), mine)


@check
def watches(world):
    """watches of all kinds tell what happened, in order, with the node of then; after_zxid tells what was missed"""
    znode, path = world.one.znode, world.path("watched")
    call(znode.Create, Create(path=path, data=b"0"))
    targets = [Target(path=path, kind=watch_pb2.WATCH_KIND_PERSISTENT_RECURSIVE)]
    stream = world.one.watch.Watch(watch_pb2.WatchRequest(targets=targets, with_data=True), timeout=30)
    first = next(stream)
    equal(list(first.events), [])
    zxids = [call(znode.Set, Set(path=path, data=str(number).encode())).zxid for number in range(1, 4)]
    child = call(znode.Create, Create(path=f"{path}/child", data=b"new"))
    zxids += [child.zxid, call(znode.Delete, Delete(path=child.path)).zxid]
    heard = []
    for message in stream:
        heard += message.events
        if len(heard) == 5:
            break
    stream.cancel()
    changed, made, gone = (("NODE_DATA_CHANGED", path), ("NODE_CREATED", child.path), ("NODE_DELETED", child.path))
    equal([event(one) for one in heard], [changed] * 3 + [made, gone])
    equal([one.zxid for one in heard], zxids)
    equal([one.data for one in heard], [b"1", b"2", b"3", b"new", b""])
    equal([one.stat.version for one in heard[:3]], [1, 2, 3])
    assert not heard[4].HasField("stat")
    # One-shot ones: the stream ends with the last.
    targets = [
        Target(path=path, kind=watch_pb2.WATCH_KIND_DATA),
        Target(path=path, kind=watch_pb2.WATCH_KIND_CHILDREN),
    ]
    missed = read(world.one.watch.Watch, watch_pb2.WatchRequest(targets=targets, after_zxid=first.zxid))
    found = sorted(event(one) for message in missed for one in message.events)
    equal(found, [("NODE_CHILDREN_CHANGED", path), changed])
    both = [
        Target(path=path, kind=watch_pb2.WATCH_KIND_PERSISTENT),
        Target(path=world.path("late"), kind=watch_pb2.WATCH_KIND_DATA),
    ]
    stream = world.one.watch.Watch(watch_pb2.WatchRequest(targets=both), timeout=30)
    next(stream)
    call(znode.Create, Create(path=world.path("late")))
    call(znode.Create, Create(path=child.path))
    told = [event(next(stream).events[0]) for _ in range(2)]
    equal(told, [("NODE_CREATED", world.path("late")), ("NODE_CHILDREN_CHANGED", path)])
    stream.cancel()


@check
def pipelined(world):
    """the stream of operations answers each kind of operation, batch by batch, in their order"""
    ann = common_pb2.Acl(perms=31, id=common_pb2.Id(scheme="world", id="anyone"))
    path = world.path("stream")
    batch = [
        {"create": Create(path=path, data=b"0", mode=ephemeral)},
        {"set": Set(path=path, data=b"1", version=0)},
        {"get": Get(path=path)},
        {"exists": Exists(path=path, consistency=linearizable)},
        {"get_ephemerals": znode_pb2.GetEphemeralsRequest()},
        {"set_acl": znode_pb2.SetAclRequest(path=path, acl=[ann])},
        {"get_acl": znode_pb2.GetAclRequest(path=path)},
        {"delete": Delete(path=path)},
        {"get": Get(path=path)},
        {"multi": znode_pb2.MultiRequest(ops=[Op(create=Create(path=path)), Op(delete=Delete(path=path))])},
        {"multi_read": znode_pb2.MultiReadRequest(ops=[ReadOp(get=Get(path=world.root))])},
        {"list_children": List(path=world.root)},
        {"get_all_children_number": znode_pb2.GetAllChildrenNumberRequest(path=world.root)},
        {"sync": znode_pb2.SyncRequest()},
        {"authenticate": session_pb2.AuthenticateRequest(scheme="digest", credentials=b"ann:secret")},
        {"who_am_i": znode_pb2.WhoAmIRequest()},
        {"add_watch": watch_pb2.AddWatchRequest(path=path, kind=watch_pb2.WATCH_KIND_PERSISTENT)},
        {"remove_watches": watch_pb2.RemoveWatchesRequest(path=path)},
        {"set_watches": watch_pb2.SetWatchesRequest(relative_zxid=2**53 - 1, data=[world.root])},
        {"keep_alive": session_pb2.KeepAliveRequest()},
    ]
    operations = [session_pb2.Operation(**operation) for operation in batch]
    # The first message has operations already.
    stream = Stream(world.one, Open(timeout_ms=20_000), *operations[:3])
    equal(len(stream.first.opened.password), 16)
    stream.send(*operations[3:])
    replies = [stream.item().reply for _ in batch]
    equal([reply.id for reply in replies], list(range(1, len(batch) + 1)))
    expected = [next(iter(operation)) for operation in batch]
    expected[8] = "error"
    equal([reply.WhichOneof("result") for reply in replies], expected)
    equal((replies[2].get.data, replies[8].error.name), (b"1", "NoNode"))
    equal(replies[0].create.stat.ephemeral_owner, stream.first.opened.session_id)
    equal(list(replies[4].get_ephemerals.paths), [path])
    equal([identity.scheme for identity in replies[15].who_am_i.identities], ["ip", "digest"])
    # Thousands at once, in batches: all answered, in order, as one after the other.
    counter = world.path("counter")
    stream.ask(create=Create(path=counter))
    for _ in range(50):
        stream.send(*(session_pb2.Operation(set=Set(path=counter, data=bytes(100))) for _ in range(100)))
    versions = [stream.item().reply.set.stat.version for _ in range(5000)]
    equal(versions, list(range(1, 5001)))
    assert stream.ask(close_session=session_pb2.CloseSessionRequest()).zxid > 0
    equal(stream.item(), None)
    operated.update(operation.WhichOneof("op") for operation in stream.sent)


@check
def pipelined_watches(world):
    """events stand between the replies where they happened; they come again at the replica that the session moves to"""
    path = world.path("stream")
    stream = Stream(world.one, Open(timeout_ms=20_000))
    opened = stream.first.opened
    stream.ask(create=Create(path=path, data=b"0"))
    stream.ask(get=Get(path=path, watch=True))
    stream.ask(list_children=List(path=path, watch=True))
    kind = watch_pb2.WATCH_KIND_PERSISTENT_RECURSIVE
    stream.ask(add_watch=watch_pb2.AddWatchRequest(path=world.path("other"), kind=kind, with_data=True))
    stream.send(
        session_pb2.Operation(set=Set(path=path, data=b"1")),
        session_pb2.Operation(get=Get(path=path)),
        session_pb2.Operation(create=Create(path=world.path("other"), data=b"born")),
    )
    told = [stream.item() for _ in range(5)]
    equal([item.WhichOneof("item") for item in told], ["event", "reply", "reply", "event", "reply"])
    equal(event(told[0].event), ("NODE_DATA_CHANGED", path))
    equal((event(told[3].event), told[3].event.data), (("NODE_CREATED", world.path("other")), b"born"))
    seen = told[4].reply.create.zxid
    ends = stream.ask(create=Create(path=world.path("mine"), mode=ephemeral))
    stream.drop()
    # Meanwhile, at another replica:
    call(world.two.znode.Create, Create(path=f"{path}/child"))
    again = Stream(
        world.two,
        Attach(session_id=opened.session_id, password=opened.password, timeout_ms=20_000, last_zxid_seen=seen),
    )
    equal(again.first.attached.timeout_ms, 20_000)
    again.send(
        session_pb2.Operation(set_watches=watch_pb2.SetWatchesRequest(relative_zxid=seen, data=[path], child=[path]))
    )
    missed, reply = again.item(), again.item()
    equal((event(missed.event), reply.reply.WhichOneof("result")), (("NODE_CHILDREN_CHANGED", path), "set_watches"))
    assert not missed.event.HasField("zxid")
    equal(again.ask(exists=Exists(path=ends.path)).stat.ephemeral_owner, opened.session_id)
    equal(again.end(), [])
    # The session lives on without its stream.
    call(world.two.session.CloseSession, session_pb2.CloseSessionRequest(), inside(opened))
    assert not call(world.two.znode.Exists, Exists(path=ends.path)).HasField("stat")
