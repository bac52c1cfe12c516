#!/bin/sh
# A scripted node behind a shell that waits for it, beside a child of that shell. All three ignore
# the signals that a terminal or a service manager sends. Its log has the process ids.
trap '' INT TERM HUP
sleep 1000 <&0 &
echo "child $!" >&2
echo "wrapper $$" >&2
sh -c 'echo "node $$" >&2; exec "$0" "$@"' "${0%/*}/scripted.py" "$@"
