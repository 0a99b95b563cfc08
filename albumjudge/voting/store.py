"""What the stores of votes, duels, submissions and curation share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from albumjudge.domain.cover import CoverIdentity
from albumjudge.voting import schema
from albumjudge.voting.database import TIMEOUT, VoteError, configure, transact
from albumjudge.voting.rate_limit import LONGEST, is_suspect

T = TypeVar("T")
VISITOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class ClosedError(VoteError):
    """The exhibit takes no votes at the moment; the message is a sentence."""

    def __init__(self, lost: str) -> None:
        super().__init__(f"{lost}: the exhibit is closed at the moment and takes no votes.")


class Store:
    """Reads and writes in transactions. Threads may share a store, processes a database.

    All methods of all stores raise :class:`VoteError` if the database does not do it.

    Args:
        engine: of a database that :func:`albumjudge.voting.database.upgrade` brought up to date.
        timeout: seconds to wait for others who write to the database.
        clock: gives the current time, aware.
    """

    not_read: ClassVar[str]
    """How the sentence begins if something cannot be read."""
    not_written: ClassVar[str]
    """How the sentence begins if something cannot be stored."""

    def __init__(
        self,
        engine: Engine,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        configure(engine)
        self.engine, self._timeout, self._clock = engine, timeout, clock

    def _write(self, work: Callable[[Connection], T], otherwise: str = "") -> T:
        return transact(
            self.engine, work, otherwise=otherwise or self.not_written, writes=True, timeout=self._timeout
        )

    def _read(self, work: Callable[[Connection], T], otherwise: str = "", *, repeat: bool = True) -> T:
        return transact(
            self.engine,
            work,
            otherwise=otherwise or self.not_read,
            writes=False,
            timeout=self._timeout,
            repeat=repeat,
        )

    def _rows(self, query: Select[Any], otherwise: str = "") -> list[Any]:
        return self._read(lambda connection: list(connection.execute(query)), otherwise)

    def _row(self, query: Select[Any]) -> Any:
        """The only row, or None if there is none."""
        return self._read(lambda connection: connection.execute(query).one_or_none())


def check_vote(visitor: str, seconds_to_vote: float) -> None:
    """Check what every kind of vote has.

    Raises:
        ValueError: if it is nothing that a page could offer.
    """
    if not VISITOR.fullmatch(visitor):
        raise ValueError(f"{visitor!r} is no visitor's id: 1 to 64 letters, digits, '_' and '-'.")
    if not (math.isfinite(seconds_to_vote) and 0 <= seconds_to_vote <= schema.LONGEST_VOTE):
        raise ValueError(f"{seconds_to_vote} is no time to vote in seconds.")


def is_open(connection: Connection) -> bool:
    """Whether votes are taken: a period lasts, or there has never been one."""
    lasting = func.count().filter(schema.periods.c.closed_at.is_(None))
    query = select(func.count().label("every"), lasting.label("lasting")).select_from(schema.periods)
    row = connection.execute(query).one()
    return bool(row.lasting or not row.every)


def counts(visitor: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL for: the curator does not leave out the visitor in this column."""
    return visitor.not_in(select(schema.exclusions.c.visitor).where(schema.exclusions.c.lifted_at.is_(None)))


def too_fast(connection: Connection, table: Table, visitor: str, now: datetime) -> bool:
    """Whether a vote that a visitor casts now comes too soon after their others in ``table`` to count."""
    since = now - timedelta(seconds=LONGEST)
    query = select(table.c.voted_at).where(table.c.visitor == visitor, table.c.voted_at > since)
    return is_suspect(connection.execute(query).scalars().all(), now)


def insert_new(connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row unless one with the same key is there, or is just being inserted by someone else."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())


def has_identity(identity: CoverIdentity) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this row of ``covers`` is the cover."""
    return tuple(schema.covers.c[name] == getattr(identity, name) for name in ("generator", "seed", "recipe"))


def cover_id(identity: CoverIdentity) -> Select[int]:
    """SQL for the id of a cover's row."""
    return select(schema.covers.c.id).where(*has_identity(identity))


def store_cover(connection: Connection, identity: CoverIdentity, png: bytes) -> int:
    """Store a cover, unless it is stored already, and return its row's id."""
    insert_new(
        connection,
        schema.covers,
        generator=identity.generator,
        seed=identity.seed,
        recipe=identity.recipe,
        png=png,
    )
    return connection.execute(cover_id(identity)).scalar_one()
