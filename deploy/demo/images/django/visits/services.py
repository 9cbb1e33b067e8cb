"""Where PostgreSQL and redis are now: a small JSON file that verwalter renders anew when one of them moves."""
import json
import os
import time

from visits.settings import SERVICES_FILE

# A stat per second is cheap, and a move is followed before the next visitor notices.
CHECK_SECONDS = 1.0


class Services:
    def __init__(self, path=SERVICES_FILE):
        self._path = path
        self._checked = 0.0
        self._stamp = None
        self._value = {}

    def get(self, name):
        """Address of `name`, or None while nobody runs it."""
        now = time.monotonic()
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._reload()
        return self._value.get(name)

    def _reload(self):
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_ino, stat.st_mtime_ns)
            if stamp != self._stamp:
                with open(self._path, encoding='utf-8') as file:
                    self._value = json.load(file)
                self._stamp = stamp
        except (OSError, ValueError):
            # Not rendered yet, or not here: keep what is known.
            pass
