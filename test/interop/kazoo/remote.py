"""A Kazoo client that does what it is told, line by line, and says what it hears.

    {"call": "create", "arguments": ["/a", {"data": "x"}], "options": {"ephemeral": true}}   →   {"result": ...} or {"error": "NoNodeError"}
    {"call": "get", "arguments": ["/a"], "watch": true}                                      later: {"event": "CHANGED /a"}
"""
import json
import sys
import threading

from checks import started

printing = threading.Lock()


def say(line):
    with printing:
        print(json.dumps(line), flush=True)


def argument(value):
    return value["data"].encode() if isinstance(value, dict) else value


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, Exception):
        return type(value).__name__
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def heard(event):
    say({"event": f"{event.type} {event.path}"})


client = started(sys.argv[1])
say({"result": str(client.client_id[0])})
for line in sys.stdin:
    request = json.loads(line)
    options = dict(request.get("options", {}))
    if request.get("watch"):
        options["watch"] = heard
    try:
        say({"result": plain(getattr(client, request["call"])(*map(argument, request["arguments"]), **options))})
    except Exception as error:
        say({"error": type(error).__name__})
client.stop()
