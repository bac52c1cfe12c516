#!/usr/bin/env python3
r"""A node that does what its arguments say: a step for each request, the last for all that follow.

    ok             the right answer
    {...}          an answer with this body; in_reply_to is added if it is not there
    line TEXT      this very line, then the right answer; \n, \xff and the like are what they mean
    say TEXT       this on stderr, then the right answer
    silence        no answer
    sleep S        the right answer after so many seconds
    exit N         it ends with this status
    close-stdout   no answer now or ever, and it lives on

Steps that begin with "init:" are done, all of them, in place of the answer to init. In a text, $me
stands for the node, $you for who asks, $id for the msg_id, $echo for what was sent, and $n for the
number of the request.
"""
import json
import os
import sys
import time

seen = []


def put(line):
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def answer(me, you, body):
    put(f'{{"src":"{me}","dest":"{you}","body":{body}}}'.encode())


def right(request, me, n):
    kind = request["type"]
    if kind == "broadcast":
        seen.append(request["message"])
    fields = {"echo": {"echo": request.get("echo")}, "generate": {"id": f"{me}-{n}"},
              "read": {"messages": seen}}.get(kind, {})
    return json.dumps({"type": f"{kind}_ok", "in_reply_to": request["msg_id"], **fields})


def do(step, message, n):
    request, me, you = message["body"], message["dest"], message["src"]
    for name, value in {"$me": me, "$you": you, "$id": request["msg_id"], "$n": n,
                        "$echo": json.dumps(request.get("echo"))}.items():
        step = step.replace(name, str(value))
    word, _, text = step.partition(" ")
    if word.startswith("{"):
        link = "" if "in_reply_to" in step else f',"in_reply_to":{request["msg_id"]}'
        answer(me, you, step[:-1] + link + "}")
    elif word == "exit":
        sys.exit(int(text))
    elif word == "close-stdout":
        os.close(1)
    elif word != "silence":
        if word == "line":
            put(text.encode().decode("unicode_escape").encode("latin-1"))
        if word == "say":
            print(text, file=sys.stderr, flush=True)
        if word == "sleep":
            time.sleep(float(text))
        answer(me, you, right(request, me, n))


init = [step[5:] for step in sys.argv[1:] if step.startswith("init:")] or ["ok"]
steps = [step for step in sys.argv[1:] if not step.startswith("init:")] or ["ok"]
for n, line in enumerate(sys.stdin):
    message = json.loads(line)
    if message["body"]["type"] == "init":
        for step in init:
            do(step, message, n)
    elif "msg_id" in message["body"]:
        do(steps.pop(0) if len(steps) > 1 else steps[0], message, n)
