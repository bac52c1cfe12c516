#!/usr/bin/env python3
"""Echo and broadcast for one node that logs events to stderr, one a line:

    process P        it started, with process id P
    tick T           it is running, at T seconds of the monotonic clock; every 10 ms
    request N TYPE   it received its Nth request

The beginning of its next message is always printed in advance, so that a kill leaves half a line.
"""
import json
import os
import sys
import threading
import time


def log(*words):
    sys.stderr.write(" ".join(str(word) for word in words) + "\n")
    sys.stderr.flush()


def tick():
    while True:
        log("tick", time.monotonic())
        time.sleep(0.01)


def put(text):
    sys.stdout.write(text)
    sys.stdout.flush()


log("process", os.getpid())
threading.Thread(target=tick, daemon=True).start()
put('{"src":')
seen = []
for n, line in enumerate(sys.stdin, 1):
    message = json.loads(line)
    request = message["body"]
    kind = request["type"]
    log("request", n, kind)
    if kind == "broadcast":
        seen.append(request["message"])
    fields = {"echo": {"echo": request.get("echo")}, "read": {"messages": seen}}.get(kind, {})
    body = json.dumps({"type": f"{kind}_ok", "in_reply_to": request["msg_id"], **fields})
    put(f'"{message["dest"]}","dest":"{message["src"]}","body":{body}}}\n{{"src":')
