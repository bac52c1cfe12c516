#!/usr/bin/env python3
r"""Broadcast, in Python: a flood that does not give up.

    cargo workbench test -w broadcast --bin workbench/examples/broadcast.py --time-limit 5 \
        --nemesis partition --nemesis-interval 1

What a node hears for the first time it owes to all its neighbours but the one it came from. A debt
is paid when the neighbour says so, and until then it is told again, twice a second. So a partition
only delays: whatever is lost in it is told once more when it is over. Telling something twice does
no harm, for a set does not change when the same value comes again.
"""

import json
import sys
import threading
import time

RETRY_SECONDS = 0.5


class Node:
    def __init__(self):
        self.name = None
        self.known = set()
        self.owed = {}  # for each neighbour, the values that it has not confirmed
        self.lock = threading.Lock()  # held by whoever works: the reader, or the one who retries

    def send(self, dest, body):
        print(json.dumps({"src": self.name, "dest": dest, "body": body}), flush=True)

    def learn(self, values, teller=None):
        """Takes note of values, and tells those who may not know them."""
        new = set(values) - self.known
        self.known |= new
        for neighbour, owed in self.owed.items():
            if neighbour != teller and new:
                owed |= new
                self.send(neighbour, {"type": "tell", "values": sorted(new)})

    def retry_for_ever(self):
        while True:
            time.sleep(RETRY_SECONDS)
            with self.lock:
                for neighbour, owed in self.owed.items():
                    if owed:
                        self.send(neighbour, {"type": "tell", "values": sorted(owed)})

    def on_message(self, src, body):
        """What is answered; nothing if there is no answer."""
        kind = body["type"]
        if kind == "init":
            self.name = body["node_id"]
            return {"type": "init_ok"}
        if kind == "topology":
            self.owed = {node: set() for node in body["topology"].get(self.name, [])}
            return {"type": "topology_ok"}
        if kind == "broadcast":
            self.learn([body["message"]])
            return {"type": "broadcast_ok"}
        if kind == "read":
            return {"type": "read_ok", "messages": sorted(self.known)}
        if kind == "tell":
            self.learn(body["values"], teller=src)
            self.send(src, {"type": "told", "values": body["values"]})
            return None
        if kind == "told":
            self.owed.get(src, set()).difference_update(body["values"])
            return None
        return {"type": "error", "code": 10, "text": f"nobody here knows {kind}"}


def main():
    node = Node()
    threading.Thread(target=node.retry_for_ever, daemon=True).start()
    for line in sys.stdin:
        try:
            message = json.loads(line)
            with node.lock:
                answer = node.on_message(message["src"], message["body"])
                if answer and "msg_id" in message["body"]:
                    answer["in_reply_to"] = message["body"]["msg_id"]
                    node.send(message["src"], answer)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # Stdout is for messages alone; what a person should see goes to stderr.
            print(f"{error!r} in {line!r}", file=sys.stderr)


main()
