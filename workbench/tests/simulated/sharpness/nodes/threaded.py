#!/usr/bin/env python3
"""A node that answers every request in a thread of its own.

Its argument is "wrong" or "right". A right node holds a lock for the whole of each request; a wrong
node has no lock, and sleeps inside what must be atomic:

    echo             up to 5 ms between storing a text in a variable and answering from it
    generate         up to 5 ms between reading the counter and writing it
    cas              up to 60 ms between comparing and storing
    txn              up to 5 ms between two micro-operations
"""
import contextlib
import json
import random
import sys
import threading
import time

IS_WRONG = sys.argv[1] == "wrong"
lock = contextlib.nullcontext() if IS_WRONG else threading.Lock()
out = threading.Lock()
values, lists, counter, text = {}, {}, 0, ""


def maybe_sleep(ms):
    if IS_WRONG:
        time.sleep(random.random() * ms / 1000)


def echo(body):
    global text
    text = body["echo"]
    maybe_sleep(5)
    return {"echo": text}


def generate(_):
    global counter
    number = counter
    maybe_sleep(5)
    counter = number + 1
    return {"id": f"{me}-{number}"}


def read(body):
    if body["key"] not in values:
        return {"type": "error", "code": 20, "text": "no such key"}
    return {"value": values[body["key"]]}


def write(body):
    values[body["key"]] = body["value"]
    return {}


def cas(body):
    if body["key"] not in values:
        return {"type": "error", "code": 20, "text": "no such key"}
    if values[body["key"]] != body["from"]:
        return {"type": "error", "code": 22, "text": "another value"}
    maybe_sleep(60)
    values[body["key"]] = body["to"]
    return {}


def txn(body):
    done = []
    for f, key, value in body["txn"]:
        if f == "r":
            value = lists.get(key, [])[:] or None
        else:
            lists.setdefault(key, []).append(value)
        done.append([f, key, value])
        maybe_sleep(5)
    return {"txn": done}


def answer(src, body):
    with lock:
        reply = globals()[body["type"]](body)
    send(src, {"type": body["type"] + "_ok", **reply, "in_reply_to": body["msg_id"]})


def send(dest, body):
    with out:
        print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    src, body = message["src"], message["body"]
    if body["type"] == "init":
        me = body["node_id"]
        send(src, {"type": "init_ok", "in_reply_to": body["msg_id"]})
    else:
        threading.Thread(target=answer, args=(src, body), daemon=True).start()
