#!/usr/bin/env python3
"""A node that keeps a set, a counter, logs, registers, lists or a store, as its first argument says:
the workload.

Node n0 keeps it, and all others ask n0; with "alone" as an argument, each node keeps its own. The
other arguments are what becomes of a request, each with its type. Those for one type are used up
one by one, except for the last.

    add:ok         it is done and answered
    add:twice      it is done twice and answered
    add:silence    it is done, and there is no answer
    add:nothing    it is not done, and there is no answer
    add:error N    it is not done, and the answer is an error with this code
    add:{...}      it is not done, and this is the answer; in_reply_to is added

Every request of a client goes to stderr: who asks, and the body.
"""
import json
import sys


class Set:
    def __init__(self):
        self.elements = []

    def add(self, element):
        self.elements.append(element)
        return {}

    def read(self):
        return {"value": self.elements}


class Counter:
    def __init__(self):
        self.total = 0

    def add(self, delta):
        self.total += delta
        return {}

    def read(self):
        return {"value": self.total}


class Logs:
    def __init__(self):
        self.logs, self.committed = {}, {}

    def send(self, key, msg):
        log = self.logs.setdefault(key, [])
        log.append(msg)
        return {"offset": len(log) - 1}

    def poll(self, offsets):
        """Shows three messages of a key at most, and no key without messages."""
        shown = {}
        for key, start in offsets.items():
            if messages := list(enumerate(self.logs.get(key, [])))[start:start + 3]:
                shown[key] = messages
        return {"msgs": shown}

    def commit_offsets(self, offsets):
        for key, offset in offsets.items():
            self.committed[key] = max(offset, self.committed.get(key, 0))
        return {}

    def list_committed_offsets(self, keys):
        return {"offsets": {key: self.committed[key] for key in keys if key in self.committed}}


class Registers:
    def __init__(self):
        self.values = {}

    def txn(self, txn):
        done = []
        for f, key, value in txn:
            if f == "w":
                self.values[key] = value
            done.append([f, key, self.values.get(key)])
        return {"txn": done}


class Lists:
    def __init__(self):
        self.lists = {}

    def txn(self, txn):
        done = []
        for f, key, element in txn:
            if f == "append":
                self.lists.setdefault(key, []).append(element)
                done.append([f, key, element])
            else:
                done.append([f, key, self.lists.get(key, [])[:] or None])
        return {"txn": done}


class Refused(Exception):
    """Says with which code."""


class Store:
    def __init__(self):
        self.values = {}

    def read(self, key):
        if key not in self.values:
            raise Refused(20)
        return {"value": self.values[key]}

    def write(self, key, value):
        self.values[key] = value
        return {}

    def cas(self, key, **change):
        if self.read(key)["value"] != change["from"]:
            raise Refused(22)
        return self.write(key, change["to"])


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def perform(src, body):
    kind, msg_id = body.pop("type"), body.pop("msg_id")
    fates = fates_by_type.get(kind, ["ok"])
    fate = fates.pop(0) if len(fates) > 1 else fates[0]
    if fate == "twice":
        getattr(kept, kind)(**body)
    word, _, code = fate.partition(" ")
    if word == "error":
        send(src, {"type": "error", "code": int(code), "text": "busy", "in_reply_to": msg_id})
    elif fate.startswith("{"):
        send(src, {**json.loads(fate), "in_reply_to": msg_id})
    elif fate != "nothing":
        try:
            fields = getattr(kept, kind)(**body)
        except Refused as refused:
            code, = refused.args
            send(src, {"type": "error", "code": code, "text": "no", "in_reply_to": msg_id})
            return
        if fate != "silence":
            send(src, {"type": f"{kind}_ok", **fields, "in_reply_to": msg_id})


workload, *arguments = sys.argv[1:]
kept = {"g-set": Set, "g-counter": Counter, "pn-counter": Counter, "kafka": Logs,
        "lin-kv": Store, "txn-rw-register": Registers, "txn-list-append": Lists}[workload]()
alone, fates_by_type = "alone" in arguments, {}
for kind, colon, fate in (argument.partition(":") for argument in arguments):
    if colon:
        fates_by_type.setdefault(kind, []).append(fate)

me, asked = None, []
for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    if body["type"] == "init":
        me = body["node_id"]
        send(src, {"type": "init_ok", "in_reply_to": body["msg_id"]})
        continue
    if src.startswith("c"):
        print(src, json.dumps(body), file=sys.stderr, flush=True)
    if "in_reply_to" in body:
        client, msg_id = asked[body["in_reply_to"]]
        send(client, {**body, "in_reply_to": msg_id})
    elif alone or me == "n0":
        perform(src, body)
    else:
        asked.append((src, body["msg_id"]))
        send("n0", {**body, "msg_id": len(asked) - 1})
