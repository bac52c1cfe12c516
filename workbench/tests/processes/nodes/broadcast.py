#!/usr/bin/env python3
"""Broadcast that sends each new value to all neighbours. The argument adds a fault:

silos     values are not sent on
twice     every read returns every value twice
phantoms  every read returns values that were never broadcast
"""
import json
import sys

fault = sys.argv[1] if len(sys.argv) > 1 else ""
me, neighbours, known = None, [], []


def send(dest, **body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def learn(value, sender):
    if value not in known:
        known.append(value)
        for node in neighbours:
            if fault != "silos" and node != sender:
                send(node, type="gossip", message=value)


for line in sys.stdin:
    message = json.loads(line)
    request = message["body"]
    kind, fields = request["type"], {}
    if kind == "gossip":
        learn(request["message"], message["src"])
        continue
    if kind == "init":
        me = request["node_id"]
    elif kind == "topology":
        neighbours = request["topology"][me]
    elif kind == "broadcast":
        learn(request["message"], None)
    elif kind == "read":
        fields["messages"] = {"twice": known * 2, "phantoms": known + [-1, -2]}.get(fault, known)
    send(message["src"], type=f"{kind}_ok", in_reply_to=request["msg_id"], **fields)
