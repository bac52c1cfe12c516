#!/usr/bin/env python3
r"""A node that follows a script: one step for each request, and the last for all that follow.

    ok             reply correctly
    {...}          reply with this body; in_reply_to is added if it is missing
    line TEXT      print this line, then reply correctly; escapes such as \n and \xff are decoded
    say TEXT       print this on stderr, then reply correctly
    silence [TEXT] print this on stderr, if there is any, and do not reply
    sleep S        reply correctly after S seconds
    exit N         exit with this status
    close-stdout   close stdout and go on running

"n1:..." is a step of node n1 only. The "init:..." steps are all done in place of the reply to init.
In a text, $me stands for the node, $you for the sender, $id for the msg_id, $echo for the echoed
value, $n for the number of the request, and $long for ten million letters.
"""
import json
import os
import re
import sys
import time

PART = re.compile(r"(?:(n\d+):)?(init:)?(.*)", re.DOTALL)
seen = []


def put(line):
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def answer(me, you, body):
    put(f'{{"src":"{me}","dest":"{you}","body":{body}}}'.encode())


def correct_body(request, me, n):
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
    if "$long" in step:
        step = step.replace("$long", "x" * 10_000_000)
    word, _, text = step.partition(" ")
    if word.startswith("{"):
        link = "" if "in_reply_to" in step else f',"in_reply_to":{request["msg_id"]}'
        answer(me, you, step[:-1] + link + "}")
    elif word == "exit":
        sys.exit(int(text))
    elif word == "close-stdout":
        os.close(1)
    else:
        if word == "line":
            put(text.encode().decode("unicode_escape").encode("latin-1"))
        if text and word in ("say", "silence"):
            print(text, file=sys.stderr, flush=True)
        if word == "silence":
            return
        if word == "sleep":
            time.sleep(float(text))
        answer(me, you, correct_body(request, me, n))


init, steps = [], []
for n, line in enumerate(sys.stdin):
    message = json.loads(line)
    if message["body"].get("type") == "init":
        for argument in sys.argv[1:]:
            node, at_init, step = PART.fullmatch(argument).groups()
            if node in (None, message["dest"]):
                (init if at_init else steps).append(step)
        for step in init or ["ok"]:
            do(step, message, n)
    elif "msg_id" in message["body"]:
        do(steps.pop(0) if len(steps) > 1 else (steps or ["ok"])[0], message, n)
