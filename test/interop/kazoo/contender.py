"""Counts up under Kazoo's lock, beside programs that are not Kazoo's: path, rounds, patterns of the others' names from the environment. Nothing but the lock keeps them apart."""
import os
import sys

from checks import started


def main(hosts):
    path, rounds = os.environ["LOCK_PATH"], int(os.environ["ROUNDS"])
    client = started(hosts)
    patterns = [pattern for pattern in [os.environ["PATTERN"]] if pattern]
    lock = client.Lock(path + "/lock", "kazoo", extra_lock_patterns=patterns)
    print("shares", flush=True)
    for _ in range(rounds):
        with lock:
            count, fence = client.get(path + "/counter")[0].decode().split(":")
            client.set(path + "/counter", f"{int(count) + 1}:{fence}".encode())
    client.stop()
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
