#!/bin/sh
# A script without the permission to execute it.
exec "${0%/*}/scripted.py"
