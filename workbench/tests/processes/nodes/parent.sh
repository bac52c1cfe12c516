#!/bin/sh
# A scripted node with a child process that keeps all three pipes open after the node has exited.
sleep 30 <&0 &
echo "child $!" >&2
exec "${0%/*}/scripted.py" "$@"
