"""Who may enter the curator's room: whoever knows the password, and not by trying many."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable

TRIES = 5
"""Wrong passwords in a row until everyone has to wait."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 15 * 60.0
"""Seconds; each further wrong password doubles the wait."""


class PleaseWaitError(Exception):
    """Too many wrong passwords; the message is a sentence that says for how long.

    Attributes:
        seconds: until the next try is heard.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong passwords. Wait {_in_words(seconds)} and try again.")
        self.seconds = seconds


class AdminPassword:
    """Checks passwords for a whole process, since a new session costs nothing. Threads may share one.

    Strangers can thereby keep a curator out for a while; one who is inside stays inside.

    Args:
        password: the right one.
        clock: gives seconds that only ever grow.
    """

    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._expected, self._clock = _digest(password), clock
        self._lock = threading.Lock()
        self._wrong, self._until = 0, -float("inf")

    def admits(self, password: str) -> bool:
        """Whether the password is right; it takes the same time whatever is wrong with it.

        Raises:
            PleaseWaitError: if it has to be tried later. It was not looked at.
        """
        with self._lock:
            left = self._until - self._clock()
            if left > 0:
                raise PleaseWaitError(left)
            if hmac.compare_digest(_digest(password), self._expected):
                self._wrong = 0
                return True
            self._wrong += 1
            if self._wrong >= TRIES:
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._wrong - TRIES, 16))
                self._until = self._clock() + wait
            return False


def _digest(password: str) -> bytes:
    # Digests have one length, so comparing them tells nothing about the password's.
    return hashlib.sha256(password.strip().encode("utf-8", "surrogatepass")).digest()


def _in_words(seconds: float) -> str:
    if seconds > 90:
        return f"{-(-seconds // 60):.0f} minutes"
    whole = max(1, -(-seconds // 1))
    return "a second" if whole == 1 else f"{whole:.0f} seconds"
