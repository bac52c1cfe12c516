#!/usr/bin/env python3
"""Echo that prints a thousand lines to stderr before each of its first ten replies."""
import json
import sys

for n, line in enumerate(sys.stdin):
    message = json.loads(line)
    request = message["body"]
    for i in range(1000 if 0 < n <= 10 else 0):
        print(f"remark {n}.{i} " + "bla " * 25, file=sys.stderr)
    sys.stderr.flush()
    body = {"type": request["type"] + "_ok", "in_reply_to": request["msg_id"]}
    if request["type"] == "echo":
        body["echo"] = request["echo"]
    print(json.dumps({"src": message["dest"], "dest": message["src"], "body": body}), flush=True)
