#!/usr/bin/env python3
"""Echo that sends requests to services before it replies.

The arguments are pairs of a service and a request. Replies of services are printed to stderr; an
echo is not answered before all services have replied.
"""
import json
import sys

requests = list(zip(sys.argv[1::2], sys.argv[2::2]))
me, pending, sent = None, [], 0


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def send_next():
    global sent
    if sent < len(requests):
        service, request = requests[sent]
        sent += 1
        send(service, {**json.loads(request), "msg_id": sent})
        return
    while pending:
        client, request = pending.pop()
        send(client, {"type": "echo_ok", "echo": request["echo"],
                      "in_reply_to": request["msg_id"]})


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    if body["type"] == "init":
        me = body["node_id"]
        send(src, {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif body["type"] == "echo":
        pending.append((src, body))
        send_next()
    else:
        print(src, "answers", json.dumps(body), file=sys.stderr, flush=True)
        send_next()
