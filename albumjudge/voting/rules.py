"""What a curator decided, as those ask who take votes and count them: is it open, and who counts?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from albumjudge.voting import schema
from albumjudge.voting.database import VoteError


class ClosedError(VoteError):
    """The exhibit takes no votes at the moment; the message is a sentence."""

    def __init__(self, lost: str) -> None:
        super().__init__(f"{lost}: the exhibit is closed at the moment and takes no votes.")


def is_open(connection: Connection) -> bool:
    """Whether votes are taken: a period lasts, or there has never been one."""
    lasting = func.count().filter(schema.periods.c.closed_at.is_(None))
    query = select(func.count().label("every"), lasting.label("lasting")).select_from(schema.periods)
    row = connection.execute(query).one()
    return bool(row.lasting or not row.every)


def counts(visitor: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL for: the curator does not leave out the visitor in this column."""
    return visitor.not_in(select(schema.exclusions.c.visitor).where(schema.exclusions.c.lifted_at.is_(None)))
