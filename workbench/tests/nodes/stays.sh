#!/bin/sh
# A scripted node that does not end with its stdin: it then writes a file named in its argument.
file=$1
shift
trap '' HUP INT TERM
"${0%/*}/scripted.py" "$@"
sleep 0.3
echo "still here" >"$file"
