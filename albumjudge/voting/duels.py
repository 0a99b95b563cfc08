"""Duels: a cover and what it was steered to, side by side. Which of them has more of the feeling?

Which of the two hangs left is drawn once for each visitor and duel, so that a reload shows the same and a habit
of taking the left one helps neither side.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, read_png
from albumjudge.domain.verdict import JudgedCover
from albumjudge.voting import schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import (
    ClosedError,
    Votes,
    counts,
    identity_in,
    insert_new,
    is_open,
    record,
    store_covers,
    with_covers,
)

Side = Literal["before", "after"]
Chosen = Literal["before", "after", "neither"]
Picked = Literal["left", "right", "neither"]

YOUNG = 3
"""Votes below which a duel is still waiting to be judged."""
MOST_WAITING = 60
"""Duels that may wait at a time: with more, each would get too few votes to say anything."""
_NOT_PUT_UP = "The pair was not put to the vote"


@dataclass(frozen=True, eq=False)
class Duel:
    """A pair put to the vote.

    Attributes:
        emotion: the one that ``after`` was steered to have more of.
        judge: revision of the judge who led the way.
        share_before, share_after: what that judge felt of the emotion before each, 0 to 1.
        made_at: UTC.
    """

    id: int
    emotion: str
    before: Cover
    after: Cover
    judge: str
    share_before: float
    share_after: float
    made_at: datetime

    def hung(self, visitor: str) -> tuple[Cover, Cover]:
        """The two covers as this visitor sees them, left and right."""
        both = self.before, self.after
        return both if left_for(visitor, self.id) == "before" else both[::-1]


@dataclass(frozen=True)
class DuelVote:
    """A vote as the database has it: which cover has more of the emotion, and which hung left.

    The rest is as in :class:`albumjudge.voting.votes.StoredVote`.
    """

    duel: int
    emotion: str
    visitor: str
    chosen: Chosen
    left_shown: Side
    seconds_to_vote: float
    voted_at: datetime
    suspect: bool = False


def left_for(visitor: str, duel: int) -> Side:
    """Which cover of a duel hangs left for a visitor: a fair coin, tossed once for the two of them."""
    digest = hashlib.sha256(f"left of duel {duel} for {visitor}".encode()).digest()
    return "before" if digest[0] % 2 else "after"


def chosen_by(picked: Picked, left: Side) -> Chosen:
    """What a visitor chose who picked a side, given what hung left."""
    if picked == "neither":
        return "neither"
    other: Side = "after" if left == "before" else "before"
    return left if picked == "left" else other


class DuelStore(Votes[DuelVote]):
    """Stores and finds duels and the votes on them."""

    not_read = "The pairs cannot be read"
    not_written = "Your choice was not stored"
    table = schema.duel_votes

    def challenge(self, *, before: JudgedCover, after: JudgedCover, emotion: str) -> Duel:
        """Put a pair to the vote and return it after it has committed; the same pair is put up only once.

        Raises:
            ClosedError: if the exhibit takes no votes at the moment.
            VoteError: if it could not be stored, or too many pairs wait already.
            ValueError: if the two are one cover, were judged by two judges, or ``after`` has no more of it.
        """
        place = emotions.index(emotion)
        shares = [judged.verdict.probabilities[place] for judged in (before, after)]
        if before.cover.identity == after.cover.identity:
            raise ValueError("A cover cannot be held against itself.")
        if before.verdict.revision != after.verdict.revision:
            raise ValueError(f"{before.verdict.revision} and {after.verdict.revision} do not judge alike.")
        if shares[1] <= shares[0]:
            raise ValueError(f"The judge feels no more {emotion} before the second cover.")
        now = self._clock()

        def store(connection: Connection) -> Duel:
            if not is_open(connection):
                raise ClosedError(_NOT_PUT_UP)
            first, second = store_covers(connection, before.cover, after.cover)
            ids = {"before_id": first, "after_id": second, "emotion": emotion}
            this_one = _duels().where(*(schema.duels.c[name] == value for name, value in ids.items()))
            if connection.execute(this_one).first() is None:
                waiting = _votes_of_each().having(func.count(schema.duel_votes.c.id) < YOUNG)
                if len(connection.execute(waiting).all()) >= MOST_WAITING:
                    raise VoteError(
                        f"{_NOT_PUT_UP}: {MOST_WAITING} others wait for theirs. Judge a few of them, then try "
                        "again."
                    )
                insert_new(
                    connection,
                    schema.duels,
                    **ids,
                    judge=before.verdict.revision,
                    share_before=float(shares[0]),
                    share_after=float(shares[1]),
                    made_at=now,
                )
            return _duel(connection.execute(this_one).one())

        return self._write(store, _NOT_PUT_UP)

    def find(self, duel: int) -> Duel | None:
        """The duel with this number, None if there is none."""
        found = self._row(_duels().where(schema.duels.c.id == duel))
        return None if found is None else _duel(found)

    def next_for(
        self, visitor: str, *, without: Collection[int] = (), chance: random.Random | None = None
    ) -> Duel | None:
        """The duel this visitor should judge next: of those with the fewest votes, one at random.

        None if none is left of those that they have not judged, nor made (``without``).
        """
        theirs = schema.duel_votes.alias("theirs")
        judged = select(theirs.c.duel_id).where(theirs.c.visitor == visitor)
        rows = self._rows(_votes_of_each().where(schema.duels.c.id.not_in(judged)))
        left = [row for row in rows if row.id not in without]
        if not left:
            return None
        fewest = min(row.votes for row in left)
        chosen = (chance or random.SystemRandom()).choice([row.id for row in left if row.votes == fewest])
        return self.find(chosen)

    def cast(
        self, *, visitor: str, duel: int, picked: Picked, seconds_to_vote: float, suspect: bool = False
    ) -> DuelVote:
        """Store which side a visitor picked and return the vote after it has committed; the first one stays.

        Raises as :meth:`Votes._cast`, and a VoteError if there is no such duel.
        """
        if picked not in ("left", "right", "neither"):
            raise ValueError(f"{picked!r} is neither 'left' nor 'right' nor 'neither'.")
        left = left_for(visitor, duel)

        def values(connection: Connection) -> dict[str, Any]:
            if connection.scalar(select(schema.duels.c.id).where(schema.duels.c.id == duel)) is None:
                raise VoteError(f"{self.not_written}: there is no pair {duel}. Take the next one.")
            return {"duel_id": duel, "chosen": chosen_by(picked, left), "left_shown": left}

        return self._cast(
            *_of(visitor, duel),
            values=values,
            visitor=visitor,
            seconds_to_vote=seconds_to_vote,
            suspect=suspect,
        )

    def vote_of(self, visitor: str, duel: int) -> DuelVote | None:
        """What a visitor chose in a duel, None if nothing yet."""
        return self._one(*_of(visitor, duel))

    def votes(self, *, duel: int | None = None, counted: bool = True) -> list[DuelVote]:
        """All votes, or those of one duel, in the order in which they were cast; by default those that count."""
        conditions = [] if duel is None else [schema.duel_votes.c.duel_id == duel]
        if counted:
            conditions.append(counts(schema.duel_votes))
        return self._all(*conditions)

    def left_out(self) -> dict[str, int]:
        """How many votes do not count, by the curator's reason, in the order in which those were given."""
        query = (
            select(schema.exclusions.c.reason, func.count().label("votes"))
            .join(schema.duel_votes, schema.duel_votes.c.visitor == schema.exclusions.c.visitor)
            .where(schema.exclusions.c.lifted_at.is_(None))
            .group_by(schema.exclusions.c.reason)
            .order_by(func.min(schema.exclusions.c.id))
        )
        return {row.reason: row.votes for row in self._rows(query)}

    def _query(self) -> Select[Any]:
        votes, duels = schema.duel_votes, schema.duels
        columns = (votes, votes.c.duel_id.label("duel"), duels.c.emotion)
        return select(*columns).join(duels, duels.c.id == votes.c.duel_id)

    def _vote(self, row: Row[Any]) -> DuelVote:
        return record(DuelVote, row)


def _of(visitor: str, duel: int) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this is the visitor's vote in the duel."""
    return schema.duel_votes.c.visitor == visitor, schema.duel_votes.c.duel_id == duel


def _votes_of_each() -> Select[Any]:
    """SQL for the ids of all duels, each with how many votes count."""
    votes = schema.duel_votes
    return (
        select(schema.duels.c.id, func.count(votes.c.id).label("votes"))
        .select_from(schema.duels)
        .outerjoin(votes, and_(votes.c.duel_id == schema.duels.c.id, counts(votes)))
        .group_by(schema.duels.c.id)
        .order_by(schema.duels.c.id)
    )


def _duels() -> Select[Any]:
    return with_covers(
        select(schema.duels), png=True, before=schema.duels.c.before_id, after=schema.duels.c.after_id
    )


def _duel(row: Row[Any]) -> Duel:
    before, after = (
        read_png(identity_in(row, side), row._mapping[f"{side}_png"]) for side in ("before", "after")
    )
    return record(Duel, row, before=before, after=after)
