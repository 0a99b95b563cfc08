"""Pictures that visitors brought and asked the exhibit to keep: 64x64 pixels each, until they take them back.

A curator can hide a picture for a reason, show it again, and delete for good what is hidden. Whoever gave it
reads the reason, and can take a hidden picture back like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, and_, delete, func, insert, select, update

from albumjudge.domain import emotions
from albumjudge.domain.uploads import Picture
from albumjudge.voting import schema
from albumjudge.voting.curation import checked
from albumjudge.voting.database import PATIENCE, VoteError, configure, transact
from albumjudge.voting.votes import insert_new

MOST_GIFTS = 24
"""Pictures that one visitor may leave here, so that nobody fills the disk."""

T = TypeVar("T")
_made = schema.gift_decisions
_NOT_READ = "The gifts cannot be read"
_NOT_NOTED = "It was not noted"


@dataclass(frozen=True)
class Submission:
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


@dataclass(frozen=True)
class Shelved:
    """A gift as the curator sees it.

    Attributes:
        gift: the picture.
        visitor: id of whoever gave it.
        hidden: why it is hidden; None if it is not.
    """

    gift: Submission
    visitor: str
    hidden: str | None


@dataclass(frozen=True)
class Deleted:
    """A picture that a curator deleted: why, and when it had been given."""

    reason: str
    given_at: datetime


@dataclass(frozen=True)
class Stock:
    """How many pictures there are: ``kept`` (``hidden`` ones among them), and how many were ``deleted``."""

    kept: int
    hidden: int
    deleted: int


class SubmissionStore:
    """Keeps gifts and gives them back. Threads and processes may share a database, and threads a shelf.

    Args:
        engine: of a database that :meth:`albumjudge.voting.votes.VoteStore.prepare` brought up to date.
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

    def keep(self, *, visitor: str, picture: Picture, judge: str, felt: str | None = None) -> Submission:
        """Keep a picture and return it after that has been committed; the same picture is kept only once.

        Raises:
            VoteError: if it could not be kept, the visitor has given as many as there is room for, or a curator
                deleted this very picture.
            ValueError: if ``felt`` is none of the answers.
        """
        if felt not in (None, emotions.NOTHING):
            emotions.index(felt)
        png, now = picture.png(), self._clock()

        def store(connection: Connection) -> Submission | None:
            gone = select(_made.c.reason).where(
                _made.c.digest == _digest(png), _made.c.deleted_at.is_not(None)
            )
            if (reason := connection.scalar(gone.limit(1))) is not None:
                raise VoteError(
                    f"Your picture was not kept: the curator has deleted this one before ({reason})."
                )
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

    def of(self, visitor: str) -> list[Submission]:
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
        about_it = delete(_made).where(_made.c.gift == gift, _made.c.deleted_at.is_(None))

        def take(connection: Connection) -> bool:
            if connection.execute(mine).rowcount == 0:
                return False
            connection.execute(about_it)
            return True

        return self._transact(take, "Your picture was not deleted", writes=True)

    def look_through(self, first: int = 0, most: int = 24) -> list[Shelved]:
        """Gifts of all visitors for a curator, the latest first.

        Args:
            first: how many to pass over.
            most: how many to return.

        Raises:
            VoteError: if the database cannot be read.
        """
        query = (
            select(schema.gifts, _made.c.reason)
            .outerjoin(_made, and_(_made.c.gift == schema.gifts.c.id, _made.c.deleted_at.is_(None)))
            .order_by(schema.gifts.c.id.desc())
            .offset(first)
            .limit(most)
        )
        return self._transact(
            lambda connection: [
                Shelved(_gift(row), row.visitor, row.reason) for row in connection.execute(query)
            ],
            _NOT_READ,
            writes=False,
        )

    def hide(self, gift: int, reason: str) -> None:
        """Hide a gift from everyone but its giver and the curator; a hidden one keeps its first reason.

        Raises:
            ValueError: if the reason is empty, too long, or begins as a spreadsheet's formula would.
            VoteError: if it could not be hidden, or is not there any more.
        """
        words, now = checked(reason, "reason"), self._clock()

        def store(connection: Connection) -> bool:
            row = connection.execute(select(schema.gifts).where(schema.gifts.c.id == gift)).one_or_none()
            if row is None:
                return False
            insert_new(
                connection,
                _made,
                gift=gift,
                visitor=row.visitor,
                digest=_digest(bytes(row.png)),
                reason=words,
                given_at=row.given_at,
                hidden_at=now,
            )
            return True

        if not self._transact(store, _NOT_NOTED, writes=True):
            raise VoteError(f"{_NOT_NOTED}: the picture is not there any more. Its giver took it back.")

    def show_again(self, gift: int) -> bool:
        """Hide a gift no longer, and return whether it was hidden.

        Raises:
            VoteError: if the database does not do it.
        """
        held = delete(_made).where(_made.c.gift == gift, _made.c.deleted_at.is_(None))
        return self._transact(
            lambda connection: connection.execute(held).rowcount > 0, _NOT_NOTED, writes=True
        )

    def delete(self, gift: int) -> bool:
        """Delete a hidden gift for good, and return whether there was one. What is not hidden stays.

        Raises:
            VoteError: if the database does not do it.
        """
        now = self._clock()
        held = update(_made).where(_made.c.gift == gift, _made.c.deleted_at.is_(None)).values(deleted_at=now)

        def remove(connection: Connection) -> bool:
            if connection.execute(held).rowcount == 0:
                return False
            connection.execute(delete(schema.gifts).where(schema.gifts.c.id == gift))
            return True

        return self._transact(remove, "The picture was not deleted", writes=True)

    def deleted_of(self, visitor: str) -> list[Deleted]:
        """Which of a visitor's gifts a curator deleted, the first one first.

        Raises:
            VoteError: if the database cannot be read.
        """
        query = (
            select(_made.c.reason, _made.c.given_at)
            .where(_made.c.visitor == visitor, _made.c.deleted_at.is_not(None))
            .order_by(_made.c.id)
        )
        return self._transact(
            lambda connection: [Deleted(row.reason, row.given_at) for row in connection.execute(query)],
            "Your gifts cannot be read",
            writes=False,
        )

    def hidden_of(self, visitor: str) -> dict[int, str]:
        """Which of a visitor's gifts are hidden: number -> reason.

        Raises:
            VoteError: if the database cannot be read.
        """
        query = select(_made.c.gift, _made.c.reason).where(
            _made.c.visitor == visitor, _made.c.deleted_at.is_(None)
        )
        return self._transact(
            lambda connection: {row.gift: row.reason for row in connection.execute(query)},
            "Your gifts cannot be read",
            writes=False,
        )

    def stock(self) -> Stock:
        """How many pictures there are, are hidden, and were deleted.

        Raises:
            VoteError: if the database cannot be read.
        """
        gone = func.count().filter(_made.c.deleted_at.is_not(None)).label("gone")
        decisions = select(func.count().label("made"), gone).select_from(_made)

        def count(connection: Connection) -> Stock:
            kept = connection.execute(select(func.count()).select_from(schema.gifts)).scalar_one()
            row = connection.execute(decisions).one()
            return Stock(kept, row.made - row.gone, row.gone)

        return self._transact(count, _NOT_READ, writes=False)

    def _transact(self, work: Callable[[Connection], T], otherwise: str, *, writes: bool) -> T:
        return transact(self._engine, work, otherwise=otherwise, writes=writes, patience=self._patience)


def _digest(png: bytes) -> str:
    return hashlib.sha256(png).hexdigest()


def _of(visitor: str) -> Select[Any]:
    return select(schema.gifts).where(schema.gifts.c.visitor == visitor).order_by(schema.gifts.c.id)


def _gift(row: Row[Any]) -> Submission:
    return Submission(row.id, bytes(row.png), row.judge, row.felt, row.given_at)
