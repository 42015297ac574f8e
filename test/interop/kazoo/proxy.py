"""A network between client and server that can fail."""
import socket
import threading


class Proxy:
    """Passes bytes on both ways, until it is told otherwise."""

    def __init__(self, server):
        host, port = server.split(":")
        self._server = (host, int(port))
        self._pairs = []
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Ends the connections there are. New ones may be made."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for one in pair:
                _shut(one)

    def freeze(self):
        """Keeps the connections and passes nothing on, in new ones neither."""
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def close(self):
        self._listener.close()
        self.thaw()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, server))
            for one, other in [(client, server), (server, client)]:
                threading.Thread(target=self._pass, args=[one, other], daemon=True).start()

    def _pass(self, one, other):
        try:
            while received := one.recv(65536):
                self._flowing.wait()
                other.sendall(received)
        except OSError:
            pass
        _shut(one)
        _shut(other)


def _shut(one):
    """Unlike close(), it wakes a thread that reads from it."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
