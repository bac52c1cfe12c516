# No first line says what reads this file.
exec "${0%/*}/scripted.py" "$@"
