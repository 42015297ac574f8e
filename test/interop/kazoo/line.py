"""A client on a line that can be cut, and whose session can be ended."""
from checks import equal, eventually, started
from kazoo.client import KazooClient
from kazoo.retry import KazooRetry
from proxy import Proxy

quick = KazooRetry(max_tries=-1, delay=0.02, backoff=1, max_jitter=0.01)


class Line:
    """A client behind a proxy of its own, and the states it went through."""

    def __init__(self, clients, **options):
        self.proxy = Proxy(clients.server)
        self.states = []
        self._hosts = clients.hosts
        self.client = clients.keep(
            KazooClient(self.proxy.address + clients.chroot, **{"timeout": 10, "connection_retry": quick, **options})
        )
        self.client.add_listener(self.states.append)
        self.client.start(timeout=20)

    def expect(self, *states):
        eventually(lambda: len(self.states) >= len(states), f"{states}, but {self.states}")
        equal(self.states, list(states))

    def expire(self):
        """Ends the session through a second connection with its id and password, as Kazoo's own tests do it.

        The client hears nothing of it meanwhile: it would take its session back.
        """
        session = self.client.client_id
        self.proxy.freeze()
        other = started(self._hosts, client_id=session)
        equal(other.client_id, session)
        other.stop()
        other.close()
        self.proxy.cut()
        self.proxy.thaw()
