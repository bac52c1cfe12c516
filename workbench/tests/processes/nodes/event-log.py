#!/usr/bin/env python3
"""Echo and broadcast for one node that keeps a diary on stderr, a line for whatever happens:

    process P        it began, as this process
    tick T           it is awake, T seconds after some fixed moment; every 10 ms
    request N TYPE   it was asked for the Nth time

The beginning of its next message is always printed already: whenever it dies, half a line is left.
"""
import json
import os
import sys
import threading
import time


def note(*words):
    sys.stderr.write(" ".join(str(word) for word in words) + "\n")
    sys.stderr.flush()


def tick():
    while True:
        note("tick", time.monotonic())
        time.sleep(0.01)


def put(text):
    sys.stdout.write(text)
    sys.stdout.flush()


note("process", os.getpid())
threading.Thread(target=tick, daemon=True).start()
put('{"src":')
seen = []
for n, line in enumerate(sys.stdin, 1):
    message = json.loads(line)
    request = message["body"]
    kind = request["type"]
    note("request", n, kind)
    if kind == "broadcast":
        seen.append(request["message"])
    fields = {"echo": {"echo": request.get("echo")}, "read": {"messages": seen}}.get(kind, {})
    body = json.dumps({"type": f"{kind}_ok", "in_reply_to": request["msg_id"], **fields})
    put(f'"{message["dest"]}","dest":"{message["src"]}","body":{body}}}\n{{"src":')
