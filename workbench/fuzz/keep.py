#!/usr/bin/env python3
"""Keeps what fuzzing has found: chooses, of a target's corpus and the inputs in found/, the few that
reach most code, and makes them the corpus.

usage: keep.py PROGRAM TARGET [COUNT]      (PROGRAM is the target's, as cargo-fuzz builds it)
"""

import heapq
import os
import shutil
import subprocess
import sys
import tempfile

# Longer inputs make the tests slow, and are hard to read.
MAX_BYTES = 1024


def coverage(program, folders, scratch):
    """The number of bytes of each input, and the places in the code that it reaches."""
    control = os.path.join(scratch, "control")
    merged = os.path.join(scratch, "merged")
    os.mkdir(merged)
    flags = ["-set_cover_merge=1", f"-merge_control_file={control}", f"-max_len={MAX_BYTES}", "-use_counters=0"]
    subprocess.run([program, *flags, merged, *folders], check=True, stderr=subprocess.DEVNULL)
    with open(control) as lines:
        count, _first = int(next(lines)), next(lines)
        names = [next(lines).rstrip("\n") for _ in range(count)]
        reached = {}
        for line in lines:
            kind, number, *places = line.split()
            if kind == "FT":
                reached[names[int(number)]] = set(map(int, places))
    return reached


def choose(reached, count):
    """At most this many inputs, each the one that adds most to those before it."""
    # What an input adds only shrinks, so an input that still adds what it did is the best one.
    queue = [(-len(places), os.path.getsize(name), name) for name, places in reached.items()]
    heapq.heapify(queue)
    covered, chosen = set(), []
    while queue and len(chosen) < count:
        before, size, name = heapq.heappop(queue)
        adds = len(reached[name] - covered)
        if -before != adds:
            if adds:
                heapq.heappush(queue, (-adds, size, name))
            continue
        covered |= reached[name]
        chosen.append(name)
    return chosen


def main():
    program, target = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 120
    here = os.path.dirname(os.path.abspath(__file__))
    corpus = os.path.join(here, "corpus", target)
    folders = [f for f in (corpus, os.path.join(here, "found", target)) if os.path.isdir(f)]
    with tempfile.TemporaryDirectory() as scratch:
        left = coverage(program, folders, scratch)
        everything = set().union(*left.values())
        chosen, covered = choose(left, count), set()
        covered.update(*(left[name] for name in chosen))
        kept = os.path.join(scratch, "kept")
        os.mkdir(kept)
        for name in chosen:
            shutil.copy(name, kept)
        os.makedirs(corpus, exist_ok=True)
        for name in os.listdir(corpus):
            os.remove(os.path.join(corpus, name))
        for name in os.listdir(kept):
            shutil.copy(os.path.join(kept, name), corpus)
    size = sum(os.path.getsize(name) for name in chosen if os.path.exists(name))
    print(f"{target}: {len(chosen)} inputs, {size} bytes, {len(covered)} of {len(everything)} places")


main()
