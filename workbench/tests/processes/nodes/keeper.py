#!/usr/bin/env python3
"""A node with the state of one workload: a set, counter, logs, registers, lists or key-value store.

The first argument is the workload. Node n0 has the state, and other nodes forward requests to it;
with the argument "alone", each node has its own state. The other arguments are outcomes of
requests, by type. Those of one type are used one after another, and the last for all that follow.

    add:ok         apply it and reply
    add:twice      apply it twice and reply
    add:silence    apply it, but do not reply
    add:nothing    neither apply it nor reply
    add:error N    do not apply it, and reply with this error code
    add:{...}      do not apply it, and reply with this body; in_reply_to is added

Requests of clients are printed to stderr: the client and the body.
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
        """Returns at most three messages of a key, and no key without messages."""
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


class RpcError(Exception):
    """An error reply with this code."""


class Store:
    def __init__(self):
        self.values = {}

    def read(self, key):
        if key not in self.values:
            raise RpcError(20)
        return {"value": self.values[key]}

    def write(self, key, value):
        self.values[key] = value
        return {}

    def cas(self, key, **change):
        if self.read(key)["value"] != change["from"]:
            raise RpcError(22)
        return self.write(key, change["to"])


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def perform(src, body):
    kind, msg_id = body.pop("type"), body.pop("msg_id")
    outcomes = outcomes_by_type.get(kind, ["ok"])
    outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
    if outcome == "twice":
        getattr(state, kind)(**body)
    word, _, code = outcome.partition(" ")
    if word == "error":
        send(src, {"type": "error", "code": int(code), "text": "busy", "in_reply_to": msg_id})
    elif outcome.startswith("{"):
        send(src, {**json.loads(outcome), "in_reply_to": msg_id})
    elif outcome != "nothing":
        try:
            fields = getattr(state, kind)(**body)
        except RpcError as error:
            code, = error.args
            send(src, {"type": "error", "code": code, "text": "no", "in_reply_to": msg_id})
            return
        if outcome != "silence":
            send(src, {"type": f"{kind}_ok", **fields, "in_reply_to": msg_id})


workload, *arguments = sys.argv[1:]
state = {"g-set": Set, "g-counter": Counter, "pn-counter": Counter, "kafka": Logs,
        "lin-kv": Store, "txn-rw-register": Registers, "txn-list-append": Lists}[workload]()
alone, outcomes_by_type = "alone" in arguments, {}
for kind, colon, outcome in (argument.partition(":") for argument in arguments):
    if colon:
        outcomes_by_type.setdefault(kind, []).append(outcome)

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
