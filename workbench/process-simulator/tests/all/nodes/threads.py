#!/usr/bin/env python3
"""Broadcast, with a thread that gossips: a lock, sleeps, random numbers and dates."""

import json
import random
import sys
import threading
import time

name, peers, known, owed = None, [], [], {}
lock = threading.Lock()


def send(dest, body):
    print(json.dumps({"src": name, "dest": dest, "body": body}), flush=True)


def learn(values, source):
    for value in set(values) - set(known):
        known.append(value)
        for peer in peers:
            if peer != source:
                owed[peer].add(value)


def gossip():
    while True:
        time.sleep(0.1 + random.random() * 0.01)
        with lock:
            for peer in random.sample(peers, len(peers)):
                if owed[peer]:
                    send(peer, {"type": "gossip", "values": list(owed[peer]), "at": time.time()})


threading.Thread(target=gossip, daemon=True).start()
for line in sys.stdin:
    message = json.loads(line)
    source, body = message["src"], message["body"]
    answer = {"type": body["type"] + "_ok", "in_reply_to": body.get("msg_id")}
    with lock:
        if body["type"] == "init":
            name = body["node_id"]
        elif body["type"] == "topology":
            peers = body["topology"][name]
            owed = {peer: set() for peer in peers}
        elif body["type"] == "broadcast":
            learn([body["message"]], source)
        elif body["type"] == "read":
            answer["messages"] = known
        elif body["type"] == "gossip":
            learn(body["values"], source)
            answer = {"type": "seen", "values": body["values"]}
        elif body["type"] == "seen":
            owed.get(source, set()).difference_update(body["values"])
            continue
        send(source, answer)
