"""Ready walls in the database, so that all processes and machines share them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine, and_, delete, func, select, update

from albumjudge.voting import schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import Store

TIMEOUT = 2.0
"""Seconds; whoever waits longer for a ready wall is better served by a new one."""
ABANDONED = timedelta(days=1)
"""After which what other networks painted and judged is removed."""
ENOUGH = 1_000_000
"""So many walls are counted where nothing can be kept, so that nothing is painted for it."""
_log = logging.getLogger(__name__)
_table = schema.ready_walls
T = TypeVar("T")


class ReadyWalls(Store):
    """The shelf (:class:`albumjudge.inference.pool.Shelf`) of the networks of this name.

    Where the database does not answer, nothing is ready and nothing is kept.
    """

    not_read = "Ready walls cannot be read"
    not_written = "Ready walls cannot be kept"

    def __init__(self, engine: Engine, networks: str) -> None:
        super().__init__(engine, timeout=TIMEOUT, limit=TIMEOUT)
        self._mine = _table.c.networks == networks
        self._walls = and_(self._mine, _table.c.number > 0)
        self._networks = networks

    def take(self) -> tuple[int, str] | None:
        """A wall that nobody was given, else the one given longest ago; None if there is none."""
        # PostgreSQL does not sort again once it has a row's lock, but does ask the condition again: only a
        # condition keeps it from a wall that was given since the statement began.
        fresh, given = (
            select(_table.c.id)
            .where(self._walls, state)
            .order_by(_table.c.given_at, _table.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
            for state in (_table.c.given_at.is_(None), _table.c.given_at.is_not(None))
        )
        taken = (
            update(_table)
            .where(_table.c.id == func.coalesce(fresh, given))
            .values(given_at=self._clock())
            .returning(_table.c.number, _table.c.covers)
        )
        row = self._tried(self._write, lambda connection: connection.execute(taken).one_or_none(), None)
        return None if row is None else (row.number, row.covers)

    def count(self) -> tuple[int, int]:
        """How many walls nobody was given yet, and how many were; ``ENOUGH`` if the database does not answer."""
        given = func.count(_table.c.given_at)
        query = select(func.count() - given, given).where(self._walls)

        def read(connection: Connection) -> tuple[int, int]:
            fresh, taken = connection.execute(query).one()
            return fresh, taken

        return self._tried(self._read, read, (ENOUGH, 0))

    def read(self, number: int) -> str | None:
        """What is kept under a number."""
        query = select(_table.c.covers).where(self._mine, _table.c.number == number)
        return self._tried(self._read, lambda connection: connection.scalar(query), None)

    def put(self, number: int, covers: str) -> bool:
        """Keep it in place of what was kept; whether that was possible."""
        now = self._clock()

        def write(connection: Connection) -> bool:
            others = and_(_table.c.networks != self._networks, _table.c.made_at < now - ABANDONED)
            connection.execute(delete(_table).where(others | and_(self._mine, _table.c.number == number)))
            row = {"networks": self._networks, "number": number, "covers": covers, "made_at": now}
            connection.execute(_table.insert().values(row))
            return True

        return self._tried(self._write, write, False)

    def remove(self, number: int) -> None:
        """Keep it no more."""
        one = delete(_table).where(self._mine, _table.c.number == number)
        self._tried(self._write, lambda connection: connection.execute(one), None)

    def keep_given(self, most: int) -> None:
        """Remove the walls given longest ago, but for so many."""
        given = and_(self._walls, _table.c.given_at.is_not(None))
        kept = select(_table.c.id).where(given).order_by(_table.c.given_at.desc()).limit(most)
        old = delete(_table).where(given, _table.c.id.not_in(kept))
        self._tried(self._write, lambda connection: connection.execute(old), None)

    @staticmethod
    def _tried(
        run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T], otherwise: T
    ) -> T:
        """Run work by ``_read`` or ``_write``; ``otherwise`` where the database does not do it."""
        try:
            return run(work)
        except VoteError as error:
            _log.warning("%s", error)
            return otherwise
