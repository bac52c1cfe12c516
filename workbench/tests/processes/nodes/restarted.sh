#!/bin/sh
# A scripted node that replies in its first incarnation, and follows its second argument in later
# ones. The file named by the first argument exists from the first incarnation on.
echo "process $$" >&2
if [ -e "$1" ]; then
    shift
    exec "${0%/*}/scripted.py" "$@"
fi
: >"$1"
exec "${0%/*}/scripted.py"
