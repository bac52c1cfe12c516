#!/bin/sh
# Replies to init, never reads again, and prints its first argument; the second is how often.
read -r _
echo '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'
yes "$1" | head -n "$2"
exec sleep 60
