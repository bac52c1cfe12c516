#!/bin/sh
# A node whose replies try to inject HTML and script into the report.
while read -r line; do
    id=$(printf '%s' "$line" | sed 's/.*"msg_id":\([0-9]*\).*/\1/')
    client=$(printf '%s' "$line" | sed 's/.*"src":"\([^"]*\)".*/\1/')
    case $line in
        *'"type":"init"'*) body='"type":"init_ok"' ;;
        *) body='"type":"echo_ok","echo":"</script><img src=x onerror=\"window.pwned=1\">"' ;;
    esac
    printf '{"src":"n0","dest":"%s","body":{%s,"in_reply_to":%s}}\n' "$client" "$body" "$id"
done
