"""A link between this network namespace and a process's: `link.py PID DELAY_MS LOSS_PERCENT NAME`

Two TUN devices, `bedN` here and `eth0` there; a background process carries the packets. It holds
each for DELAY_MS, so a round trip takes twice that, and drops LOSS_PERCENT in each direction, all
from SIGUSR1 until SIGUSR2. The last letter of NAME seeds the losses. It ends when the other
namespace does. Prints the address of the other end.
"""

import ctypes
import fcntl
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
is_cut = False


def on_signal(number, _):
    global is_cut
    is_cut = number == signal.SIGUSR1


def enter(namespace):
    if ctypes.CDLL(None).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError("setns to a network namespace failed")


def open_tun(pattern):
    """A TUN device, which lasts as long as the file, and its name: the kernel fills in a `%d`."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    request = struct.pack("16sH22x", pattern.encode(), IFF_TUN | IFF_NO_PI)
    return tun, fcntl.ioctl(tun, TUNSETIFF, request)[:16].rstrip(b"\0").decode()


def configure(name, here, there):
    # The queue is long, so that a burst loses no packet.
    lines = f"addr add {here} peer {there} dev {name}\nlink set {name} txqueuelen 5000 up\n"
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)


def carry(one, other, delay, loss, rng):
    directions = [(one, other, deque()), (other, one, deque())]
    while True:
        due = min((held[0][0] for _, _, held in directions if held), default=None)
        timeout = None if due is None else max(0.0, due - time.monotonic())
        ready, _, _ = select.select([one, other], [], [], timeout)
        now = time.monotonic()
        for source, target, held in directions:
            try:
                for _ in range(64 if source in ready else 0):
                    packet = os.read(source, 65536)
                    if rng.random() >= loss:
                        held.append((now + delay, packet))
            except BlockingIOError:
                pass
            if is_cut:
                held.clear()
            while held and held[0][0] <= now:
                os.write(target, held.popleft()[1])


def main():
    process, delay, loss, name = sys.argv[1:]
    home, away = (os.open(f"/proc/{it}/ns/net", os.O_RDONLY) for it in ("self", process))
    one, device = open_tun("bed%d")
    # Names are unique on the machine, hence addresses are, too.
    number = int(device.removeprefix("bed"))
    here, there = (f"10.231.{number // 64}.{number % 64 * 4 + end}" for end in (1, 2))
    configure(device, here, there)
    enter(away)
    other, device = open_tun("eth0")
    configure(device, there, here)
    # Otherwise this process would keep the other namespace after its last process.
    enter(home)
    os.close(away)
    signal.signal(signal.SIGUSR1, on_signal)
    signal.signal(signal.SIGUSR2, on_signal)
    # The devices end before the process, which `down` waits for. Closed files also end `carry`.
    close = lambda *_: os.closerange(one, other + 1)
    signal.signal(signal.SIGTERM, close)
    if os.fork():
        print(there, flush=True)
        os._exit(0)
    os.setsid()
    os.close(1)
    try:
        carry(one, other, float(delay) / 1000, float(loss) / 100, random.Random(name[-1]))
    except OSError:  # SIGTERM, or the other namespace ended.
        close()


main()
