"""A client that stays while servers change behind its address. Each line that it is told is one thing to do; it answers each with one line of JSON."""
import json
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, OperationTimeoutError
from kazoo.retry import KazooRetry
from kazoo.security import make_digest_acl

states = []
client = KazooClient(
    hosts=sys.argv[1],
    timeout=30,
    auth_data=[("digest", "ada:secret")],
    connection_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.2),
    command_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.2),
)
client.add_listener(lambda state: states.append(str(state)))
client.start(timeout=30)


def settle():
    """The first command of the client was one for the server before: again, until this one has answered."""
    while True:
        try:
            return client.exists("/")
        except (ConnectionLoss, OperationTimeoutError):
            time.sleep(0.05)


def make():
    client.create("/migrant", b"v0", acl=[make_digest_acl("ada", "secret", all=True)])
    client.create("/migrant/here", b"", ephemeral=True)
    client.create("/migrant/n-", b"", sequence=True)


def write():
    settle()
    data, _ = client.get("/migrant")
    client.set("/migrant", data + b"+")
    client.create("/migrant/n-", b"", sequence=True)


def look():
    settle()
    session, password = client.client_id
    data, stat = client.get("/migrant")
    return {
        "session": hex(session),
        "password": password.hex(),
        "owner": hex(client.exists("/migrant/here").ephemeralOwner),
        "data": data.decode(),
        "version": stat.version,
        "zxid": stat.mzxid,
        "children": sorted(client.get_children("/migrant")),
        "states": states,
    }


for line in sys.stdin:
    word = line.strip()
    answer = {"make": make, "write": write, "look": look}[word]()
    print(json.dumps({"told": word, "answer": answer}), flush=True)
client.stop()
