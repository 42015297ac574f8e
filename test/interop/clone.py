"""Kazoo, as anybody uses it, looks around in a clone."""
import sys

from kazoo.client import KazooClient
from kazoo.exceptions import NotReadOnlyCallError

client = KazooClient(hosts=sys.argv[1], timeout=10)
client.start()
data, _ = client.get("/services/api")
try:
    client.create("/services/new", b"")
except NotReadOnlyCallError:
    print(f"read what was there: {data.decode()}, and could not write")
client.stop()
client.close()
