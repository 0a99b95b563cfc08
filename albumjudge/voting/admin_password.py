"""Who may enter the curator's room: whoever knows the password, and not by trying many."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from albumjudge.voting.store import Store, change_state, locked_state

TRIES = 5
"""Wrong passwords in a row until everyone has to wait."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 15 * 60.0
"""Seconds; each further wrong password doubles the wait."""
_STATE = "password"


class PleaseWaitError(Exception):
    """Too many wrong passwords; the message is a sentence that says for how many ``seconds`` to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong passwords. Wait {_in_words(seconds)} and try again.")
        self.seconds = seconds


class AdminPassword(Store):
    """Checks passwords and counts wrong ones in the database, for all sessions and processes together.

    Strangers can thereby keep a curator out for a while; one who is inside stays inside.
    """

    not_read = not_written = "The password cannot be checked"

    def __init__(self, engine: Engine, password: str, **options: Any) -> None:
        super().__init__(engine, **options)
        self._expected = _digest(password)

    def admits(self, password: str) -> bool:
        """Whether the password is right; it takes the same time whatever is wrong with it.

        Raises:
            PleaseWaitError: if it has to be tried later. It was not looked at.
        """

        def check(connection: Connection) -> bool | float:
            state, now = locked_state(connection, _STATE), self._clock()
            left = (state.until - now).total_seconds() if state.until else 0.0
            # A longer wait than there is was set by a clock that has been put back since.
            if 0 < left <= LONGEST_WAIT:
                return left
            right = hmac.compare_digest(_digest(password), self._expected)
            wrong = 0 if right else state.number + 1
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(wrong - TRIES, 16)) if wrong >= TRIES else None
            until = wait and now + timedelta(seconds=wait)
            change_state(connection, _STATE, number=wrong, changed_at=now, until=until)
            return right

        answer = self._write(check)
        if not isinstance(answer, bool):
            raise PleaseWaitError(answer)
        return answer


def _digest(password: str) -> bytes:
    # Digests have one length, so comparing them tells nothing about the password's.
    return hashlib.sha256(password.strip().encode("utf-8", "surrogatepass")).digest()


def _in_words(seconds: float) -> str:
    if seconds > 90:
        return f"{-(-seconds // 60):.0f} minutes"
    whole = max(1, -(-seconds // 1))
    return "a second" if whole == 1 else f"{whole:.0f} seconds"
