"""Kazoo's recipes, called line by line from beside, as remote.py does with its client.

    {"recipe": "LockingQueue", "path": "/queue", "call": "put", "arguments": [{"data": "x"}]}   →   {"result": null} or {"error": "NoNodeError"}

A call of `len` or `list` is Python's function, one of `value` reads the attribute. `options` are those of the constructor, the first time that a recipe is named.
"""
import json
import sys

from checks import started


def argument(value):
    return value["data"].encode() if isinstance(value, dict) else value


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, (bool, int, str)) else None


def called(recipe, name, arguments):
    if name == "len":
        return len(recipe)
    if name == "list":
        return list(recipe)
    found = getattr(recipe, name)
    return found(*arguments) if callable(found) else found


def main(hosts):
    client = started(hosts)
    recipes = {}
    print(json.dumps({"result": str(client.client_id[0])}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            key = (request["recipe"], request["path"])
            if key not in recipes:
                recipes[key] = getattr(client, key[0])(key[1], **request.get("options", {}))
            result = called(recipes[key], request["call"], [argument(each) for each in request["arguments"]])
            answer = {"result": plain(result)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    client.stop()


if __name__ == "__main__":
    main(sys.argv[1])
