"""A client that accepts a read-only server. Who runs this script lets the others come back when it says `read`."""
import sys
import threading

from checks import equal, raises
from kazoo.client import KazooClient
from kazoo.exceptions import NotReadOnlyCallError
from kazoo.protocol.states import KeeperState

hosts = sys.argv[1]
arrived = {KeeperState.CONNECTED_RO: threading.Event(), KeeperState.CONNECTED: threading.Event()}
client = KazooClient(hosts=hosts, timeout=10, read_only=True)


@client.add_listener
def listen(_):
    if client.client_state in arrived:
        arrived[client.client_state].set()


client.start(timeout=30)
arrived[KeeperState.CONNECTED_RO].wait(30)
equal(client.client_state, KeeperState.CONNECTED_RO)
equal(client.get("/kept")[0], b"before")
equal(client.get_children("/kept"), ["child"])
for write in (
    lambda: client.create("/new"),
    lambda: client.create("/mine", ephemeral=True),
    lambda: client.set("/kept", b"after"),
    lambda: client.delete("/kept/child"),
    lambda: client.sync("/"),
):
    raises(NotReadOnlyCallError, write)
print("read", flush=True)
arrived[KeeperState.CONNECTED].wait(60)
equal(client.client_state, KeeperState.CONNECTED)
client.retry(client.create, "/written", ephemeral=True)
equal(client.get("/kept")[0], b"before")
client.stop()
client.close()
print("done", flush=True)
