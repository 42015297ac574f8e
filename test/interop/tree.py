"""Prints the whole tree that a ZooKeeper server shows to a client, one node as JSON per line, in the form of test/recordings."""
import base64
import json
import sys

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError


def nodes(client, path):
    """Parents first; a node that goes meanwhile (an expired TTL node) is left out."""
    try:
        data, stat = client.get(path)
        acls, _ = client.get_acls(path)
        children = client.get_children(path)
    except NoNodeError:
        return
    yield {
        "path": path,
        "data": None if data is None else base64.b64encode(data).decode(),
        "czxid": hex(stat.czxid),
        "mzxid": hex(stat.mzxid),
        "pzxid": hex(stat.pzxid),
        "ctime": stat.ctime,
        "mtime": stat.mtime,
        "version": stat.version,
        "clientCversion": stat.cversion,
        "aversion": stat.aversion,
        "ephemeralOwner": hex(stat.ephemeralOwner & 0xFFFFFFFFFFFFFFFF),
        "dataLength": stat.dataLength,
        "numChildren": stat.numChildren,
        "acl": [{"perms": acl.perms, "scheme": acl.id.scheme, "id": acl.id.id} for acl in acls],
    }
    for child in sorted(children):
        yield from nodes(client, ("" if path == "/" else path) + "/" + child)


client = KazooClient(hosts=sys.argv[1], timeout=30, auth_data=[("digest", "super:recorder")])
client.start()
sys.setrecursionlimit(10_000)
for node in nodes(client, "/"):
    print(json.dumps(node))
client.stop()
