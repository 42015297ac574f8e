"""The history, and what is for operators."""
from checks import Create, Delete, Get, Open, Set, Target, as_super, check, equal, eventually, fails
from client import Failure, Stream, admin_pb2, call, credentials, history_pb2, inside, read, session_pb2, watch_pb2


@check
def history(world):
    """the history tells who did what, how nodes and trees were, and what is different"""
    znode, path = world.one.znode, world.path("past")
    made = call(znode.Create, Create(path=path, data=b"before"), credentials("ann:secret"))
    changed = call(znode.Set, Set(path=path, data=b"after"))
    child = call(znode.Create, Create(path=f"{path}/child"))
    fails("NOT_FOUND", "NoNode", znode.Delete, Delete(path=f"{path}/none"))
    last = call(znode.Delete, Delete(path=child.path)).zxid
    past = world.one.history
    eventually(lambda: mirrored(world) >= last, "the mirror is in step")
    filtered = history_pb2.HistoryRequest(path=path, recursive=True, from_zxid=made.zxid, to_zxid=last)
    entries = read(past.History, filtered)
    equal([entry.type for entry in entries if entry.error == 0], ["create", "setData", "create", "delete"])
    equal((entries[0].zxid, entries[0].context.door), (made.zxid, "grpc"))
    equal([identity.scheme for identity in entries[0].context.identities], ["digest"])
    equal((entries[1].changes[0].data_length_before, entries[1].changes[0].data_length_after), (6, 5))
    only = read(past.History, history_pb2.HistoryRequest(path=path, type="setData", limit=5))
    equal([entry.zxid for entry in only], [changed.zxid])
    follow = past.History(history_pb2.HistoryRequest(path=path, from_zxid=last + 1, follow=True), timeout=30)
    next_one = call(znode.Set, Set(path=path, data=b"later")).zxid
    equal(next(follow).zxid, next_one)
    follow.cancel()
    then = call(past.ZnodeAt, history_pb2.ZnodeAtRequest(path=path, zxid=made.zxid))
    equal((then.znode.data, then.znode.stat.version, then.zxid), (b"before", 0, made.zxid))
    trees = read(past.TreeAt, history_pb2.TreeAtRequest(zxid=child.zxid, prefix=path))
    equal([node.path for tree in trees for node in tree.znodes], [path, child.path])
    pages = read(past.ChildrenAt, history_pb2.ChildrenAtRequest(path=path, zxid=child.zxid))
    equal((pages[0].stat.num_children, pages[0].zxid), (1, child.zxid))
    equal([path + "/" + name for page in pages for name in page.children], [child.path])
    request = history_pb2.DiffRequest(from_zxid=made.zxid, to_zxid=child.zxid, prefix=path)
    differences = read(past.Diff, request)
    equal([(one.path, one.kind) for one in differences], [(path, 3), (child.path, 1)])
    equal((differences[0].before.data, differences[0].after.data), (b"before", b"after"))
    fails("OUT_OF_RANGE", None, past.ZnodeAt, history_pb2.ZnodeAtRequest(path=path, zxid=2**53 - 1))


