#!/usr/bin/env bash
# Starts a program as version managers do: through a shell that looks for it in several processes.
set -e
node=${0%/*}/threads.py
program=$(command -v python3)
while [ -L "$program" ]; do
    target=$(readlink "$program")
    program=$(cd "$(dirname "$program")" && cd "$(dirname "$target")" && pwd)/$(basename "$target")
done
version=$("$program" --version 2>&1 | cut -d ' ' -f 2)
[ -n "$version" ] || exit 1
exec "$program" "$node"
