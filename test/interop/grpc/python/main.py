"""The whole API from Python, with what protoc and grpcio of Debian make of proto/.

    main.py generated --list                       the titles of the checks
    main.py generated host:port,… server.4=…       runs them all, on three replicas and one that stands alone
"""
import faulthandler
import json
import sys
import time
import traceback

import nodes  # noqa: F401 - its checks
import holding  # noqa: F401
import operating  # noqa: F401
import restoring  # noqa: F401
from checks import World, check, checks, equal, operated
from client import all_methods, called, session_pb2

# A script that hangs says where, and ends.
limit = 150


@check
def nothing_forgotten(_world):
    """every method of every service was called, and every operation sent on a stream"""
    equal(all_methods() - called, set())
    fields = session_pb2.Operation.DESCRIPTOR.oneofs_by_name["op"].fields
    equal({field.name for field in fields} - operated, set())


def main():
    if sys.argv[2] == "--list":
        print(json.dumps([function.__doc__ for function in checks]))
        return
    faulthandler.dump_traceback_later(limit, exit=True)
    world = World(sys.argv[2], sys.argv[3])
    for number, function in enumerate(checks):
        began = time.monotonic()
        failure = None
        try:
            world.begin(number)
            function(world)
        except Exception:
            failure = traceback.format_exc()
        ms = round((time.monotonic() - began) * 1000)
        print(json.dumps({"title": function.__doc__, "ms": ms, "failure": failure}), flush=True)


main()
