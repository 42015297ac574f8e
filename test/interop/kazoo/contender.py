"""Kazoo's recipes beside programs that are not Kazoo's, with what to do from the environment."""
import os
import sys

from checks import started


def go_through_barrier(client, path):
    barrier = client.DoubleBarrier(path, 2)
    barrier.enter()
    print("inside", flush=True)
    barrier.leave()
    print("left", flush=True)


def count_under_lock(client, kind, path, rounds):
    """Nothing but the lock keeps those who count apart."""
    patterns = os.environ["PATTERNS"].split()
    lock = kind(path + "/lock", "kazoo", extra_lock_patterns=patterns)
    print("shares", flush=True)
    for _ in range(rounds):
        with lock:
            count, fence = client.get(path + "/counter")[0].decode().split(":")
            client.set(path + "/counter", f"{int(count) + 1}:{fence}".encode())
    print("done", flush=True)


def main(hosts):
    client = started(hosts)
    recipe, path = os.environ["RECIPE"], os.environ["RECIPE_PATH"]
    if recipe == "barrier":
        go_through_barrier(client, path)
    else:
        kind = {"lock": client.Lock, "write": client.WriteLock}[recipe]
        count_under_lock(client, kind, path, int(os.environ["ROUNDS"]))
    client.stop()


if __name__ == "__main__":
    main(sys.argv[1])
