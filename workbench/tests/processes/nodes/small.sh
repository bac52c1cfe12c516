#!/bin/sh
# An echo node that needs no other program.
while read -r line; do
    src=${line#*\"src\":\"}; src=${src%%\"*}
    dest=${line#*\"dest\":\"}; dest=${dest%%\"*}
    id=${line#*\"msg_id\":}; id=${id%%[,\}]*}
    echo=${line#*\"echo\":\"}; echo=${echo%%\"*}
    case $line in
        *'"type":"init"'*) type=init_ok ;;
        *) type=echo_ok ;;
    esac
    echo "{\"src\":\"$dest\",\"dest\":\"$src\",\"body\":{\"type\":\"$type\",\"in_reply_to\":$id,\"echo\":\"$echo\"}}"
done
