#!/usr/bin/env python3
"""An echo node that beside its replies prints as fast as it can: to stderr, to stdout, or messages to itself,
which it ignores. Or it prints one line of a gigabyte after it has answered init, and exits."""

import json
import os
import sys

kind = sys.argv[1]
for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    if "msg_id" not in body:
        continue
    reply = {**body, "type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    print(json.dumps({"src": message["dest"], "dest": message["src"], "body": reply}), flush=True)
    if kind.endswith("line") and body["type"] == "init":
        for block in [b"x" * (1 << 20)] * 1024 + [b"\n"]:
            os.write(2 if kind == "stderr-line" else 1, block)
        sys.exit()
    elif body["type"] == "init" and os.fork() == 0:
        noise = {"src": body["node_id"], "dest": body["node_id"], "body": {"type": "noise"}}
        text = json.dumps(noise) if kind == "messages" else "y" * 99
        # Whole lines, so that replies are not between parts of one.
        block = (text + "\n").encode() * (4096 // (len(text) + 1))
        while True:
            os.write(2 if kind == "stderr" else 1, block)
