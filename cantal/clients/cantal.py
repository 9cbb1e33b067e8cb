"""Publish metrics to cantal from Python 3, without dependencies.

    from cantal import Counter, Integer, Float, State, start

    requests = Counter(group="django", metric="requests")
    start()                    # once, after all metrics are made
    requests.incr()

The agent finds the files through CANTAL_PATH, which must be in the environment when the program is started: it reads
the environment as it was at exec. `start` therefore may and does remove the variable, so that children of this
process do not claim the same files. Call it after forking: values of one file belong to one process.

Writes are plain 8-byte stores into shared memory: a counter costs well below a microsecond and no system call.
"""

import atexit
import json
import mmap
import os
import sys
import threading
import time

__all__ = ["Collection", "Counter", "Integer", "Float", "State", "start"]

STATE_BYTES = 64  # 8 bytes of time, 56 of text: one cache line
STATE_TEXT_BYTES = STATE_BYTES - 8


def _fallback_path():
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return "%s/cantal.%d" % (runtime, os.getpid())
    return "/tmp/cantal.%d.%d" % (os.getuid(), os.getpid())


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Collection:
    """Metrics that share one pair of files; most programs use the module's default one."""

    def __init__(self):
        self._metrics = []
        self._keys = set()
        self._lock = threading.Lock()
        self._map = None
        self._base = None
        self._pid = None

    def _add(self, metric):
        key = tuple(sorted(metric.labels.items()))
        if self._map is not None:
            raise RuntimeError("metrics must be made before start()")
        if key in self._keys:
            raise ValueError("a metric with the labels %r exists" % (metric.labels,))
        self._keys.add(key)
        self._metrics.append(metric)

    def start(self, path=None):
        """Makes the files and returns their base path; a second call does nothing."""
        if self._map is not None:
            return self._base
        if not self._metrics:
            print("cantal: no metrics, nothing is published", file=sys.stderr)
            return None
        base = path or os.environ.pop("CANTAL_PATH", None)
        if base is None:
            base = _fallback_path()
            print("cantal: no CANTAL_PATH, the agent will not find %s" % base, file=sys.stderr)
        self._base = base.rstrip("/")
        self._pid = os.getpid()
        # Large fields first keeps every field aligned: states are whole cache lines, the rest is 8 bytes.
        self._metrics.sort(key=lambda metric: (-metric.size, json.dumps(metric.labels, sort_keys=True)))
        self._publish()
        atexit.register(self.close)
        return self._base

    def _publish(self):
        base, temporary = self._base, self._base + ".tmp"
        for suffix in (".meta", ".values", ".tmp"):
            _remove(base + suffix)
        size = sum(metric.size for metric in self._metrics)
        with open(temporary, "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        offset = 0
        for metric in self._metrics:
            metric._attach(self._map, offset)
            offset += metric.size
        os.rename(temporary, base + ".values")
        with open(temporary, "w", encoding="utf-8") as file:
            for metric in self._metrics:
                file.write("%s: %s\n" % (metric.head, json.dumps(metric.labels, sort_keys=True)))
        os.rename(temporary, base + ".meta")

    def close(self):
        """Removes the files; a forked child leaves those of its parent alone."""
        if self._base is None or os.getpid() != self._pid:
            return
        for suffix in (".meta", ".values"):
            _remove(self._base + suffix)
        self._base = None


_default = Collection()


def start(path=None):
    return _default.start(path)


class _Metric:
    size = 8
    head = ""
    code = ""

    def __init__(self, collection=None, **labels):
        for name, text in labels.items():
            if not isinstance(text, str):
                raise TypeError("label %s must be a text" % name)
        if not labels:
            raise TypeError("a metric needs labels, such as group and metric")
        self.labels = labels
        self._collection = collection or _default
        # Until start() the value lives in private memory.
        self._view = memoryview(bytearray(8)).cast(self.code) if self.code else None
        self._collection._add(self)

    def _attach(self, mapping, offset):
        before = self._view[0]
        self._view = memoryview(mapping)[offset : offset + 8].cast(self.code)
        self._view[0] = before

    def get(self):
        return self._view[0]


class Counter(_Metric):
    """Ever growing."""

    head = "counter 8"
    code = "Q"

    def incr(self, by=1):
        with self._collection._lock:
            self._view[0] = (self._view[0] + by) & 0xFFFFFFFFFFFFFFFF


class Integer(_Metric):
    head = "level 8 signed"
    code = "q"

    def set(self, value):
        self._view[0] = value

    def incr(self, by=1):
        with self._collection._lock:
            self._view[0] += by

    def decr(self, by=1):
        self.incr(-by)


class Float(_Metric):
    head = "level 8 float"
    code = "d"

    def set(self, value):
        self._view[0] = value


class State(_Metric):
    """What the process is doing right now. Time 0 means idle."""

    size = STATE_BYTES
    head = "state %d" % STATE_BYTES

    def __init__(self, collection=None, **labels):
        self._map = None
        super().__init__(collection, **labels)

    def _attach(self, mapping, offset):
        self._map, self._offset = mapping, offset

    def enter(self, text):
        if self._map is None:
            return
        now = int(time.time() * 1000).to_bytes(8, sys.byteorder)
        # A character cut in half would show as a replacement mark, so cut between characters.
        encoded = text.encode("utf-8")[:STATE_TEXT_BYTES].decode("utf-8", "ignore").encode("utf-8")
        start = self._offset
        self._map[start : start + STATE_BYTES] = now + encoded.ljust(STATE_TEXT_BYTES, b"\0")

    def exit(self):
        if self._map is not None:
            self._map[self._offset : self._offset + 8] = bytes(8)
