"""Attempts on the host's resources. Every process ends by itself after some seconds, should nobody end it."""
import errno
import os
import signal
import sys

LIFE_S = 15


def fork_bomb():
    """Every process forks as fast as it can."""
    first = os.getpid()
    told = False
    signal.alarm(LIFE_S)
    while True:
        try:
            if os.fork() == 0:
                # An alarm is not inherited.
                signal.alarm(LIFE_S)
        except OSError as error:
            if os.getpid() == first and not told:
                told = True
                print(f"fork bomb\t{errno.errorcode[error.errno]}", flush=True)


def memory_bomb():
    signal.alarm(LIFE_S)
    eaten = bytearray()
    while True:
        eaten.extend(bytes(1_000_000))


{"fork": fork_bomb, "memory": memory_bomb}[sys.argv[1]]()
