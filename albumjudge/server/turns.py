"""Few pages run at once, the others wait in line: they share one interpreter with the event loop.

A page that waits for the networks lets others run meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 4


class Turns(threading.local):
    """Whose turn it is, as the calling thread sees it."""

    _free = threading.Semaphore(AT_ONCE)
    _mine = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Wait for a turn, unless this thread has one, and keep it."""
        if self._mine:
            yield
            return
        self._free.acquire()
        self._mine = True
        try:
            yield
        finally:
            self._mine = False
            self._free.release()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Give the turn away if this thread has one, and wait for another one afterwards."""
        if not self._mine:
            yield
            return
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()


TURNS = Turns()
