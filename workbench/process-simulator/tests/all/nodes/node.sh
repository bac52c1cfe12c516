#!/usr/bin/env bash
# Broadcast, in bash: read with a time-out, and processes for many small things.
name= peers= known=" "
declare -A owed

field() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/" <<<"$line"; }
list() { sed -E "s/.*\"$1\":\[([^]]*)\].*/\1/" <<<"$line" | tr -d '"' | tr ',' ' '; }
send() { echo "{\"src\":\"$name\",\"dest\":\"$1\",\"body\":{$2}}"; }
joined() { local IFS=,; echo "$*"; }

learn() {
    local value peer
    for value in $1; do
        case $known in *" $value "*) continue ;; esac
        known+="$value "
        for peer in $peers; do [ "$peer" = "$2" ] || owed[$peer]+=" $value "; done
    done
}

gossip() {
    local peer
    for peer in $peers; do
        [ -z "${owed[$peer]// /}" ] || send "$peer" "\"type\":\"gossip\",\"values\":[$(joined ${owed[$peer]})]"
    done
}

while true; do
    read -r -t 0.2 line
    status=$?
    if [ $status -gt 128 ]; then gossip; continue; fi
    [ $status = 0 ] || exit 0
    source=$(field src) type=$(field type)
    answer="\"type\":\"${type}_ok\",\"in_reply_to\":$(field msg_id)"
    case $type in
    init) name=$(field node_id) ;;
    topology) peers=$(list "$name") ;;
    broadcast) learn "$(field message)" "$source" ;;
    read) answer+=",\"messages\":[$(joined $known)]" ;;
    gossip)
        learn "$(list values)" "$source"
        answer="\"type\":\"seen\",\"values\":[$(joined $(list values))]"
        ;;
    seen)
        for value in $(list values); do owed[$source]=${owed[$source]/" $value "/}; done
        continue
        ;;
    esac
    send "$source" "$answer"
done
