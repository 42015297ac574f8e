"""What the checks share. A check is a function; each has a node of its own, and its docstring is its title."""
import time

from client import Failure, Replica, call, credentials, session_pb2, watch_pb2, znode_pb2

as_super = credentials("super:recorder")
linearizable = znode_pb2.CONSISTENCY_LINEARIZABLE
ephemeral = znode_pb2.CREATE_MODE_EPHEMERAL
checks = []
# Of znode.proto.
Create, Get = znode_pb2.CreateRequest, znode_pb2.GetRequest
Set, Delete = znode_pb2.SetRequest, znode_pb2.DeleteRequest
List, Exists = znode_pb2.ListChildrenRequest, znode_pb2.ExistsRequest
Op, ReadOp = znode_pb2.MultiRequest.Op, znode_pb2.MultiReadRequest.Op
Target = watch_pb2.WatchRequest.Target
Open, Attach = session_pb2.OpenSessionRequest, session_pb2.AttachSessionRequest
# Operations that were sent on streams, in all checks.
operated = set()


def check(function):
    """Marks a check; its docstring is its title."""
    checks.append(function)
    return function


class World:
    """The replicas, and a node of its own for each check."""

    def __init__(self, addresses, joiner):
        self.one, self.two, self.three, self.alone = (Replica(address) for address in addresses.split(","))
        self.joiner = joiner
        self.root = ""

    def begin(self, number):
        self.root = f"/python-{number}"
        for replica in (self.one, self.alone):
            call(replica.znode.Create, Create(path=self.root))

    def path(self, name):
        return f"{self.root}/{name}"


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def fails(code, name, method, request, metadata=()):
    """The failure that must come."""
    try:
        answer = call(method, request, metadata)
    except Failure as failure:
        equal((failure.code, failure.detail.name if failure.detail else None), (code, name))
        return failure
    raise AssertionError(f"{code} did not come, but {answer!r}")


def eventually(condition, what):
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.02)
    return found


def event(item):
    """What a watch event says."""
    name = watch_pb2.WatchEventType.Name(item.type).removeprefix("WATCH_EVENT_TYPE_")
    return name, item.path
