#!/usr/bin/env python3
"""Echo that asks services before it answers: its arguments are a service, a request, and so on.

Every answer of a service goes to stderr. What a service never answers, is never echoed.
"""
import json
import sys

questions = list(zip(sys.argv[1::2], sys.argv[2::2]))
me, waiting, asked = None, [], 0


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def go_on():
    global asked
    if asked < len(questions):
        service, request = questions[asked]
        asked += 1
        send(service, {**json.loads(request), "msg_id": asked})
        return
    while waiting:
        client, request = waiting.pop()
        send(client, {"type": "echo_ok", "echo": request["echo"],
                      "in_reply_to": request["msg_id"]})


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    if body["type"] == "init":
        me = body["node_id"]
        send(src, {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif body["type"] == "echo":
        waiting.append((src, body))
        go_on()
    else:
        print(src, "answers", json.dumps(body), file=sys.stderr, flush=True)
        go_on()
