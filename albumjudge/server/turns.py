"""Few pages run at once, the others wait in line: they share one interpreter with the event loop.

A page that waits for the networks lets others run meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 3


class Line:
    """So many may go at once; the others are let in as they came, which a semaphore does not promise."""

    def __init__(self, at_once: int) -> None:
        self._free, self._waiting, self._lock = at_once, deque[threading.Lock](), threading.Lock()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, *, first: bool = False) -> None:
        """Wait for a place, before all others if ``first``."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = threading.Lock()
            called.acquire()
            (self._waiting.appendleft if first else self._waiting.append)(called)
        called.acquire()

    def leave(self) -> None:
        """Give the place to whoever is next."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class Turns(threading.local):
    """Whose turn it is, as the calling thread sees it."""

    _line = Line(AT_ONCE)
    _mine = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Wait for a turn, unless this thread has one, and keep it."""
        if self._mine:
            yield
            return
        self._line.enter()
        self._mine = True
        try:
            yield
        finally:
            self._mine = False
            self._line.leave()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Give the turn away if this thread has one, and wait for another one, the next, afterwards."""
        if not self._mine:
            yield
            return
        self._line.leave()
        try:
            yield
        finally:
            self._line.enter(first=True)


TURNS = Turns()
