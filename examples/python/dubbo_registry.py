"""Providers and consumers in the layout of Apache Dubbo's ZooKeeper registry, with Kazoo, an unmodified ZooKeeper client.

dubbo_registry.py ADDRESS, of the ZooKeeper port. Dubbo keeps URLs as the names of nodes, escaped:

    /dubbo/<interface>/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2F<interface>%3Fweight%3D100     ephemeral
    /dubbo/<interface>/consumers/consumer%3A%2F%2F…                                             ephemeral
    /dubbo/<interface>/configurators, /routers                                                   persistent
"""
import queue
import sys
from urllib.parse import parse_qs, quote, unquote, urlsplit

from kazoo.client import KazooClient

interface = "org.example.GreetingService"
root = f"/dubbo/{interface}"


class Provider:
    """One server of the interface, for as long as its session lives."""

    def __init__(self, address, host, port, **parameters):
        self._client = KazooClient(hosts=address)
        self._client.start()
        query = "&".join(f"{key}={value}" for key, value in sorted(parameters.items()))
        url = f"dubbo://{host}:{port}/{interface}?{query}"
        self._client.create(f"{root}/providers/{quote(url, safe='')}", ephemeral=True, makepath=True)

    def stop(self):
        self._client.stop()
        self._client.close()


class Consumer:
    """Hears of every change of the providers."""

    def __init__(self, address):
        self._client = KazooClient(hosts=address)
        self._client.start()
        self.changes = queue.Queue()
        own = quote(f"consumer://10.0.9.1/{interface}?category=consumers", safe="")
        self._client.create(f"{root}/consumers/{own}", ephemeral=True, makepath=True)
        for category in ("providers", "configurators", "routers"):
            self._client.ensure_path(f"{root}/{category}")
        self._client.ChildrenWatch(f"{root}/providers", self._heard)

    def _heard(self, names):
        urls = [urlsplit(unquote(name)) for name in names]
        self.changes.put(sorted((url.netloc, parse_qs(url.query)["weight"][0]) for url in urls))

    def until(self, count):
        """The providers, when there are so many."""
        while True:
            providers = self.changes.get(timeout=60)
            if len(providers) == count:
                return providers

    def stop(self):
        self._client.stop()
        self._client.close()


def main(address):
    consumer = Consumer(address)
    print("providers:", consumer.until(0))
    one = Provider(address, "10.0.0.1", 20880, weight=100)
    two = Provider(address, "10.0.0.2", 20880, weight=200)
    print("providers:", consumer.until(2))
    one.stop()
    print("providers:", consumer.until(1))
    two.stop()
    consumer.stop()


main(sys.argv[1])
