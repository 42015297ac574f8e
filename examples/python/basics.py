"""Create a node, watch it, and take turns under a lock: in Python, on the classes that protoc makes of proto/.

basics.py ADDRESS, with those classes in the PYTHONPATH. On Debian, after
apt-get install protobuf-compiler libprotobuf-dev protobuf-compiler-grpc python3-grpcio python3-protobuf:

    mkdir -p stubs
    protoc -Iproto --python_out=stubs --plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin --grpc_out=stubs $(find proto/ -name '*.proto')
"""
import sys
import threading

import grpc
from chronokeeper.v1 import session_pb2, session_pb2_grpc, watch_pb2, watch_pb2_grpc, znode_pb2, znode_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
nodes = znode_pb2_grpc.ZnodeServiceStub(channel)
sessions = session_pb2_grpc.SessionServiceStub(channel)
watches = watch_pb2_grpc.WatchServiceStub(channel)
patience = 60


class Session:
    """A session that is kept alive until it is closed."""

    def __init__(self):
        opened = sessions.OpenSession(session_pb2.OpenSessionRequest(timeout_ms=10_000), timeout=patience)
        # What a call has in its metadata to be made inside the session.
        self.inside = (("ck-session-id", str(opened.session_id)), ("ck-session-password-bin", opened.password))
        self._closed = threading.Event()
        threading.Thread(target=self._keep_alive, args=(opened.timeout_ms / 3000,), daemon=True).start()

    def _keep_alive(self, seconds):
        while not self._closed.wait(seconds):
            # Who holds a lock stops when this fails: the session may be over.
            sessions.KeepAlive(session_pb2.KeepAliveRequest(), metadata=self.inside, timeout=patience)

    def close(self):
        self._closed.set()
        sessions.CloseSession(session_pb2.CloseSessionRequest(), metadata=self.inside, timeout=patience)


class Lock:
    """A place in a line: an ephemeral node, which goes with its session."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._session = Session()
        request = znode_pb2.CreateRequest(
            path=f"{self._path}/lock-", mode=znode_pb2.CREATE_MODE_EPHEMERAL_SEQUENTIAL
        )
        created = nodes.Create(request, metadata=self._session.inside, timeout=patience)
        # Greater than that of whoever held the lock before: what is protected refuses smaller ones.
        self.token = created.stat.czxid
        own = created.path[len(self._path) + 1 :]
        while True:
            listing = znode_pb2.ListChildrenRequest(path=self._path)
            line = nodes.ListChildren(listing, metadata=self._session.inside, timeout=patience)
            at = sorted(line.children).index(own)
            if at == 0:
                return self
            # The one in front of it, and nobody else.
            wait_until_gone(f"{self._path}/{sorted(line.children)[at - 1]}", line.zxid)

    def __exit__(self, *_):
        # The node goes with it.
        self._session.close()


def wait_until_gone(path, since):
    """Since the zxid: a node that went before the watch was set is told of, too."""
    target = watch_pb2.WatchRequest.Target(path=path, kind=watch_pb2.WATCH_KIND_DATA)
    for message in watches.Watch(watch_pb2.WatchRequest(targets=[target], after_zxid=since), timeout=patience):
        if message.events:
            return


def main():
    nodes.Create(znode_pb2.CreateRequest(path="/python", data=b"hello"), timeout=patience)
    got = nodes.Get(znode_pb2.GetRequest(path="/python"), timeout=patience)
    print(f"created /python: {got.data.decode()}")

    target = watch_pb2.WatchRequest.Target(path="/python", kind=watch_pb2.WATCH_KIND_PERSISTENT)
    events = watches.Watch(watch_pb2.WatchRequest(targets=[target], with_data=True), timeout=patience)
    # The first message says that the watch is set.
    next(events)
    nodes.Set(znode_pb2.SetRequest(path="/python", data=b"world"), timeout=patience)
    event = next(events).events[0]
    print(f"changed {event.path}: {event.data.decode()}")
    events.cancel()

    container = znode_pb2.CREATE_MODE_CONTAINER
    nodes.Create(znode_pb2.CreateRequest(path="/python/lock", mode=container), timeout=patience)
    tokens = []

    def second():
        with Lock("/python/lock") as lock:
            tokens.append(lock.token)

    with Lock("/python/lock") as lock:
        print("first has the lock")
        tokens.append(lock.token)
        waiting = threading.Thread(target=second)
        waiting.start()
        print("first releases it")
    waiting.join(patience)
    print(f"second has the lock, with a greater token: {str(tokens[1] > tokens[0]).lower()}")


main()
