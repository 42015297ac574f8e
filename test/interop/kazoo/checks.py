"""What the scripts of this folder share. A check is a function; each runs with clients in a chroot of its own, and prints one line of JSON.

    script.py --list               the titles of the checks
    script.py host:port            runs them all
"""
import faulthandler
import json
import logging
import multiprocessing
import sys
import time
import traceback
from io import StringIO

from kazoo.client import KazooClient

# No fork: a client has threads.
processes = multiprocessing.get_context("spawn")
patience = 20
# A script that hangs says where, and ends.
limit = 90

_checks = []


def check(function):
    """Marks a check; its docstring is its title."""
    _checks.append(function)
    return function


class Clients:
    """The clients of one check. All of them are stopped when it is over."""

    def __init__(self, server, chroot):
        self.server = server
        self.chroot = chroot
        self.hosts = server + chroot
        self._started = []

    def new(self, **options):
        return self.keep(started(self.hosts, **options))

    def keep(self, client):
        self._started.append(client)
        return client

    def close(self):
        for client in self._started:
            client.stop()
            client.close()


def started(hosts, **options):
    client = KazooClient(hosts, **{"timeout": 10, **options})
    client.start(timeout=patience)
    return client


def eventually(condition, what):
    """Waits until it holds. It is what a test does instead of sleeping."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.01)


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def raises(error, call, *arguments, **options):
    """Calls, and returns the error that must come."""
    try:
        result = call(*arguments, **options)
    except error as expected:
        return expected
    raise AssertionError(f"{error.__name__} did not come, but {result!r}")


def in_processes(count, target, *arguments):
    """Runs target(number, *arguments) in so many processes to their ends, and returns what they returned."""
    with processes.Pool(count) as pool:
        return pool.starmap(target, [(number, *arguments) for number in range(count)], chunksize=1)


def main():
    if sys.argv[1] == "--list":
        print(json.dumps([function.__doc__ for function in _checks]))
        return
    faulthandler.dump_traceback_later(limit, exit=True)
    server = sys.argv[1]
    root = started(server)
    log = StringIO()
    logging.basicConfig(stream=log, level=logging.WARNING)
    for function in _checks:
        clients = Clients(server, root.create("/check-", sequence=True))
        began = time.monotonic()
        failure = None
        try:
            function(clients)
        except Exception:
            failure = traceback.format_exc() + log.getvalue()
        clients.close()
        ms = round((time.monotonic() - began) * 1000)
        print(json.dumps({"title": function.__doc__, "ms": ms, "failure": failure}), flush=True)
    root.stop()
