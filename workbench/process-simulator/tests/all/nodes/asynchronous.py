#!/usr/bin/env python3
"""Broadcast, with asyncio: one thread, a selector, and timers in a heap."""

import asyncio
import json
import random
import sys

name, peers, known, owed = None, [], [], {}


def send(dest, body):
    print(json.dumps({"src": name, "dest": dest, "body": body}), flush=True)


def learn(values, source):
    for value in values:
        if value not in known:
            known.append(value)
            for peer in peers:
                if peer != source:
                    owed[peer].add(value)


async def gossip():
    while True:
        await asyncio.sleep(0.1 + random.random() * 0.01)
        for peer in peers:
            if owed[peer]:
                send(peer, {"type": "gossip", "values": list(owed[peer])})


async def serve():
    global name, peers, owed
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    timer = asyncio.create_task(gossip())
    while line := await reader.readline():
        message = json.loads(line)
        source, body = message["src"], message["body"]
        answer = {"type": body["type"] + "_ok", "in_reply_to": body.get("msg_id")}
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
            owed[source] -= set(body["values"])
            continue
        send(source, answer)
    timer.cancel()


asyncio.run(serve())
