"""The curator: who may enter, whose votes count, which covers everyone is asked about, when the exhibit is open.

Nothing a curator does deletes a vote. An exclusion is lifted, a period closed, an anchor set replaced; votes
stay what they are.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar, cast

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from albumjudge.domain.cover import CoverIdentity
from albumjudge.voting import schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import Store, change_state, identity_in, is_open, locked_state, record

BEFORE = "before the first period"
"""Name of the time that ends when an exhibit without any period is closed."""
TRIES = 5
"""Wrong passwords in a row until everyone has to wait."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 15 * 60.0
"""Seconds; each further wrong password doubles the wait."""
T = TypeVar("T")
RECENT = 1.0
"""Seconds for which decisions that all steps of all visitors ask for are not read again. A vote itself asks."""
_STATE = "password"
_exclusions, _periods, _anchors = schema.exclusions, schema.periods, schema.anchors
_LASTING = _periods.c.closed_at.is_(None)


@dataclass(frozen=True)
class Exclusion:
    """A visitor whose votes are left out of the statistics; ``lifted_at`` is None while that holds."""

    visitor: str
    reason: str
    excluded_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True)
class Period:
    """A time in which the exhibit takes votes; ``closed_at`` is None while it lasts."""

    name: str
    opened_at: datetime
    closed_at: datetime | None


class CurationStore(Store):
    """Stores and finds a curator's decisions."""

    not_read = "The curator's decisions cannot be read"
    not_written = "The curator's decision was not stored"
    _recent: ClassVar[dict[tuple[object, str], tuple[float, Any]]] = {}

    def exclude(self, visitor: str, reason: str) -> Exclusion:
        """Leave a visitor's votes out; who is left out already stays so, for the earlier reason.

        Raises:
            ValueError: if the reason is none, see :func:`checked`.
        """
        values = {"visitor": visitor, "reason": checked(reason, "reason"), "excluded_at": self._clock()}

        def store(connection: Connection) -> Exclusion:
            # Locked, so that two curators at once exclude nobody twice. SQLite, where one transaction writes at
            # a time, knows no such lock and SQLAlchemy leaves it out.
            known = select(schema.visitors.c.id).where(schema.visitors.c.id == visitor).with_for_update()
            if connection.execute(known).first() is None:
                raise VoteError("Nobody with this id has voted, so there is nobody to leave out.")
            held = select(_exclusions).where(
                _exclusions.c.visitor == visitor, _exclusions.c.lifted_at.is_(None)
            )
            if connection.execute(held).first() is None:
                connection.execute(insert(_exclusions).values(values))
            return record(Exclusion, connection.execute(held).one())

        return self._write(store)

    def lift(self, visitor: str) -> bool:
        """Let a visitor's votes count again, and return whether they did not."""
        held = (
            update(_exclusions)
            .where(_exclusions.c.visitor == visitor, _exclusions.c.lifted_at.is_(None))
            .values(lifted_at=self._clock())
        )
        return self._write(lambda connection: connection.execute(held).rowcount > 0)

    def exclusions(self) -> list[Exclusion]:
        """All of them, lifted ones too, the latest first."""
        rows = self._rows(select(_exclusions).order_by(_exclusions.c.id.desc()))
        return [record(Exclusion, row) for row in rows]

    def left_out(self) -> dict[str, str]:
        """Visitors who are left out now, each with the reason."""
        return {e.visitor: e.reason for e in reversed(self.exclusions()) if e.lifted_at is None}

    def anchors(self, generator: str | None = None) -> list[CoverIdentity]:
        """The covers, or those of one generator, that everyone is asked about, in their order, as ``RECENT``."""
        query = select(_anchors).order_by(_anchors.c.id)
        covers = self._lately("anchors", lambda: [identity_in(row) for row in self._rows(query)])
        return [cover for cover in covers if generator in (None, cover.generator)]

    def set_anchors(self, covers: Sequence[CoverIdentity]) -> None:
        """Ask everyone about these covers, in this order, and no longer about others; none clears the set."""
        rows = [
            {"generator": c.generator, "seed": c.seed, "recipe": c.recipe, "set_at": self._clock()}
            for c in dict.fromkeys(covers)
        ]

        def store(connection: Connection) -> None:
            connection.execute(delete(_anchors))
            if rows:
                connection.execute(insert(_anchors), rows)

        self._write(store)

    def is_open(self) -> bool:
        """Whether votes are taken: a period lasts, or there has never been one, as ``RECENT``."""
        return self._lately("open", lambda: self._read(is_open))

    def _lately(self, what: str, read: Callable[[], T]) -> T:
        """What was read for any visitor lately and not changed here since, else what is read now."""
        now, key = time.monotonic(), (self.engine.url, what)
        then, found = self._recent.get(key, (-math.inf, None))
        if now - then > RECENT:
            found = read()
            self._recent[key] = now, found
        return cast(T, found)

    def _write(self, work: Callable[[Connection], T], otherwise: str = "") -> T:
        try:
            return super()._write(work, otherwise)
        finally:
            self.forget()

    def forget(self) -> None:
        """Read again what was read lately."""
        self._recent.clear()

    def periods(self) -> list[Period]:
        """All of them, the latest first."""
        return [record(Period, row) for row in self._rows(select(_periods).order_by(_periods.c.id.desc()))]

    def open(self, name: str) -> None:
        """Begin a period, unless one lasts: then that one goes on, under its own name.

        Raises:
            ValueError: if the name is none, see :func:`checked`.
        """
        values = {"name": checked(name, "name"), "opened_at": self._clock()}

        def store(connection: Connection) -> None:
            if connection.execute(select(_periods.c.id).where(_LASTING)).first() is None:
                connection.execute(insert(_periods).values(values))

        self._write(store)

    def close(self) -> None:
        """End the period that lasts, or the time before the first one; from then on no votes are taken."""
        now = self._clock()

        def store(connection: Connection) -> None:
            connection.execute(update(_periods).where(_LASTING).values(closed_at=now))
            if connection.execute(select(_periods.c.id)).first() is None:
                first = connection.scalar(select(func.min(schema.votes.c.voted_at)))
                connection.execute(
                    insert(_periods).values(name=BEFORE, opened_at=first or now, closed_at=now)
                )

        self._write(store)


def checked(text: str, what: str) -> str:
    """A curator's words, put in order.

    Raises:
        ValueError: if there are none, too many, or they begin as a spreadsheet's formula would.
    """
    words = " ".join(text.split())
    if not words:
        raise ValueError(f"There is no {what} yet. Write one, in a few words.")
    if len(words) > schema.REASON_LENGTH:
        raise ValueError(f"This {what} is too long. Say it in {schema.REASON_LENGTH} characters or less.")
    if words[0] in "=+-@":
        raise ValueError(
            f"A {what} cannot begin with {words[0]}, which a spreadsheet would take for a formula. Begin with a "
            "word."
        )
    return words


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
