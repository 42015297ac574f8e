"""Live restore: a plan, its start and its end, and who may."""
from checks import Create, Set, as_super, check, equal, eventually, fails
from client import admin_pb2, call, read, restore_pb2


@check
def restores(world):
    """a restore shows its plan, sets a subtree back under a record, and is told at every replica; it takes its role"""
    znode, path = world.one.znode, world.path("restored")
    made = call(znode.Create, Create(path=path, data=b"before"))
    call(znode.Set, Set(path=path, data=b"after"))
    extra = call(znode.Create, Create(path=f"{path}/extra"))
    replicas = (world.one, world.two, world.three)
    eventually(
        lambda: max(call(one.admin.Status, admin_pb2.StatusRequest()).mirror.mirrored_zxid for one in replicas)
        >= extra.zxid,
        "the mirror is in step",
    )
    service = world.one.restore
    target = restore_pb2.RestoreTarget(zxid=made.zxid, path=path)
    start = restore_pb2.StartRestoreRequest(target=target, reason="a client's check")
    equal(fails("PERMISSION_DENIED", None, service.StartRestore, start).info.reason, "ROLE_NEEDED")
    messages = read(service.PlanRestore, restore_pb2.PlanRestoreRequest(target=target), as_super)
    planned = [(one.path, one.action) for message in messages for one in message.differences]
    equal(planned, [(path, restore_pb2.RESTORE_ACTION_CHANGE), (extra.path, restore_pb2.RESTORE_ACTION_DELETE)])
    summary = messages[-1].summary
    equal((summary.zxid, summary.changed, summary.deleted, summary.created), (made.zxid, 1, 1, 0))
    start.unchanged_since_zxid = summary.base_zxid
    begun = call(service.StartRestore, start, as_super).restore
    watched = read(world.two.restore.WatchRestore, restore_pb2.WatchRestoreRequest(id=begun.id), as_super)
    last = watched[-1].restore
    equal((last.state, last.changes_done, last.reason), (restore_pb2.RESTORE_STATE_DONE, 2, "a client's check"))
    request = restore_pb2.GetRestoreRequest(id=begun.id)
    equal(call(world.three.restore.GetRestore, request, as_super).restore.zxid, made.zxid)
    listed = call(service.ListRestores, restore_pb2.ListRestoresRequest(), as_super).restores
    assert begun.id in [one.id for one in listed], listed
    over = restore_pb2.ResumeRestoreRequest(id=begun.id)
    equal(fails("FAILED_PRECONDITION", None, service.ResumeRestore, over, as_super).info.reason, "RESTORE_REFUSED")
    none = restore_pb2.AbortRestoreRequest(id=999_999)
    equal(fails("NOT_FOUND", None, service.AbortRestore, none, as_super).info.reason, "NO_RESTORE")
