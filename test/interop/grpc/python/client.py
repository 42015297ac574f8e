"""A Python program's view of the gRPC API.

The classes that protoc made of proto/, metadata, failures with their details, the stream of operations.
"""
import base64
import queue
import sys

import grpc

# What protoc wrote.
sys.path.insert(0, sys.argv[1])

from chronokeeper.v1 import (  # noqa: E402
    admin_pb2,
    admin_pb2_grpc,
    common_pb2,
    history_pb2,
    history_pb2_grpc,
    restore_pb2,
    restore_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
    watch_pb2,
    watch_pb2_grpc,
    znode_pb2,
    znode_pb2_grpc,
)
from google.rpc import error_details_pb2, status_pb2  # noqa: E402

patience = 30

files = {
    "Znode": (znode_pb2, znode_pb2_grpc),
    "Session": (session_pb2, session_pb2_grpc),
    "Watch": (watch_pb2, watch_pb2_grpc),
    "History": (history_pb2, history_pb2_grpc),
    "Admin": (admin_pb2, admin_pb2_grpc),
    "Restore": (restore_pb2, restore_pb2_grpc),
}
# `/chronokeeper.v1.ZnodeService/Get`: those that were called so far.
called = set()


def all_methods():
    """As the descriptors have them."""
    return {
        f"/{service.full_name}/{method.name}"
        for messages, _ in files.values()
        for service in messages.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


class _Notes(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    """Notes what is called. No call waits for ever, but those that are meant to."""

    def _pass(self, proceed, details, request):
        called.add(details.method)
        return proceed(details, request)

    intercept_unary_unary = _pass
    intercept_unary_stream = _pass
    intercept_stream_stream = _pass


class Replica:
    def __init__(self, address):
        self._channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        noted = grpc.intercept_channel(self._channel, _Notes())
        for name, (_, stubs) in files.items():
            setattr(self, name.lower(), getattr(stubs, f"{name}ServiceStub")(noted))

    def close(self):
        self._channel.close()


class Failure(Exception):
    """A failed call, with what grpc-status-details-bin has."""

    def __init__(self, error):
        super().__init__(f"{error.code()}: {error.details()}")
        self.code = error.code().name
        self.message = error.details()
        self.detail = self.info = self.help = self.retry = self.fields = None
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                self._read(status_pb2.Status.FromString(value), error)

    def _read(self, status, error):
        assert status.code == error.code().value[0], status
        assert status.message == error.details(), status
        for found in status.details:
            self._unpack(found, "detail", common_pb2.ErrorDetail())
            self._unpack(found, "info", error_details_pb2.ErrorInfo())
            self._unpack(found, "help", error_details_pb2.Help())
            self._unpack(found, "retry", error_details_pb2.RetryInfo())
            self._unpack(found, "fields", error_details_pb2.BadRequest())

    def _unpack(self, found, name, message):
        if found.Unpack(message):
            setattr(self, name, message)


def call(method, request, metadata=()):
    """A unary call. Raises a Failure."""
    try:
        return method(request, metadata=tuple(metadata), timeout=patience)
    except grpc.RpcError as error:
        raise Failure(error) from None


def read(method, request, metadata=()):
    """All messages of a stream that ends. Raises a Failure."""
    try:
        return list(method(request, metadata=tuple(metadata), timeout=patience))
    except grpc.RpcError as error:
        raise Failure(error) from None


def inside(session):
    """What a call has in its metadata to be made inside a session."""
    return (("ck-session-id", hex(session.session_id)), ("ck-session-password-bin", session.password))


def credentials(user_and_password):
    return (("authorization", "Basic " + base64.b64encode(user_and_password.encode()).decode()),)


class Stream:
    """The stream of Operate."""

    def __init__(self, replica, begin, *operations):
        self._requests = queue.Queue()
        self._last_id = 0
        self.sent = []
        self.send(*operations, begin=begin)
        self._call = replica.session.Operate(iter(self._requests.get, None), timeout=patience)
        self._items = (item for message in self._call for item in message.items)
        self.first = self.item()

    def send(self, *operations, begin=None):
        """One message with these, which get the next ids."""
        for operation in operations:
            self._last_id += 1
            operation.id = self._last_id
            self.sent.append(operation)
        request = session_pb2.OperateRequest(operations=operations)
        if begin is not None:
            field = "open" if isinstance(begin, session_pb2.OpenSessionRequest) else "attach"
            getattr(request, field).CopyFrom(begin)
        self._requests.put(request)

    def item(self):
        """The next reply, event or word about the session; None at the end. Raises a Failure."""
        try:
            return next(self._items, None)
        except grpc.RpcError as error:
            raise Failure(error) from None

    def ask(self, **operation):
        """One operation, and its reply's result when nothing else comes before it. Raises an ErrorDetail's name."""
        self.send(session_pb2.Operation(**operation))
        reply = self.item().reply
        assert reply.id == self._last_id, reply
        kind = reply.WhichOneof("result")
        assert kind in (*operation, "error"), f"{kind} answers {operation}"
        return getattr(reply, kind)

    def end(self):
        """Ends the own side, and waits until the server has ended its."""
        self._requests.put(None)
        rest = []
        while (item := self.item()) is not None:
            rest.append(item)
        return rest

    def drop(self):
        """As when the program dies."""
        self._call.cancel()
        self._requests.put(None)
