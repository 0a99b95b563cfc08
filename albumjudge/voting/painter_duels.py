"""Painters' duels: two covers by two painters, whose names are hidden. Which would you rather hang?"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.seeds import ballot_pool
from albumjudge.voting import schema
from albumjudge.voting.store import Votes, counts, cover_id, identity_in, record, store_covers, with_covers

Picked = Literal["left", "right", "tie"]
Pair = tuple[CoverIdentity, CoverIdentity]
"""Two covers, as they hang: left and right."""


@dataclass(frozen=True)
class PainterVote:
    """A vote as the database has it: two covers as they hung, and what the visitor would rather hang.

    The rest is as in :class:`albumjudge.voting.votes.StoredVote`.
    """

    visitor: str
    left: CoverIdentity
    right: CoverIdentity
    picked: Picked
    seconds_to_vote: float
    voted_at: datetime
    suspect: bool = False


def pair_for(visitor: str, painters: Sequence[str], seen: Collection[frozenset[CoverIdentity]]) -> Pair:
    """The pair that a visitor is asked about next: two painters, a cover of each, and the sides drawn at random.

    Pairs that the visitor has voted on are ``seen``; until then a reload shows the same.

    Raises:
        ValueError: if there are fewer than two painters.
    """
    if len(set(painters)) < 2:
        raise ValueError("A painters' duel takes two painters.")
    number = len(seen)
    while True:
        digest = hashlib.sha256(f"painters' duel {number} of {visitor}".encode()).digest()
        chance = random.Random(digest)
        left, right = (
            CoverIdentity(painter, chance.choice(ballot_pool(painter)))
            for painter in chance.sample(sorted(set(painters)), 2)
        )
        if frozenset((left, right)) not in seen:
            return left, right
        number += 1


class PainterDuelStore(Votes[PainterVote]):
    """Stores and finds votes in painters' duels."""

    not_read = "The votes on painters cannot be read"
    not_written = "Your choice was not stored"
    table = schema.painter_votes

    def cast(
        self,
        *,
        visitor: str,
        left: Cover,
        right: Cover,
        picked: Picked,
        seconds_to_vote: float,
        suspect: bool = False,
    ) -> PainterVote:
        """Store which side a visitor picked and return the vote after it has committed, see :meth:`Votes._cast`.

        The first choice on a pair stays, however the two hang the next time.
        """
        if picked not in ("left", "right", "tie"):
            raise ValueError(f"{picked!r} is neither 'left' nor 'right' nor 'tie'.")
        if left.identity.generator == right.identity.generator:
            raise ValueError("Both covers are by the same painter.")

        def values(connection: Connection) -> dict[str, Any]:
            ids = store_covers(connection, left, right)
            shown = ("first", "second") if ids[0] < ids[1] else ("second", "first")
            return {
                "first_id": min(ids),
                "second_id": max(ids),
                "chosen": dict(zip(("left", "right", "tie"), (*shown, "tie"), strict=True))[picked],
                "left_shown": shown[0],
            }

        return self._cast(
            *_of(visitor, left.identity, right.identity),
            values=values,
            visitor=visitor,
            seconds_to_vote=seconds_to_vote,
            suspect=suspect,
        )

    def find(self, visitor: str, one: CoverIdentity, other: CoverIdentity) -> PainterVote | None:
        """What a visitor picked of two covers, in whichever order they are named; None if nothing yet."""
        return self._one(*_of(visitor, one, other))

    def votes(self, *, visitor: str | None = None, counted: bool = True) -> list[PainterVote]:
        """All votes, or those of one visitor, in the order in which they were cast; by default what counts."""
        conditions = [] if visitor is None else [schema.painter_votes.c.visitor == visitor]
        if counted:
            conditions.append(counts(schema.painter_votes))
        return self._all(*conditions)

    def next_for(self, visitor: str, painters: Sequence[str]) -> Pair:
        """The pair that a visitor is asked about next, as :func:`pair_for`."""
        seen = {frozenset((vote.left, vote.right)) for vote in self.votes(visitor=visitor, counted=False)}
        return pair_for(visitor, painters, seen)

    def _query(self) -> Select[Any]:
        return with_covers(select(self.table), first=self.table.c.first_id, second=self.table.c.second_id)

    def _vote(self, row: Row[Any]) -> PainterVote:
        left, right = (identity_in(row, side) for side in ("first", "second"))
        if row.left_shown == "second":
            left, right = right, left
        picked = "tie" if row.chosen == "tie" else "left" if row.chosen == row.left_shown else "right"
        return record(PainterVote, row, left=left, right=right, picked=picked)


def _of(visitor: str, *pair: CoverIdentity) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this is the visitor's vote on the pair, in whichever order it is named."""
    votes, ids = schema.painter_votes.c, [cover_id(identity).scalar_subquery() for identity in pair]
    return votes.visitor == visitor, votes.first_id.in_(ids), votes.second_id.in_(ids)