@check
def tails(world):
    """the history comes as it is committed, and goes on at another replica"""
    znode, path = world.one.znode, world.path("tailed")
    made = call(znode.Create, Create(path=path, data=b"1"))
    paths = [history_pb2.TailTransactionsRequest.PathFilter(path=path, recursive=True)]
    request = history_pb2.TailTransactionsRequest(from_zxid=made.zxid - 1, paths=paths, with_data=True)
    tail = world.one.history.TailTransactions(request, timeout=30)
    first = next(one for one in tail if one.transactions)
    equal([one.transaction.zxid for one in first.transactions], [made.zxid])
    equal(first.transactions[0].transaction.changes[0].data, b"1")
    tail.cancel()
    changed = call(znode.Set, Set(path=path, data=b"2"))
    request.from_zxid = first.zxid
    tail = world.two.history.TailTransactions(request, timeout=30)
    following = next(one for one in tail if one.transactions)
    equal([one.transaction.zxid for one in following.transactions], [changed.zxid])
    tail.cancel()
    watch_request = history_pb2.HistoryServiceWatchRequest(from_zxid=made.zxid, path=path, with_data=True)
    watch = world.three.history.Watch(watch_request, timeout=30)
    changes = next(one for one in watch if one.changes).changes
    equal([(one.zxid, one.change.type, one.change.data) for one in changes], [(changed.zxid, "setData", b"2")])
    watch.cancel()
    ahead = history_pb2.TailTransactionsRequest(from_zxid=2**53 - 1)
    try:
        read(world.one.history.TailTransactions, ahead)
    except Failure as failure:
        equal(failure.code, "OUT_OF_RANGE")
    else:
        raise AssertionError("a zxid that is far ahead was taken")


def mirrored(world):
    replicas = (world.one, world.two, world.three)
    return max(call(one.admin.Status, admin_pb2.StatusRequest()).mirror.mirrored_zxid for one in replicas)


@check
def operators(world):
    """an operator sees states, rates and connections, takes snapshots, sheds load and changes the members"""
    admin = world.one.admin
    state = call(admin.Status, admin_pb2.StatusRequest())
    equal((len(state.ensemble.members), state.server_id, state.ready), (3, 1, True))
    stream = admin.WatchStatus(admin_pb2.WatchStatusRequest(interval_ms=100), timeout=30)
    equal(next(stream).interval_ms, 0)
    call(world.one.znode.Get, Get(path="/"))
    assert eventually(lambda: any(one.operation == "getData" for one in next(stream).operations), "a rate of getData")
    stream.cancel()
    snapshot = call(admin.TakeSnapshot, admin_pb2.TakeSnapshotRequest())
    assert snapshot.bytes > 0 and snapshot.file != "", snapshot
    session = Stream(world.one, Open(timeout_ms=20_000))
    watch = world.one.watch.Watch(
        watch_pb2.WatchRequest(targets=[Target(path="/", kind=watch_pb2.WATCH_KIND_PERSISTENT)]), timeout=30
    )
    next(watch)
    connections = call(admin.ListConnections, admin_pb2.ListConnectionsRequest()).connections
    kinds = {one.kind: one for one in connections}
    opened = session.first.opened
    equal(kinds["grpc-session"].session_id, opened.session_id)
    equal(kinds["grpc-watch"].watches, 1)
    chosen = admin_pb2.ShedLoadRequest.ConnectionIds(ids=[kinds["grpc-session"].id])
    equal(call(admin.ShedLoad, admin_pb2.ShedLoadRequest(connections=chosen)).closed, 1)
    equal(session.item().WhichOneof("item"), "going_away")
    try:
        session.item()
        raise AssertionError("the stream goes on")
    except Failure as failure:
        equal(failure.code, "UNAVAILABLE")
    watch.cancel()
    call(world.one.session.CloseSession, session_pb2.CloseSessionRequest(), inside(opened))
    config = call(admin.GetConfig, admin_pb2.GetConfigRequest())
    equal([line[:8] for line in config.config.split("\n")], ["server.1", "server.2", "server.3", "version="])
    joining = admin_pb2.ReconfigRequest(joining=world.joiner)
    fails("PERMISSION_DENIED", "NoAuth", admin.Reconfig, joining)
    joining.from_version = 7
    fails("FAILED_PRECONDITION", "BadVersion", admin.Reconfig, joining, as_super)
    joining.from_version = int(config.config.split("version=")[1], 16)
    assert world.joiner.split("=")[0] in call(admin.Reconfig, joining, as_super).config
    left = call(admin.Reconfig, admin_pb2.ReconfigRequest(leaving="4"), as_super)
    equal(left.config.split("\n")[:-1], config.config.split("\n")[:-1])
