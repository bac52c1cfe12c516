#!/usr/bin/env python3
"""Echo whose first answer follows a line of ten million bytes: a message if its argument says
"message", else noise. It must read its own long message before it answers anything."""
import json
import sys

LONG = "x" * 10_000_000
is_message = sys.argv[1:] == ["message"]
waiting, has_read = [], False

for line in sys.stdin:
    message = json.loads(line)
    me, request = message["dest"], message["body"]
    if request["type"] == "long":
        has_read = request["text"] == LONG
    else:
        waiting.append(message)
    if request["type"] == "echo" and not has_read and len(waiting) == 1:
        print(json.dumps({"src": me, "dest": me, "body": {"type": "long", "text": LONG}})
              if is_message else LONG, flush=True)
    while waiting and (has_read or not is_message or waiting[0]["body"]["type"] == "init"):
        message = waiting.pop(0)
        request = message["body"]
        body = {**request, "type": request["type"] + "_ok", "in_reply_to": request["msg_id"]}
        if request["type"] == "init":
            body = {"type": "init_ok", "in_reply_to": 1}
        print(json.dumps({"src": me, "dest": message["src"], "body": body}), flush=True)
