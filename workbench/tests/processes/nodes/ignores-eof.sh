#!/bin/sh
# A scripted node that does not end with its stdin: it writes the file named first, and ends then.
echo "process $$" >&2
file=$1
shift
"${0%/*}/scripted.py" "$@"
echo "still here" >"$file"
