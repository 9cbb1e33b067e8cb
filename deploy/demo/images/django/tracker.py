"""Requests of one process as cantal metrics: how many, how many failed, how long, how many now."""
import contextlib
import time

from cantal import Counter, Integer


class Tracker:
    def __init__(self, group):
        self._requests = Counter(group=group, metric='requests')
        self._errors = Counter(group=group, metric='errors')
        self._duration = Counter(group=group, metric='total_duration')  # ms
        self._in_progress = Integer(group=group, metric='in_progress')

    @contextlib.contextmanager
    def request(self):
        started = time.monotonic()
        self._in_progress.incr()
        try:
            yield
        except Exception:
            self._errors.incr()
            raise
        finally:
            self._in_progress.decr()
            self._requests.incr()
            self._duration.incr(int((time.monotonic() - started) * 1000))
