"""Runs a command in a terminal of so many columns, and prints what it draws.

usage: terminal.py COLUMNS COMMAND [ARGUMENT]...
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, command = int(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(command[0], command)
while True:
    try:
        drawn = os.read(terminal, 65536)
    except OSError:
        # On Linux the end of what is drawn is an error.
        break
    if not drawn:
        break
    os.write(1, drawn)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
