#!/bin/sh
# A scripted node that goes on after the end of stdin: it writes the file of its first argument.
echo "process $$" >&2
file=$1
shift
"${0%/*}/scripted.py" "$@"
echo "still here" >"$file"
