"""Runs attempts to get out of a container, each in a process of its own, and prints what stopped it.

usage: run.py GROUP/NAME… or GROUP… ; what an attempt needs to know of the host is in the environment.
One line each: NAME, a tab, the answer. An attempt that got through says THROUGH.
"""
import errno
import importlib
import os
import signal
import sys

from through import Through

PATIENCE_S = 20


def answer(attempt):
    try:
        said = attempt()
    except Through as reason:
        return f"THROUGH: {reason}"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return said if isinstance(said, str) else "THROUGH: no error"


def isolated(attempt):
    """Some attempts end with the death of whoever makes them, and none may harm the next."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        # Whatever becomes of us, it does not live on.
        signal.alarm(PATIENCE_S)
        os.write(writing, answer(attempt).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if said:
        return said
    if os.WIFSIGNALED(status):
        return "killed by " + signal.Signals(os.WTERMSIG(status)).name
    return f"ended with {os.WEXITSTATUS(status)}"


def main(words):
    for word in words:
        group, _, only = word.partition("/")
        attempts = importlib.import_module(group).ATTEMPTS
        for name, attempt in attempts.items():
            if only in ("", name):
                print(f"{name}\t{isolated(attempt)}", flush=True)
    print("all tried", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
