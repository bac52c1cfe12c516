#!/usr/bin/env python3
r"""Broadcast, in Python: flooding with acknowledgements and resends.

    cargo workbench test -w broadcast --bin workbench/examples/broadcast.py --time-limit 5 \
        --nemesis partition --nemesis-interval 1
    cargo workbench storm -w broadcast --bin workbench/examples/broadcast.py --time-limit 5 \
        --faults partition,loss,duplicate,delay,pause --seeds 0..6

A node sends each new value to all its neighbours except the one it came from, and resends it twice
a second until the neighbour has acknowledged it. So a partition only delays: what was lost is sent
again when the partition is over. A value that arrives twice does no harm, since it is added to a
set.
"""

import json
import sys
import threading
import time

RESEND_SECONDS = 0.5


class Node:
    def __init__(self):
        self.name = None
        self.known = set()
        self.unacked = {}  # for each neighbour, the values that it has not acknowledged
        self.lock = threading.Lock()  # guards all fields and stdout, for both threads

    def send(self, dest, body):
        print(json.dumps({"src": self.name, "dest": dest, "body": body}), flush=True)

    def learn(self, values, sender=None):
        """Stores values, and sends the new ones to the other neighbours."""
        new = set(values) - self.known
        self.known |= new
        for neighbour, unacked in self.unacked.items():
            if neighbour != sender and new:
                unacked |= new
                self.send(neighbour, {"type": "tell", "values": sorted(new)})

    def resend_forever(self):
        while True:
            time.sleep(RESEND_SECONDS)
            with self.lock:
                for neighbour, unacked in self.unacked.items():
                    if unacked:
                        self.send(neighbour, {"type": "tell", "values": sorted(unacked)})

    def on_message(self, src, body):
        """Handles a message and returns the answer, if there is one."""
        kind = body["type"]
        if kind == "init":
            self.name = body["node_id"]
            return {"type": "init_ok"}
        if kind == "topology":
            self.unacked = {node: set() for node in body["topology"].get(self.name, [])}
            return {"type": "topology_ok"}
        if kind == "broadcast":
            self.learn([body["message"]])
            return {"type": "broadcast_ok"}
        if kind == "read":
            return {"type": "read_ok", "messages": sorted(self.known)}
        if kind == "tell":
            self.learn(body["values"], sender=src)
            self.send(src, {"type": "told", "values": body["values"]})
            return None
        if kind == "told":
            self.unacked.get(src, set()).difference_update(body["values"])
            return None
        return {"type": "error", "code": 10, "text": f"unknown request type: {kind}"}


def main():
    node = Node()
    threading.Thread(target=node.resend_forever, daemon=True).start()
    for line in sys.stdin:
        try:
            message = json.loads(line)
            with node.lock:
                answer = node.on_message(message["src"], message["body"])
                if answer and "msg_id" in message["body"]:
                    answer["in_reply_to"] = message["body"]["msg_id"]
                    node.send(message["src"], answer)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # Stdout is for messages only; diagnostics go to stderr.
            print(f"{error!r} in {line!r}", file=sys.stderr)


main()
