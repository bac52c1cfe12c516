#!/usr/bin/env python3
r"""A node that does what its arguments say: a step for each request, the last for all that follow.

    ok          the right answer to whatever it is asked
    {...}       an answer with this body; in_reply_to is added if it is not there
    line TEXT   this line as it is, no answer; \n, \xff and the like stand for themselves
    silence     no answer
    sleep S     the right answer, after so many seconds
    exit N      it ends with this status

Steps that begin with "init:" are done, all of them, in place of the answer to init. In texts, $me
is the node, $you who asked, $id the msg_id, $echo what was sent, and $n counts requests.
"""
import json
import sys
import time

seen = []


def put(line):
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    sys.stdout.flush()


def right_answer(request, me, n):
    kind = request["type"]
    if kind == "broadcast":
        seen.append(request["message"])
    fields = {"echo": {"echo": request.get("echo")}, "generate": {"id": f"{me}-{n}"},
              "read": {"messages": seen}}.get(kind, {})
    return json.dumps({"type": kind + "_ok", "in_reply_to": request["msg_id"], **fields})


def do(step, message, n):
    request, me = message["body"], message["dest"]
    word, _, rest = step.partition(" ")
    if word == "silence":
        return
    if word == "exit":
        sys.exit(int(rest))
    if word == "sleep":
        time.sleep(float(rest))
        step = "ok"
    if step == "ok":
        step = right_answer(request, me, n)
    for name, value in {"$me": me, "$you": message["src"], "$id": request["msg_id"],
                        "$echo": json.dumps(request.get("echo")), "$n": n}.items():
        step, rest = step.replace(name, str(value)), rest.replace(name, str(value))
    if word == "line":
        return put(rest.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape"))
    if "in_reply_to" not in step:
        step = step[:-1] + f',"in_reply_to":{request["msg_id"]}}}'
    put(f'{{"src":"{me}","dest":"{message["src"]}","body":{step}}}')


init = [step[5:] for step in sys.argv[1:] if step.startswith("init:")] or ["ok"]
steps = [step for step in sys.argv[1:] if not step.startswith("init:")] or ["ok"]
for n, line in enumerate(sys.stdin):
    message = json.loads(line)
    if message["body"]["type"] == "init":
        for step in init:
            do(step, message, n)
    elif "msg_id" in message["body"]:
        do(steps.pop(0) if len(steps) > 1 else steps[0], message, n)
