"""A busy client: every kind of write that kazoo knows, successful and failing, and at last an end without goodbye, so that ephemerals stay."""
import os
import sys

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoNodeError, NodeExistsError, NotEmptyError
from kazoo.security import make_acl, make_digest_acl

client = KazooClient(hosts=sys.argv[1], timeout=60, auth_data=[("digest", "ada:secret")])
client.start()

client.create("/config", b"v1")
for i in range(50):
    client.create("/config/n-", str(i).encode(), sequence=True)
client.create("/straße-日本語", "größe ✓".encode())
client.create("/config/large", b"x" * 200_000)
client.create("/deep/er/and/deeper", b"", makepath=True)
client.create("/private", b"mine", acl=[make_digest_acl("ada", "secret", all=True), make_acl("ip", "127.0.0.1", read=True)])
client.create("/mine", b"session", ephemeral=True)
client.create("/deep/lock-", b"", ephemeral=True, sequence=True)
for i in range(20):
    client.set("/config", f"v{i + 2}".encode())
client.set_acls("/deep/er", [make_acl("world", "anyone", read=True, create=True), make_digest_acl("ada", "secret", all=True)])
client.delete("/config/n-0000000007")

for call, error in [
    (lambda: client.set("/config", b"never", version=1), BadVersionError),
    (lambda: client.delete("/config"), NotEmptyError),
    (lambda: client.create("/config", b"again"), NodeExistsError),
    (lambda: client.set("/nothing", b""), NoNodeError),
]:
    try:
        call()
        raise SystemExit(f"{error.__name__} did not come")
    except error:
        pass

good = client.transaction()
good.create("/many", b"1")
good.create("/many/a", b"2")
good.set_data("/many", b"3")
good.check("/many", version=1)
good.delete("/many/a")
good.commit()
bad = client.transaction()
bad.create("/never", b"")
bad.check("/config", version=0)
bad.create("/nor-this", b"")
bad.commit()

other = KazooClient(hosts=sys.argv[1], timeout=60)
other.start()
other.create("/others", b"", ephemeral=True)
other.stop()

sys.stdout.flush()
os._exit(0)
