#!/bin/sh
# Says why and ends, before it has read anything.
echo "no such file: settings.toml" >&2
exit "$1"
