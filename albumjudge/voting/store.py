"""What the stores of votes, duels, submissions and curation share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Row, Select, Table, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.voting import schema
from albumjudge.voting.database import STATEMENT_LIMIT, TIMEOUT, VoteError, configure, transact
from albumjudge.voting.rate_limit import VISITOR_LIMITS, is_suspect

T = TypeVar("T")
VISITOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_IDENTITY = ("generator", "seed", "recipe")


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
        limit: seconds that one statement may take; those that write take no longer than ``TIMEOUT``.
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
        limit: float = STATEMENT_LIMIT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        configure(engine)
        self.engine, self._timeout, self._limit, self._clock = engine, timeout, limit, clock

    def _write(self, work: Callable[[Connection], T], otherwise: str = "") -> T:
        return self._transact(
            work, otherwise or self.not_written, writes=True, limit=min(self._limit, TIMEOUT)
        )

    def _read(self, work: Callable[[Connection], T], otherwise: str = "", *, repeat: bool = True) -> T:
        words = otherwise or self.not_read
        return self._transact(work, words, writes=False, limit=self._limit, repeat=repeat)

    def _transact(self, work: Callable[[Connection], T], otherwise: str, **how: Any) -> T:
        return transact(self.engine, work, otherwise=otherwise, timeout=self._timeout, **how)

    def _rows(self, query: Select[Any], otherwise: str = "") -> list[Any]:
        return self._read(lambda connection: list(connection.execute(query)), otherwise)

    def _row(self, query: Select[Any]) -> Any:
        """The only row, or None if there is none."""
        return self._read(lambda connection: connection.execute(query).one_or_none())


class Votes(Store, Generic[T]):
    """Votes of one kind in a table of their own, of which a visitor has one on each question."""

    table: ClassVar[Table]

    def _query(self) -> Select[Any]:
        """SQL for the rows that :meth:`_vote` reads."""
        raise NotImplementedError

    def _vote(self, row: Row[Any]) -> T:
        raise NotImplementedError

    def _found(self, connection: Connection, *conditions: ColumnElement[bool]) -> T | None:
        row = connection.execute(self._query().where(*conditions)).one_or_none()
        return None if row is None else self._vote(row)

    def _one(self, *conditions: ColumnElement[bool]) -> T | None:
        return self._read(lambda connection: self._found(connection, *conditions))

    def _all(self, *conditions: ColumnElement[bool]) -> list[T]:
        """In the order in which they were cast."""
        query = self._query().where(*conditions).order_by(self.table.c.id)
        return [self._vote(row) for row in self._rows(query)]

    def _cast(
        self,
        *this_one: ColumnElement[bool],
        values: Callable[[Connection], dict[str, Any]],
        visitor: str,
        seconds_to_vote: float,
        suspect: bool,
    ) -> T:
        """Store a vote, unless the visitor has cast it already, and return the one that is stored then.

        A vote that comes faster than anyone can look, or is ``suspect`` for another reason, does not count.

        Args:
            this_one: SQL that finds the vote.
            values: gives what the table's own columns hold, and may store covers.

        Raises:
            ClosedError: if the exhibit takes no votes at the moment.
            VoteError: if the vote could not be stored. Nothing of it was kept; trying again is safe.
            ValueError: if a value is none that a page could offer.
        """
        if not VISITOR.fullmatch(visitor):
            raise ValueError(f"{visitor!r} is no visitor's id: 1 to 64 letters, digits, '_' and '-'.")
        if not (math.isfinite(seconds_to_vote) and 0 <= seconds_to_vote <= schema.LONGEST_VOTE):
            raise ValueError(f"{seconds_to_vote} is no time to vote in seconds.")
        now = self._clock()

        def store(connection: Connection) -> T:
            # Asked here and not on the page alone: a page may have been open when the exhibit closed.
            if is_open(connection):
                # Visitors first, then covers, then votes, so that transactions never wait in a circle.
                insert_new(connection, schema.visitors, id=visitor, first_vote_at=now)
                insert_new(
                    connection,
                    self.table,
                    **values(connection),
                    visitor=visitor,
                    seconds_to_vote=float(seconds_to_vote),
                    voted_at=now,
                    suspect=suspect or too_fast(connection, self.table, visitor, now),
                )
            found = self._found(connection, *this_one)
            if found is None:
                raise ClosedError(self.not_written)
            return found

        return self._write(store)


def record(kind: type[T], row: Row[Any], **others: Any) -> T:
    """A dataclass made of ``others`` and, for its other fields, of the columns of a row with their names."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]
    return kind(**others, **{name: row._mapping[name] for name in names if name not in others})


