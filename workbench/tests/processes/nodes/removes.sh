#!/bin/sh
# A scripted node that first removes the folder that is its first argument.
rm -rf "$1"
shift
exec "${0%/*}/scripted.py" "$@"
