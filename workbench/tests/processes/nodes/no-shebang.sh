# A script without a shebang line.
exec "${0%/*}/scripted.py" "$@"
