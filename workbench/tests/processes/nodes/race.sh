#!/bin/sh
# Two nodes. n0 replies to init and sends a message to n1, which replies to it before it has taken
# its name from its own init, so that "src" is null. The argument is when: "before" or "after" its
# reply to init; or "noise" for a line that is no message.
answer() {
    printf '{"src":"%s","dest":"%s","body":{"type":"init_ok","in_reply_to":1}}\n' "$1" "$2"
}
read -r init
case $init in
*'"node_id":"n0"'*)
    answer n0 c0
    echo '{"src":"n0","dest":"n1","body":{"type":"gossip"}}'
    ;;
*)
    read -r _
    [ "$1" != after ] || answer n1 c1
    case $1 in
    noise) echo "gossip from n0" ;;
    *) echo '{"src":null,"dest":"n0","body":{"type":"gossip_ok"}}' ;;
    esac
    ;;
esac
exec sleep 60
