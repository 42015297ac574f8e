"""Contenders for one of Kazoo's locks, while servers go and come. Nothing but the lock keeps them apart.

    LOCK_CONTENDERS=3 lock.py host:port,host:port

Who holds it reads a count and writes the next one, without a version, together with the zxid of its lock node: none is lost, and holders come in the order of
their lock nodes. It says `held N` from time to time, works until it reads a line, and says at the end in JSON what it has seen.
"""
import json
import logging
import os
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError
from kazoo.protocol.states import KazooState
from kazoo.retry import KazooRetry

patient = KazooRetry(max_tries=-1, delay=0.02, backoff=1.5, max_delay=0.5, max_jitter=0.2)
finishing = threading.Event()
counting = threading.Lock()
seen = {"held": 0, "problems": [], "suspended": 0}
inside = 0


def problem(text):
    with counting:
        seen["problems"].append(text)


class Contender:
    def __init__(self, number, hosts):
        self.name = f"{os.getpid()}-{number}"
        self.client = KazooClient(hosts, timeout=20, connection_retry=patient.copy(), command_retry=patient.copy())
        self.client.add_listener(self.changed)
        self.client.start(timeout=60)
        self.ended = False
        try:
            self.client.retry(self.client.create, "/counted", b"0:0")
        except NodeExistsError:
            pass

    def changed(self, state):
        if state == KazooState.SUSPENDED:
            with counting:
                seen["suspended"] += 1
        elif state == KazooState.LOST and not self.ended:
            problem(f"{self.name} lost its session")

    def contend(self):
        lock = self.client.Lock("/lock", self.name)
        try:
            while not finishing.is_set():
                lock.acquire()
                self.hold(lock)
                lock.release()
        except BaseException as error:
            problem(f"{self.name}: {error!r}")

    def hold(self, lock):
        global inside
        with counting:
            inside += 1
            if inside > 1:
                seen["problems"].append(f"{inside} hold the lock")
        value, _ = self.client.retry(self.client.get, "/counted")
        count, fence = (int(part) for part in value.decode().split(":"))
        own = self.client.retry(self.client.exists, f"/lock/{lock.node}")
        if own is None:
            problem(f"{self.name} holds the lock, and its node is gone")
        elif own.czxid <= fence:
            problem(f"{self.name} holds the lock with {own.czxid:x} after {fence:x}")
        else:
            self.client.retry(self.client.set, "/counted", f"{count + 1}:{own.czxid}".encode())
        with counting:
            inside -= 1
            seen["held"] += 1
            print(f"held {seen['held']}", flush=True)


def main():
    logging.basicConfig(level=logging.CRITICAL)
    contenders = [Contender(number, sys.argv[1]) for number in range(int(os.environ.get("LOCK_CONTENDERS", "3")))]
    threads = [threading.Thread(target=contender.contend, daemon=True) for contender in contenders]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    finishing.set()
    for thread in threads:
        thread.join(60)
        if thread.is_alive():
            problem("a contender did not come to an end")
    for contender in contenders:
        contender.ended = True
        contender.client.stop()
    print(json.dumps(seen), flush=True)


main()
