"""Clients that write to an ensemble as a careful user does, with retries, and record all that they are told.

    LOAD_NAME=a LOAD_CLIENTS=3 LOAD_RECORD=file load.py host:port,host:port

It says `working`, works until it reads `finish`, says `finished`, and keeps its sessions until its input ends. The record has a line of JSON for each
attempt ("begin"), for what became of it ("ok", with version and zxid where the answer has them, or "error"), and for each change of a connection's state.
Names are never used twice, so that it is known at the end what must be there.
"""
import json
import logging
import os
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError
from kazoo.retry import KazooRetry

patient = KazooRetry(max_tries=-1, delay=0.02, backoff=1.5, max_delay=0.5, max_jitter=0.2)
finishing = threading.Event()
recording = threading.Lock()
record = open(os.environ["LOAD_RECORD"], "w", buffering=1)
name = os.environ["LOAD_NAME"]
session_timeout = float(os.environ.get("LOAD_SESSION_TIMEOUT", "20"))
pause = float(os.environ.get("LOAD_PAUSE", "0.005"))


def say(**line):
    with recording:
        record.write(json.dumps({"at": round(time.time() * 1000), **line}) + "\n")


class Wrong(Exception):
    """The service did what it must not."""


class Writer:
    def __init__(self, number, hosts):
        self.id = f"{name}-{number}"
        self.root = f"/load/{self.id}"
        self.random = random.Random(self.id)
        self.client = KazooClient(hosts, timeout=session_timeout, connection_retry=patient.copy(), command_retry=patient.copy())
        self.client.add_listener(lambda state: say(client=self.id, state=state))
        self.client.start(timeout=60)
        self.nodes = {}  # Path to version, of those that stay.
        self.ephemerals = []
        self.made = 0
        self.done = 0
        self.create(self.root, False)
        self.sum = f"{self.root}/sum"
        self.create(self.sum, False)

    def attempt(self, op, path, data, call, again):
        """Calls until there is an answer; `again` says what the answer means if the first one may have been lost."""
        self.done += 1
        tries = 0
        say(client=self.id, n=self.done, begin=op, path=path, data=data)

        def once():
            nonlocal tries
            tries += 1
            return call()

        try:
            try:
                answer = self.client.retry(once)
            except (NodeExistsError, BadVersionError, NoNodeError) as error:
                if tries == 1:
                    raise
                answer = self.client.retry(again, error)
        except Exception as error:
            say(client=self.id, n=self.done, error=f"{type(error).__name__}: {error}", tries=tries)
            return None
        say(client=self.id, n=self.done, ok=answer, tries=tries)
        return answer

    def new_path(self, kind):
        self.made += 1
        return f"{self.root}/{kind}{self.made:06}"

    def text(self):
        return f"{self.id} {self.done + 1}"

    def create(self, path, ephemeral):
        data = self.text()

        def call():
            _, stat = self.client.create(path, data.encode(), ephemeral=ephemeral, include_data=True)
            return {"version": stat.version, "zxid": stat.czxid, "owner": hex((stat.owner_session_id or 0) & 0xFFFFFFFFFFFFFFFF)}

        def again(error):
            value, stat = self.client.get(path)
            if value.decode() != data or not isinstance(error, NodeExistsError):
                raise Wrong(f"{error!r}, and {path} is {value!r}")
            return {"version": stat.version, "zxid": stat.czxid, "owner": hex((stat.owner_session_id or 0) & 0xFFFFFFFFFFFFFFFF)}

        answer = self.attempt("ephemeral" if ephemeral else "create", path, data, call, again)
        if answer is None:
            return
        if ephemeral:
            self.ephemerals.append(path)
        else:
            self.nodes[path] = answer["version"]

    def set(self, path):
        data, version = self.text(), self.nodes[path]

        def call():
            stat = self.client.set(path, data.encode(), version=version)
            return {"version": stat.version, "zxid": stat.mzxid}

        def again(error):
            value, stat = self.client.get(path)
            if value.decode() != data or stat.version != version + 1:
                raise Wrong(f"{error!r}, and {path} is {value!r} version {stat.version}")
            return {"version": stat.version, "zxid": stat.mzxid}

        self.took(path, self.attempt("set", path, data, call, again))

    def took(self, path, answer):
        if answer is not None:
            self.nodes[path] = answer["version"]
        else:
            del self.nodes[path]  # Nobody knows what it is now.

    def delete(self, path, version):
        def call():
            self.client.delete(path, version=version)
            return {}

        def again(error):
            if not isinstance(error, NoNodeError):
                raise Wrong(f"{error!r} of a delete of {path}")
            return {}

        self.attempt("delete", path, None, call, again)

    def multi(self):
        """All or nothing: a new node, and the one that counts."""
        path, data, version = self.new_path("m"), self.text(), self.nodes[self.sum]

        def call():
            together = self.client.transaction()
            together.check(self.root, version=0)
            together.create(path, data.encode())
            together.set_data(self.sum, data.encode(), version=version)
            results = together.commit()
            failed = [one for one in results if isinstance(one, Exception)]
            for one in failed:
                if isinstance(one, (NodeExistsError, BadVersionError)):
                    raise one
            if failed:
                raise Wrong(f"a multi failed: {results!r}")
            return {"version": results[2].version, "zxid": results[2].mzxid}

        def again(error):
            self.client.get(path)
            value, stat = self.client.get(self.sum)
            if value.decode() != data or stat.version != version + 1:
                raise Wrong(f"{error!r}, and {self.sum} is {value!r} version {stat.version}")
            return {"version": stat.version, "zxid": stat.mzxid}

        answer = self.attempt("multi", path, data, call, again)
        self.took(self.sum, answer)
        if answer is not None:
            self.nodes[path] = 0

    def step(self):
        dice = self.random.random()
        plain = [path for path in self.nodes if path not in (self.root, self.sum)]
        if self.sum not in self.nodes:
            raise Wrong(f"{self.sum} is lost")
        if dice < 0.2:
            self.multi()
        elif dice < 0.3:
            self.create(self.new_path("e"), True)
        elif dice < 0.38 and len(self.ephemerals) > 3:
            self.delete(self.ephemerals.pop(0), 0)
        elif dice < 0.5 and len(plain) > 3:
            path = self.random.choice(plain)
            self.delete(path, self.nodes.pop(path))
        elif dice < 0.7 or not plain:
            self.create(self.new_path("n"), False)
        else:
            self.set(self.random.choice(plain))

    def work(self):
        try:
            while not finishing.is_set():
                self.step()
                time.sleep(pause)
        except BaseException as error:
            say(client=self.id, error=f"the client gave up: {error!r}")


def main():
    logging.basicConfig(level=logging.CRITICAL)
    hosts = sys.argv[1]
    first = KazooClient(hosts, timeout=session_timeout, connection_retry=patient.copy(), command_retry=patient.copy())
    first.start(timeout=60)
    try:
        first.retry(first.create, "/load")
    except NodeExistsError:
        pass
    first.stop()
    writers = [Writer(number, hosts) for number in range(int(os.environ.get("LOAD_CLIENTS", "3")))]
    threads = [threading.Thread(target=writer.work, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    print("working", flush=True)
    sys.stdin.readline()
    finishing.set()
    for thread in threads:
        thread.join(90)
    for writer, thread in zip(writers, threads):
        if thread.is_alive():
            say(client=writer.id, error="it did not come to an end")
    print("finished", flush=True)
    sys.stdin.read()
    for writer in writers:
        writer.client.stop()
        writer.client.close()
    print("closed", flush=True)


if __name__ == "__main__":
    main()
