"""Duels: a cover and what it was steered to, side by side. Which of them has more of the feeling?

The visitor does not know which one was steered. Which of the two hangs left is drawn on the server, once for each
visitor and duel, so that a reload shows the same and a habit of taking the left one helps neither side.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, and_, func, select

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, CoverIdentity, read_png
from albumjudge.domain.verdict import JudgedCover
from albumjudge.voting import schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import ClosedError, Store, check_vote, counts, insert_new, is_open, store_cover

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
        id: its number.
        emotion: of the eight, the one that ``after`` should have more of.
        before: the cover as it was.
        after: the cover that it was steered to.
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
        return (
            (self.before, self.after) if left_for(visitor, self.id) == "before" else (self.after, self.before)
        )


@dataclass(frozen=True)
class DuelVote:
    """A vote as the database has it.

    Attributes:
        duel: the duel's number.
        emotion: what was asked about.
        visitor: anonymous random id.
        chosen: the cover that has more of it, or "neither".
        left_shown: which of them hung left.
        seconds_to_vote: from the pair's appearance to the choice.
        voted_at: UTC.
    """

    duel: int
    emotion: str
    visitor: str
    chosen: Chosen
    left_shown: Side
    seconds_to_vote: float
    voted_at: datetime


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


class DuelStore(Store):
    """Stores and finds duels."""

    not_read = "The pairs cannot be read"
    not_written = "Your choice was not stored"

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

        def store(connection: Connection) -> Duel | None:
            if not is_open(connection):
                raise ClosedError(_NOT_PUT_UP)
            kept: dict[str, int] = {}
            # In one order for all, so that two transactions never wait for each other in a circle.
            for judged in sorted((before, after), key=lambda judged: str(judged.cover.identity)):
                identity = judged.cover.identity
                kept[str(identity)] = store_cover(connection, identity, judged.cover.png())
            ids = {
                "before_id": kept[str(before.cover.identity)],
                "after_id": kept[str(after.cover.identity)],
                "emotion": emotion,
            }
            this_one = _duels().where(*(schema.duels.c[name] == value for name, value in ids.items()))
            if connection.execute(this_one).first() is None:
                if _waiting(connection) >= MOST_WAITING:
                    return None
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

        duel = self._write(store, _NOT_PUT_UP)
        if duel is None:
            raise VoteError(
                f"{_NOT_PUT_UP}: {MOST_WAITING} others wait for theirs. Judge a few of them, then try again."
            )
        return duel

    def find(self, duel: int) -> Duel | None:
        """The duel with this number, None if there is none."""
        query = _duels().where(schema.duels.c.id == duel)
        found = self._row(query)
        return None if found is None else _duel(found)

    def next_for(
        self, visitor: str, *, without: Collection[int] = (), chance: random.Random | None = None
    ) -> Duel | None:
        """The duel this visitor should judge next: of those with the fewest votes, one at random.

        Args:
            visitor: duels that they have judged are left out.
            without: numbers of further duels to leave out: whoever made a pair knows which is which.
            chance: source of randomness.

        Returns:
            None if none is left.
        """
        votes, theirs = schema.duel_votes, schema.duel_votes.alias("theirs")
        query = (
            select(schema.duels.c.id, func.count(votes.c.id).label("votes"))
            .select_from(schema.duels)
            .outerjoin(votes, and_(votes.c.duel_id == schema.duels.c.id, counts(votes.c.visitor)))
            .where(
                ~select(theirs.c.id)
                .where(theirs.c.duel_id == schema.duels.c.id, theirs.c.visitor == visitor)
                .exists()
            )
            .group_by(schema.duels.c.id)
            .order_by(schema.duels.c.id)
        )
        rows = self._rows(query)
        left = [row for row in rows if row.id not in without]
        if not left:
            return None
        fewest = min(row.votes for row in left)
        return self.find(
            (chance or random.SystemRandom()).choice([row.id for row in left if row.votes == fewest])
        )

    def cast(self, *, visitor: str, duel: int, picked: Picked, seconds_to_vote: float) -> DuelVote:
        """Store which side a visitor picked and return the vote after it has committed; the first one stays.

        Raises:
            ClosedError: if the exhibit takes no votes at the moment.
            VoteError: if it could not be stored, or there is no such duel. Trying again is safe.
            ValueError: if a value is none that a page could offer.
        """
        check_vote(visitor, seconds_to_vote)
        if picked not in ("left", "right", "neither"):
            raise ValueError(f"{picked!r} is neither 'left' nor 'right' nor 'neither'.")
        left, now = left_for(visitor, duel), self._clock()

        def store(connection: Connection) -> DuelVote | None:
            known = connection.scalar(select(schema.duels.c.id).where(schema.duels.c.id == duel))
            if known is None:
                return None
            if not is_open(connection):
                before = connection.execute(_votes(visitor=visitor, duel=duel)).one_or_none()
                if before is None:
                    raise ClosedError(self.not_written)
                return _vote(before)
            insert_new(connection, schema.visitors, id=visitor, first_vote_at=now)
            insert_new(
                connection,
                schema.duel_votes,
                duel_id=duel,
                visitor=visitor,
                chosen=chosen_by(picked, left),
                left_shown=left,
                seconds_to_vote=float(seconds_to_vote),
                voted_at=now,
            )
            return _vote(connection.execute(_votes(visitor=visitor, duel=duel)).one())

        vote = self._write(store)
        if vote is None:
            raise VoteError(f"{self.not_written}: there is no pair {duel}. Take the next one.")
        return vote

    def vote_of(self, visitor: str, duel: int) -> DuelVote | None:
        """What a visitor chose in a duel, None if nothing yet."""
        query = _votes(visitor=visitor, duel=duel)
        found = self._row(query)
        return None if found is None else _vote(found)

    def votes(self, *, duel: int | None = None, counted: bool = True) -> list[DuelVote]:
        """All votes, or those of one duel, in the order in which they were cast.

        Args:
            duel: its number.
            counted: only those that count: not those of visitors whom a curator leaves out.
        """
        query = _votes(duel=duel)
        if counted:
            query = query.where(counts(schema.duel_votes.c.visitor))
        return [_vote(row) for row in self._rows(query)]

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


def _waiting(connection: Connection) -> int:
    """How many duels have fewer than ``YOUNG`` votes that count."""
    votes = schema.duel_votes
    young = (
        select(schema.duels.c.id)
        .outerjoin(votes, and_(votes.c.duel_id == schema.duels.c.id, counts(votes.c.visitor)))
        .group_by(schema.duels.c.id)
        .having(func.count(votes.c.id) < YOUNG)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(young)) or 0


def _duels() -> Select[Any]:
    before, after = schema.covers.alias("before"), schema.covers.alias("after")
    return (
        select(
            schema.duels,
            *(
                cover.c[column].label(f"{name}_{column}")
                for name, cover in (("before", before), ("after", after))
                for column in ("generator", "seed", "recipe", "png")
            ),
        )
        .join(before, before.c.id == schema.duels.c.before_id)
        .join(after, after.c.id == schema.duels.c.after_id)
    )


def _votes(*, visitor: str | None = None, duel: int | None = None) -> Select[Any]:
    query = (
        select(schema.duel_votes, schema.duels.c.emotion)
        .join(schema.duels, schema.duels.c.id == schema.duel_votes.c.duel_id)
        .order_by(schema.duel_votes.c.id)
    )
    if visitor is not None:
        query = query.where(schema.duel_votes.c.visitor == visitor)
    if duel is not None:
        query = query.where(schema.duel_votes.c.duel_id == duel)
    return query


def _duel(row: Row[Any]) -> Duel:
    def cover(name: Side) -> Cover:
        generator, seed, recipe, png = (
            row._mapping[f"{name}_{column}"] for column in ("generator", "seed", "recipe", "png")
        )
        return read_png(CoverIdentity.of(generator, seed, recipe), bytes(png))

    return Duel(
        row.id,
        row.emotion,
        cover("before"),
        cover("after"),
        row.judge,
        row.share_before,
        row.share_after,
        row.made_at,
    )


def _vote(row: Row[Any]) -> DuelVote:
    return DuelVote(
        row.duel_id,
        row.emotion,
        row.visitor,
        row.chosen,
        row.left_shown,
        row.seconds_to_vote,
        row.voted_at,
    )
