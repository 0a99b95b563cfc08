"""Pictures that visitors brought and asked the exhibit to keep: 64x64 pixels each, until they take them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select

from albumjudge import emotions, schema
from albumjudge.database import PATIENCE, VoteError, configure, transact
from albumjudge.uploads import Picture

MOST_GIFTS = 24
"""Pictures that one visitor may leave here, so that nobody fills the disk."""

T = TypeVar("T")


@dataclass(frozen=True)
class Gift:
    """A picture that a visitor gave.

    Attributes:
        id: its number.
        png: 64x64 pixels, without any metadata.
        judge: revision of the judge that they saw it judged by.
        felt: one of the eight emotions or ``NOTHING``, if the visitor said so.
        given_at: UTC.
    """

    id: int
    png: bytes
    judge: str
    felt: str | None
    given_at: datetime


class GiftShelf:
    """Keeps gifts and gives them back. Threads and processes may share a database, and threads a shelf.

    Args:
        engine: of a database that :meth:`albumjudge.votes.BallotBox.prepare` brought up to date.
        patience: seconds to wait for others who write to the database.
        clock: gives the current time, aware.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        configure(engine)
        self._engine, self._patience, self._clock = engine, patience, clock

    def keep(self, *, visitor: str, picture: Picture, judge: str, felt: str | None = None) -> Gift:
        """Keep a picture and return it after that has been committed; the same picture is kept only once.

        Raises:
            VoteError: if it could not be kept, or the visitor has given as many as there is room for.
            ValueError: if ``felt`` is none of the answers.
        """
        if felt not in (None, emotions.NOTHING):
            emotions.index(felt)
        png, now = picture.png(), self._clock()

        def store(connection: Connection) -> Gift | None:
            if connection.dialect.name == "postgresql":
                # A double click must not keep a picture twice; SQLite lets one transaction write at a time.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(visitor))))
            found = connection.execute(_of(visitor).where(schema.gifts.c.png == png)).first()
            if found is not None:
                return _gift(found)
            given = select(func.count()).select_from(schema.gifts).where(schema.gifts.c.visitor == visitor)
            if connection.execute(given).scalar_one() >= MOST_GIFTS:
                return None
            connection.execute(
                insert(schema.gifts).values(visitor=visitor, png=png, judge=judge, felt=felt, given_at=now)
            )
            return _gift(connection.execute(_of(visitor).where(schema.gifts.c.png == png)).one())

        gift = self._transact(store, "Your picture was not kept", writes=True)
        if gift is None:
            raise VoteError(
                f"Your picture was not kept: the exhibit has {MOST_GIFTS} of yours, and no room for more. Take "
                "one back first."
            )
        return gift

    def of(self, visitor: str) -> list[Gift]:
        """What a visitor gave, the first one first.

        Raises:
            VoteError: if the database cannot be read.
        """
        return self._transact(
            lambda connection: [_gift(row) for row in connection.execute(_of(visitor))],
            "Your gifts cannot be read",
            writes=False,
        )

    def give_back(self, *, visitor: str, gift: int) -> bool:
        """Delete a visitor's gift for good, and return whether there was one: nobody takes another's.

        Raises:
            VoteError: if it could not be deleted.
        """
        mine = delete(schema.gifts).where(schema.gifts.c.visitor == visitor, schema.gifts.c.id == gift)
        return self._transact(
            lambda connection: connection.execute(mine).rowcount > 0,
            "Your picture was not deleted",
            writes=True,
        )

    def count(self) -> int:
        """Number of gifts of all visitors.

        Raises:
            VoteError: if the database cannot be read.
        """
        every = select(func.count()).select_from(schema.gifts)
        return self._transact(
            lambda connection: connection.execute(every).scalar_one(),
            "The gifts cannot be read",
            writes=False,
        )

    def _transact(self, work: Callable[[Connection], T], otherwise: str, *, writes: bool) -> T:
        return transact(self._engine, work, otherwise=otherwise, writes=writes, patience=self._patience)


def _of(visitor: str) -> Select[Any]:
    return select(schema.gifts).where(schema.gifts.c.visitor == visitor).order_by(schema.gifts.c.id)


def _gift(row: Row[Any]) -> Gift:
    return Gift(row.id, bytes(row.png), row.judge, row.felt, row.given_at)
