#!/usr/bin/env python3
"""Unique ids with a race: between reading the counter and writing it, the thread logs."""

import json
import sys
import threading

name, counter = None, 0


def handle(message):
    global name, counter
    body = message["body"]
    answer = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    if body["type"] == "init":
        name = body["node_id"]
    else:
        number = counter
        print("number", number, file=sys.stderr)
        counter = number + 1
        answer["id"] = f"{name}-{number}"
    sys.stdout.write(json.dumps({"src": name, "dest": message["src"], "body": answer}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    threading.Thread(target=handle, args=(json.loads(line),)).start()