def is_open(connection: Connection) -> bool:
    """Whether votes are taken: a period lasts, or there has never been one."""
    lasting = func.count().filter(schema.periods.c.closed_at.is_(None))
    query = select(func.count().label("every"), lasting.label("lasting")).select_from(schema.periods)
    row = connection.execute(query).one()
    return bool(row.lasting or not row.every)


def counts(votes: FromClause) -> ColumnElement[bool]:
    """SQL for: this vote is not suspect, and the curator does not leave its visitor out."""
    left_out = select(schema.exclusions.c.visitor).where(schema.exclusions.c.lifted_at.is_(None))
    return and_(votes.c.suspect.is_(False), votes.c.visitor.not_in(left_out))


def too_fast(connection: Connection, table: Table, visitor: str, now: datetime) -> bool:
    """Whether a vote that a visitor casts now comes too soon after their others in ``table`` to count."""
    since = now - timedelta(seconds=max(seconds for seconds, _ in VISITOR_LIMITS))
    query = select(table.c.voted_at).where(table.c.visitor == visitor, table.c.voted_at > since)
    return is_suspect([(now - cast).total_seconds() for cast in connection.execute(query).scalars()])


def insert_new(connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row unless one with the same key is there, or is just being inserted by someone else."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())


def locked_state(connection: Connection, name: str) -> Row[Any]:
    """A row of ``deployment_state``, made where there is none, that no other process can take meanwhile."""
    table = schema.deployment_state
    insert_new(connection, table, name=name)
    return connection.execute(select(table).where(table.c.name == name).with_for_update()).one()


def change_state(connection: Connection, name: str, **values: Any) -> None:
    """Change a row of ``deployment_state``."""
    table = schema.deployment_state
    connection.execute(table.update().where(table.c.name == name).values(**values))


def has_identity(identity: CoverIdentity) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this row of ``covers`` is the cover."""
    return tuple(schema.covers.c[name] == getattr(identity, name) for name in _IDENTITY)


def cover_id(identity: CoverIdentity) -> Select[int]:
    """SQL for the id of a cover's row."""
    return select(schema.covers.c.id).where(*has_identity(identity))


def store_cover(connection: Connection, cover: Cover) -> int:
    """Store a cover, unless it is stored already, and return its row's id."""
    parts = {name: getattr(cover.identity, name) for name in _IDENTITY}
    insert_new(connection, schema.covers, **parts, png=cover.png())
    return connection.execute(cover_id(cover.identity)).scalar_one()


def store_covers(connection: Connection, *covers: Cover) -> list[int]:
    """Store covers and return their rows' ids, in the order of ``covers``."""
    # Stored in one order for all, so that two transactions never wait for each other in a circle.
    ordered = sorted(covers, key=lambda cover: str(cover.identity))
    ids = {cover.identity: store_cover(connection, cover) for cover in ordered}
    return [ids[cover.identity] for cover in covers]


def with_covers(query: Select[Any], *, png: bool = False, **columns: ColumnElement[int]) -> Select[Any]:
    """Add covers to a query, given side -> column with the cover's id, so that rows have ``side_seed`` etc."""
    for side, column in columns.items():
        cover = schema.covers.alias(side)
        named = (cover.c[name].label(f"{side}_{name}") for name in (*_IDENTITY, *["png"] * png))
        query = query.add_columns(*named).join(cover, cover.c.id == column)
    return query


def identity_in(row: Row[Any], side: str = "") -> CoverIdentity:
    """The identity of the cover in a row, or on one side in a row of a query :func:`with_covers`."""
    return CoverIdentity.of(*(row._mapping[f"{side}_{name}" if side else name] for name in _IDENTITY))
