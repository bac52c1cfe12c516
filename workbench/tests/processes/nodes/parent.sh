#!/bin/sh
# A scripted node whose child holds all three pipes open, even when the node has gone.
sleep 30 <&0 &
echo "child $!" >&2
exec "${0%/*}/scripted.py" "$@"
