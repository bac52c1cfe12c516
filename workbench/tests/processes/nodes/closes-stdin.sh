#!/bin/sh
# Replies to init and closes stdin; with the argument "never", it never reads at all.
if [ "$1" != never ]; then
    read -r _
    echo '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'
    exec <&-
fi
exec sleep 60
