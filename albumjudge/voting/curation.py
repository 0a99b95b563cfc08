"""What a curator decides: whose votes count, which covers everyone is asked about, when the exhibit is open.

Nothing a curator does deletes a vote. An exclusion is lifted, a period closed, an anchor set replaced; votes
stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from albumjudge.domain.cover import CoverIdentity
from albumjudge.voting import schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import Store, is_open

BEFORE = "before the first period"
"""Name of the time that ends when an exhibit without any period is closed."""


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

    def exclude(self, visitor: str, reason: str) -> Exclusion:
        """Leave a visitor's votes out; who is left out already stays so, for the earlier reason.

        Raises:
            ValueError: if the reason is none, see :func:`checked`.
        """
        words = checked(reason, "reason")
        now = self._clock()

        def store(connection: Connection) -> Exclusion:
            # Locked, so that two curators at once exclude nobody twice. SQLite, where one transaction writes at
            # a time, knows no such lock and SQLAlchemy leaves it out.
            known = select(schema.visitors.c.id).where(schema.visitors.c.id == visitor).with_for_update()
            if connection.execute(known).first() is None:
                raise VoteError("Nobody with this id has voted, so there is nobody to leave out.")
            held = select(schema.exclusions).where(
                schema.exclusions.c.visitor == visitor, schema.exclusions.c.lifted_at.is_(None)
            )
            if connection.execute(held).first() is None:
                connection.execute(
                    insert(schema.exclusions).values(visitor=visitor, reason=words, excluded_at=now)
                )
            return _exclusion(connection.execute(held).first())

        return self._write(store)

    def lift(self, visitor: str) -> bool:
        """Let a visitor's votes count again, and return whether they did not."""
        held = (
            update(schema.exclusions)
            .where(schema.exclusions.c.visitor == visitor, schema.exclusions.c.lifted_at.is_(None))
            .values(lifted_at=self._clock())
        )
        return self._write(lambda connection: connection.execute(held).rowcount > 0)

    def exclusions(self) -> list[Exclusion]:
        """All of them, lifted ones too, the latest first."""
        query = select(schema.exclusions).order_by(schema.exclusions.c.id.desc())
        return [_exclusion(row) for row in self._rows(query)]

    def left_out(self) -> dict[str, str]:
        """Visitors who are left out now, each with the reason."""
        return {e.visitor: e.reason for e in reversed(self.exclusions()) if e.lifted_at is None}

    def anchors(self, generator: str | None = None) -> list[CoverIdentity]:
        """The covers, or those of one generator, that everyone is asked about, in their order."""
        query = select(schema.anchors).order_by(schema.anchors.c.id)
        if generator is not None:
            query = query.where(schema.anchors.c.generator == generator)
        return [CoverIdentity.of(row.generator, row.seed, row.recipe) for row in self._rows(query)]

    def set_anchors(self, covers: Sequence[CoverIdentity]) -> None:
        """Ask everyone about these covers, in this order, and no longer about others; none clears the set."""
        rows = [
            {"generator": c.generator, "seed": c.seed, "recipe": c.recipe, "set_at": self._clock()}
            for c in dict.fromkeys(covers)
        ]

        def store(connection: Connection) -> None:
            connection.execute(delete(schema.anchors))
            if rows:
                connection.execute(insert(schema.anchors), rows)

        self._write(store)

    def is_open(self) -> bool:
        """Whether votes are taken: a period lasts, or there has never been one."""
        return self._read(is_open)

    def periods(self) -> list[Period]:
        """All of them, the latest first."""
        query = select(schema.periods).order_by(schema.periods.c.id.desc())
        return [_period(row) for row in self._rows(query)]

    def open(self, name: str) -> None:
        """Begin a period, unless one lasts: then that one goes on, under its own name.

        Raises:
            ValueError: if the name is none, see :func:`checked`.
        """
        words = checked(name, "name")
        now = self._clock()

        def store(connection: Connection) -> None:
            lasting = select(schema.periods.c.id).where(schema.periods.c.closed_at.is_(None))
            if connection.execute(lasting).first() is None:
                connection.execute(insert(schema.periods).values(name=words, opened_at=now))

        self._write(store)

    def close(self) -> None:
        """End the period that lasts, or the time before the first one; from then on no votes are taken."""
        now = self._clock()

        def store(connection: Connection) -> None:
            lasting = schema.periods.c.closed_at.is_(None)
            connection.execute(update(schema.periods).where(lasting).values(closed_at=now))
            if connection.execute(select(schema.periods.c.id)).first() is None:
                first = connection.scalar(select(func.min(schema.votes.c.voted_at)))
                connection.execute(
                    insert(schema.periods).values(name=BEFORE, opened_at=first or now, closed_at=now)
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


def _exclusion(row: Row[Any] | None) -> Exclusion:
    assert row is not None
    return Exclusion(row.visitor, row.reason, row.excluded_at, row.lifted_at)


def _period(row: Row[Any]) -> Period:
    return Period(row.name, row.opened_at, row.closed_at)
