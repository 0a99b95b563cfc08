"""Pictures that visitors brought and asked the exhibit to keep: 64x64 pixels each, until they take them back.

A curator can hide a picture for a reason, show it again, and delete for good what is hidden. Whoever gave it
reads the reason, and can take a hidden picture back like any other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, select, update

from albumjudge.domain.uploads import Picture
from albumjudge.voting import schema
from albumjudge.voting.curation import checked
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import Store, insert_new, record

MOST_PER_VISITOR = 24
"""Pictures that one visitor may leave here, so that nobody fills the disk."""

_submissions, _decisions = schema.submissions, schema.submission_decisions
_HIDDEN = _decisions.c.deleted_at.is_(None)
_DELETED = _decisions.c.deleted_at.is_not(None)
_YOURS_NOT_READ = "Your pictures cannot be read"


@dataclass(frozen=True)
class Submission:
    """A picture that a visitor gave, without any metadata, and the judge that judged it."""

    id: int
    png: bytes
    judge: str
    given_at: datetime


@dataclass(frozen=True)
class SubmissionRecord:
    """A submission as the curator sees it; ``hidden`` says why it is, None if it is not."""

    submission: Submission
    visitor: str
    hidden: str | None


@dataclass(frozen=True)
class DeletedSubmission:
    """A picture that a curator deleted: why, and when it had been given."""

    reason: str
    given_at: datetime


@dataclass(frozen=True)
class SubmissionCounts:
    """How many pictures there are: ``kept`` (``hidden`` ones among them), and how many were ``deleted``."""

    kept: int
    hidden: int
    deleted: int


class SubmissionStore(Store):
    """Keeps submitted pictures and gives them back."""

    not_read = "The pictures cannot be read"
    not_written = "It was not noted"

    def keep(self, *, visitor: str, picture: Picture, judge: str) -> Submission:
        """Keep a picture and return it after that has been committed; the same picture is kept only once.

        Raises:
            VoteError: if it could not be kept, there is no room for more, or a curator deleted this very picture.
        """
        png, now = picture.png(), self._clock()
        this_one = _of(visitor).where(_submissions.c.png == png)

        def store(connection: Connection) -> Submission:
            gone = select(_decisions.c.reason).where(_decisions.c.digest == _digest(png), _DELETED)
            if (reason := connection.scalar(gone.limit(1))) is not None:
                raise VoteError(
                    f"Your picture was not kept: the curator has deleted this one before ({reason})."
                )
            if connection.dialect.name == "postgresql":
                # A double click must not keep a picture twice; SQLite lets one transaction write at a time.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(visitor))))
            if (found := connection.execute(this_one).first()) is not None:
                return record(Submission, found)
            given = select(func.count()).select_from(_submissions).where(_submissions.c.visitor == visitor)
            if connection.execute(given).scalar_one() >= MOST_PER_VISITOR:
                raise VoteError(
                    f"Your picture was not kept: the exhibit has {MOST_PER_VISITOR} of yours, and no room for "
                    "more. Take one back first."
                )
            connection.execute(
                insert(_submissions).values(visitor=visitor, png=png, judge=judge, given_at=now)
            )
            return record(Submission, connection.execute(this_one).one())

        return self._write(store, "Your picture was not kept")

    def of(self, visitor: str) -> list[Submission]:
        """What a visitor gave, the first one first."""
        return [record(Submission, row) for row in self._rows(_of(visitor), _YOURS_NOT_READ)]

    def give_back(self, *, visitor: str, submission: int) -> bool:
        """Delete a visitor's picture for good, and return whether there was one: nobody takes another's."""
        mine = delete(_submissions).where(_submissions.c.visitor == visitor, _submissions.c.id == submission)

        def take(connection: Connection) -> bool:
            if connection.execute(mine).rowcount == 0:
                return False
            connection.execute(delete(_decisions).where(*_held(submission)))
            return True

        return self._write(take, "Your picture was not deleted")

    def latest(self, first: int = 0, most: int = 24) -> list[SubmissionRecord]:
        """Pictures of all visitors for a curator, the latest first, ``most`` of them after the first ones."""
        query = (
            select(_submissions, _decisions.c.reason.label("hidden"))
            .outerjoin(_decisions, and_(_decisions.c.submission == _submissions.c.id, _HIDDEN))
            .order_by(_submissions.c.id.desc())
            .offset(first)
            .limit(most)
        )
        rows = self._rows(query)
        return [record(SubmissionRecord, row, submission=record(Submission, row)) for row in rows]

    def hide(self, submission: int, reason: str) -> None:
        """Hide a picture from everyone but its giver and the curator; a hidden one keeps its first reason.

        Raises:
            ValueError: if the reason is none, see :func:`albumjudge.voting.curation.checked`.
            VoteError: if it could not be hidden, or is not there any more.
        """
        words, now = checked(reason, "reason"), self._clock()

        def store(connection: Connection) -> None:
            query = select(_submissions).where(_submissions.c.id == submission)
            if (row := connection.execute(query).one_or_none()) is None:
                raise VoteError(
                    f"{self.not_written}: the picture is not there any more. Its giver took it back."
                )
            insert_new(
                connection,
                _decisions,
                submission=submission,
                visitor=row.visitor,
                digest=_digest(row.png),
                reason=words,
                given_at=row.given_at,
                hidden_at=now,
            )

        self._write(store)

    def show_again(self, submission: int) -> bool:
        """Hide a picture no longer, and return whether it was hidden."""
        shown = delete(_decisions).where(*_held(submission))
        return self._write(lambda connection: connection.execute(shown).rowcount > 0)

    def delete(self, submission: int) -> bool:
        """Delete a hidden picture for good, and return whether there was one. What is not hidden stays."""
        noted = update(_decisions).where(*_held(submission)).values(deleted_at=self._clock())

        def remove(connection: Connection) -> bool:
            if connection.execute(noted).rowcount == 0:
                return False
            connection.execute(delete(_submissions).where(_submissions.c.id == submission))
            return True

        return self._write(remove, "The picture was not deleted")

    def deleted_of(self, visitor: str) -> list[DeletedSubmission]:
        """Which of a visitor's pictures a curator deleted, the first one first."""
        query = select(_decisions).where(_decisions.c.visitor == visitor, _DELETED).order_by(_decisions.c.id)
        return [record(DeletedSubmission, row) for row in self._rows(query, _YOURS_NOT_READ)]

    def hidden_of(self, visitor: str) -> dict[int, str]:
        """Which of a visitor's pictures are hidden: number -> reason."""
        query = select(_decisions).where(_decisions.c.visitor == visitor, _HIDDEN)
        return {row.submission: row.reason for row in self._rows(query, _YOURS_NOT_READ)}

    def count(self) -> SubmissionCounts:
        """How many pictures there are, are hidden, and were deleted."""
        kept = select(func.count()).select_from(_submissions).scalar_subquery().label("kept")
        hidden, deleted = func.count().filter(_HIDDEN), func.count().filter(_DELETED)
        query = select(kept, hidden.label("hidden"), deleted.label("deleted")).select_from(_decisions)
        return record(SubmissionCounts, self._row(query))


def _digest(png: bytes) -> str:
    return hashlib.sha256(png).hexdigest()


def _of(visitor: str) -> Select[Any]:
    return select(_submissions).where(_submissions.c.visitor == visitor).order_by(_submissions.c.id)


def _held(submission: int) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this decision hides the picture."""
    return _decisions.c.submission == submission, _HIDDEN
