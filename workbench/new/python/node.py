#!/usr/bin/env python3
"""A node that passes echo. `workbench doc` describes all requests, errors and services."""

import json
import sys

node_id = None  # this node's name and those of all nodes, from init
node_ids = []


def send(dest, body):
    print(json.dumps({"src": node_id, "dest": dest, "body": body}), flush=True)


def reply(request, body):
    if "msg_id" in request["body"]:
        send(request["src"], {**body, "in_reply_to": request["body"]["msg_id"]})


def reply_error(request, code, text):
    reply(request, {"type": "error", "code": code, "text": text})


def on_init(request):
    global node_id, node_ids
    node_id, node_ids = request["body"]["node_id"], request["body"]["node_ids"]
    print(f"{node_id} of {node_ids}", file=sys.stderr)
    reply(request, {"type": "init_ok"})


def on_echo(request):
    reply(request, {"type": "echo_ok", "echo": request["body"]["echo"]})


# The next handlers go here: "generate" for unique-ids, "broadcast", …
handlers = {"init": on_init, "echo": on_echo}


def on_message(message):
    body = message["body"]
    if "in_reply_to" in body:
        return  # for the request that this node has sent with this number as its msg_id
    if body["type"] not in handlers:
        return reply_error(message, 10, f"not supported: {body['type']}")
    try:
        handlers[body["type"]](message)
    except KeyError as field:
        reply_error(message, 12, f"malformed request: no {field}")


for line in sys.stdin.buffer:
    try:
        on_message(json.loads(line))
    except Exception as error:  # a node must survive whatever it receives
        print(f"{error!r} in the message {line!r}", file=sys.stderr)
