#!/bin/sh
# Echo, in plain sh: a node returns what it receives.
#
#     cargo workbench test -w echo --bin workbench/examples/echo.sh --time-limit 5
#     cargo workbench storm -w echo --bin workbench/examples/echo.sh --time-limit 5 \
#         --faults partition,loss,duplicate,delay --seeds 0..6
#
# The shell has no JSON parser, so this script splits a line itself. It does not interpret values
# that it only returns: the text of `src`, `dest`, `msg_id` and `echo` is sent as it was received,
# with quotes and escapes.

# Removes blanks from the front of $rest.
skip() {
    rest=${rest#"${rest%%[! 	]*}"}
}

# Moves the first $1 (a pattern such as ??) of $rest to the end of $value.
move() {
    after=${rest#$1}
    value=$value${rest%"$after"}
    rest=$after
}

# Moves a string; $rest begins with its first quote. A backslash escapes the next character.
string() {
    move '?'
    while :; do
        plain=${rest%%[\"\\]*}
        value=$value$plain
        rest=${rest#"$plain"}
        case $rest in
            \"*) move '?' && return ;;
            \\?*) move '??' ;;
            *) return 1 ;;
        esac
    done
}

# Moves a value, with all that is nested in it, from the front of $rest to $value.
take() {
    value='' depth=0
    while :; do
        skip
        case $rest in
            \"*) string || return 1 ;;
            [{[]*) move '?' && depth=$((depth + 1)) && continue ;;
            []}]*) move '?' && depth=$((depth - 1)) ;;
            [,:]*) move '?' ;;
            [-0-9a-z]*)
                word=${rest%%[!-+.0-9A-Za-z]*}
                value=$value$word
                rest=${rest#"$word"}
                ;;
            *) return 1 ;;
        esac
        [ "$depth" -gt 0 ] || return 0
    done
}

# Splits the object $1: each of its fields that $2 lists becomes a variable of that name.
fields() {
    rest=$1
    skip
    case $rest in
        {*) rest=${rest#?} ;;
        *) return 1 ;;
    esac
    while skip; do
        case $rest in
            }*) return 0 ;;
            ,*) rest=${rest#?} && continue ;;
        esac
        take || return 1
        name=$value
        skip
        rest=${rest#:}
        take || return 1
        case " $2 " in
            *" $name "*)
                name=${name#\"}
                eval "${name%\"}=\$value"
                ;;
        esac
    done
}

while IFS= read -r line; do
    src='' dest='' body='' type='' msg_id='' echo=''
    if ! fields "$line" '"src" "dest" "body"' || ! fields "$body" '"type" "msg_id" "echo"'; then
        echo "malformed message: $line" >&2
        continue
    fi
    case $type in
        '"init"') reply='"type":"init_ok"' ;;
        '"echo"') reply='"type":"echo_ok","echo":'$echo ;;
        *) reply='"type":"error","code":10,"text":"the only request type is echo"' ;;
    esac
    # A request without a msg_id expects no answer.
    if [ -n "$msg_id" ]; then
        printf '%s\n' "{\"src\":$dest,\"dest\":$src,\"body\":{$reply,\"in_reply_to\":$msg_id}}"
    fi
done
