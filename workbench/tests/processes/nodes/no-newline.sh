#!/bin/sh
# Replies to init without a newline at the end.
read -r _
printf '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'
exec sleep 60
