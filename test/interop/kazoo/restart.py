"""Clients of a server that is started again in the middle of their work, twice; who runs this script does so when it says `restart`."""
import logging
import os
import sys
import threading

from checks import equal, eventually, processes, started
from kazoo.exceptions import NodeExistsError
from kazoo.protocol.states import KazooState
from kazoo.retry import KazooRetry

quick = KazooRetry(max_tries=-1, delay=0.02, backoff=1, max_jitter=0.01)


def client_of(hosts, **options):
    return started(hosts, connection_retry=quick, command_retry=quick.copy(), **options)


def die_with_ephemeral(hosts):
    client_of(hosts, timeout=1).create("/dead", ephemeral=True)
    os._exit(0)


class Writer:
    """Writes on and on. What was acknowledged must be there."""

    def __init__(self, hosts):
        self.client = client_of(hosts)
        self.client.create("/log")
        self.acknowledged = 0
        self._done = False
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self):
        while not self._done:
            try:
                self.client.retry(self.client.create, f"/log/{self.acknowledged}")
            except NodeExistsError:
                pass  # The one whose answer was lost.
            self.acknowledged += 1

    def end(self):
        self._done = True
        self._thread.join()


def main(hosts):
    survivor, witness, writer = client_of(hosts), client_of(hosts), Writer(hosts)
    states, values = [], []
    survivor.add_listener(states.append)
    session = survivor.client_id
    survivor.create("/mine", b"0", ephemeral=True)
    survivor.create("/counted", b"0")
    survivor.create("/sequence/", ephemeral=True, sequence=True, makepath=True)
    survivor.DataWatch("/counted", lambda value, stat: values.append(value))
    lock = survivor.Lock("/lock", "survivor")
    lock.acquire()

    for times in [1, 2]:
        dead = processes.Process(target=die_with_ephemeral, args=[hosts])
        dead.start()
        dead.join()
        before = survivor.exists("/mine")
        written = writer.acknowledged
        eventually(lambda: writer.acknowledged > written + 20, "the writer writes")
        print(f"restart {times}", flush=True)
        eventually(lambda: states == [KazooState.SUSPENDED, KazooState.CONNECTED] * times, "the connection is back")

        equal(survivor.client_id, session)
        equal(survivor.retry(survivor.exists, "/mine"), before)
        equal(before.ephemeralOwner, session[0])
        equal(survivor.create("/sequence/", ephemeral=True, sequence=True), f"/sequence/{times:010}")
        equal(witness.retry(witness.Lock("/lock", "witness").acquire, blocking=False), False)
        witness.set("/counted", str(times).encode())
        eventually(lambda: values[-1] == str(times).encode(), "the watch is set again")
        eventually(lambda: witness.exists("/dead") is None, "a session that did not come back is ended")
        written = writer.acknowledged
        eventually(lambda: writer.acknowledged > written + 20, "the writer goes on")

    writer.end()
    children = witness.get_children("/log")
    equal(sorted(children, key=int)[: writer.acknowledged], [str(number) for number in range(writer.acknowledged)])
    lock.release()
    assert witness.Lock("/lock", "witness").acquire(timeout=10)
    for client in [survivor, witness, writer.client]:
        client.stop()
    print("done", flush=True)


if __name__ == "__main__":
    # Each attempt to connect is a warning.
    logging.basicConfig(level=logging.ERROR)
    main(sys.argv[1])
