"""A network between network namespaces that loses and delays packets as it is told.

    network.py 3

makes so many namespaces, each with one TUN device, and one device here for clients. Every packet between them passes this program, which needs nothing of
the kernel but TUN and namespaces: no netem, no iptables. It prints {"namespaces": [...], "hosts": [...], "here": "..."}; then it reads rules, one in a line,
each for packets of one direction, and answers "done":

    {"from": [1], "to": [2, 3], "drop": true}    {"from": [1, 2], "to": [3], "delay": 0.1, "loss": 0.05}    {"heal": true}

All of it is gone when its input ends.
"""
import fcntl
import heapq
import json
import os
import random
import selectors
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
# The host's part of the address that is not a member's: clients are there.
HERE = 254

own = os.getpid()
subnet = f"10.213.{own % 250 + 1}"
drawn = random.Random(own)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL)


def device(number):
    """A device without a file that keeps it is gone."""
    name = f"ck{own % 100000}n{number}"
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN_NO_PI))
    return name, descriptor


def bring_up(inside, name, number):
    ip(*inside, "addr", "add", f"{subnet}.{number}/24", "dev", name)
    ip(*inside, "link", "set", name, "up")


class Network:
    def __init__(self, count):
        self.namespaces = [f"ck{own}-{number}" for number in range(1, count + 1)]
        self.devices = {}
        self.rules = {}
        self.delayed = []
        self.order = 0

    def open(self):
        for number, namespace in enumerate(self.namespaces, 1):
            ip("netns", "add", namespace)
            name, self.devices[number] = device(number)
            ip("link", "set", name, "netns", namespace)
            bring_up(["-n", namespace], name, number)
            ip("-n", namespace, "link", "set", "lo", "up")
        name, self.devices[HERE] = device(HERE)
        bring_up([], name, HERE)

    def close(self):
        for descriptor in self.devices.values():
            os.close(descriptor)
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)

    def rule(self, rule):
        if rule.get("heal"):
            self.rules.clear()
            return
        for source in rule["from"]:
            for target in rule["to"]:
                self.rules[source, target] = rule

    def forward(self, source, packet):
        # IPv4 between the addresses of this network; anything else is the kernel's talk with itself.
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return
        target = packet[19]
        if target not in self.devices:
            return
        rule = self.rules.get((source, target))
        if rule is None:
            self.deliver(target, packet)
            return
        if rule.get("drop") or drawn.random() < rule.get("loss", 0):
            return
        if rule.get("delay"):
            self.order += 1
            heapq.heappush(self.delayed, (time.monotonic() + rule["delay"], self.order, target, packet))
        else:
            self.deliver(target, packet)

    def deliver(self, target, packet):
        try:
            os.write(self.devices[target], packet)
        except OSError:
            pass  # The device's queue is full: the packet is lost, as on any network.

    def due(self):
        """Delivers what has waited long enough; returns the seconds until the next."""
        now = time.monotonic()
        while self.delayed and self.delayed[0][0] <= now:
            _, _, target, packet = heapq.heappop(self.delayed)
            self.deliver(target, packet)
        return self.delayed[0][0] - now if self.delayed else None

    def run(self):
        selector = selectors.DefaultSelector()
        for number, descriptor in self.devices.items():
            selector.register(descriptor, selectors.EVENT_READ, number)
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        typed = b""
        while True:
            for key, _ in selector.select(self.due()):
                if key.data is not None:
                    self.read(key.data, key.fd)
                    continue
                more = os.read(key.fd, 65536)
                if not more:
                    return
                typed += more
                while b"\n" in typed:
                    line, typed = typed.split(b"\n", 1)
                    self.rule(json.loads(line))
                    print("done", flush=True)

    def read(self, source, descriptor):
        for _ in range(64):
            try:
                self.forward(source, os.read(descriptor, 65536))
            except BlockingIOError:
                return


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    network = Network(int(sys.argv[1]))
    try:
        network.open()
        hosts = [f"{subnet}.{number}" for number in range(1, int(sys.argv[1]) + 1)]
        print(json.dumps({"namespaces": network.namespaces, "hosts": hosts, "here": f"{subnet}.{HERE}"}), flush=True)
        network.run()
    finally:
        network.close()


main()
