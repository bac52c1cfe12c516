#!/bin/sh
# Answers init, never reads again, and prints its first argument as often as its second says.
read -r _
echo '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'
yes "$1" | head -n "$2"
exec sleep 60
