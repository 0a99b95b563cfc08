"""Votes: what visitors felt, stored once per visitor and cover."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.voting import database, schema
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import (
    Votes,
    counts,
    cover_id,
    has_identity,
    identity_in,
    insert_new,
    record,
    store_cover,
)

T = TypeVar("T")
Arm = Literal["judge", "placebo"]
ARMS: tuple[Arm, ...] = get_args(Arm)

ROUND = re.compile(r"[A-Za-z0-9]{8,32}")
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class StoredVote:
    """A vote as the database has it.

    Attributes:
        visitor: anonymous random id.
        felt: one of the eight emotions or ``NOTHING``; chosen before the verdict was shown.
        verdict: the judge's, as on record when the vote was cast.
        label_shown: the judge's own in the arm "judge", drawn at random in the arm "placebo".
        agrees: whether the visitor agreed with it; None before the answer.
        seconds_to_vote: from the cover's appearance to the choice.
        voted_at: UTC.
        round: id of the round in which it was cast; None outside of one.
        suspect: whether it came too fast after others, so that it does not count.
    """

    visitor: str
    cover: CoverIdentity
    felt: str
    verdict: Verdict
    label_shown: str
    arm: Arm
    agrees: bool | None
    seconds_to_vote: float
    voted_at: datetime
    round: str | None = None
    suspect: bool = False


class VoteStore(Votes[StoredVote]):
    """Stores and finds votes."""

    not_read = "The votes cannot be read"
    not_written = "Your vote was not stored"
    table = schema.votes

    def prepare(self) -> None:
        """Bring the schema up to date, see :func:`albumjudge.voting.database.upgrade`."""
        database.upgrade(self.engine)

    def cast(
        self,
        *,
        visitor: str,
        judged: JudgedCover,
        felt: str,
        label_shown: str,
        arm: Arm = "judge",
        seconds_to_vote: float,
        round_id: str | None = None,
        suspect: bool = False,
    ) -> StoredVote:
        """Store what a visitor felt and return the vote after it has committed, see :meth:`Votes._cast`.

        A repeat, however it came about, changes nothing and returns the vote that is stored already: what was
        felt first was felt blind.
        """
        _check_answer(judged.verdict, felt, label_shown, arm, round_id)

        def values(connection: Connection) -> dict[str, Any]:
            cover = store_cover(connection, judged.cover)
            return {
                "cover_id": cover,
                "verdict_id": _store_verdict(connection, cover, judged.verdict),
                "felt": felt,
                "label_shown": label_shown,
                "arm": arm,
                "round": round_id,
            }

        return self._cast(
            *_of(visitor, judged.cover.identity),
            values=values,
            visitor=visitor,
            seconds_to_vote=seconds_to_vote,
            suspect=suspect,
        )

    def answer(self, *, visitor: str, cover: CoverIdentity, agrees: bool) -> StoredVote:
        """Store whether a visitor agrees with the label shown. The first answer stays.

        Raises:
            VoteError: if this visitor has not voted on this cover, or the answer could not be stored.
        """
        unanswered = (
            schema.votes.c.visitor == visitor,
            schema.votes.c.cover_id == cover_id(cover).scalar_subquery(),
            schema.votes.c.agrees.is_(None),
        )

        def store(connection: Connection) -> StoredVote:
            connection.execute(update(schema.votes).where(*unanswered).values(agrees=agrees))
            vote = self._found(connection, *_of(visitor, cover))
            if vote is None:
                raise VoteError(f"You have not voted on cover {cover.number} yet. Say first what you feel.")
            return vote

        return self._write(store, otherwise="Your answer was not stored")

    def find(self, visitor: str, cover: CoverIdentity) -> StoredVote | None:
        """The vote of a visitor on a cover."""
        return self._one(*_of(visitor, cover))

    def stored_cover(self, identity: CoverIdentity) -> tuple[bytes, Verdict] | None:
        """PNG and latest verdict of a cover that was voted on; survives any new generator or judge."""
        found = self._row(with_latest_verdict(identity))
        return None if found is None else (found.png, verdict_of(found))

    def tallies(
        self, generator_revision: str, *, without: str | None = None
    ) -> dict[CoverIdentity, dict[str, int]]:
        """How many visitors felt what before each of a generator's covers that has a vote; zeros are left out.

        Only votes that count, and none of the visitor ``without``.
        """
        painted = schema.covers.c.generator == generator_revision
        return self._read(lambda connection: felt_before(connection, painted, without=without))

    def crowd(self, cover: CoverIdentity, *, without: str | None = None) -> dict[str, int]:
        """As :meth:`tallies` for one cover, zeros included: the eight emotions and ``NOTHING``, in that order."""
        felt = self._read(lambda connection: felt_before(connection, *has_identity(cover), without=without))
        return {name: felt.get(cover, {}).get(name, 0) for name in emotions.ANSWERS}

    def count(self) -> int:
        """Number of votes."""
        return self._read(lambda connection: connection.scalar(select(func.count(schema.votes.c.id)))) or 0

    def votes(self, *, visitor: str | None = None, round_id: str | None = None) -> list[StoredVote]:
        """All votes, or those of one visitor or of one round, in the order in which they were cast."""
        asked = {"visitor": visitor, "round": round_id}
        return self._all(*(schema.votes.c[name] == one for name, one in asked.items() if one is not None))

    def stream(self, consume: Callable[[Iterator[StoredVote]], T]) -> T:
        """Give all votes, one by one as they were cast and as they are at one moment, to ``consume``."""

        def read(connection: Connection) -> T:
            query = self._query().order_by(schema.votes.c.id)
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
            return consume(map(self._vote, rows))

        return self._read(read, repeat=False)

    def _query(self) -> Select[Any]:
        covers, verdicts = schema.covers, schema.verdicts
        probabilities = (verdicts.c[column] for column in schema.PROBABILITIES)
        return (
            select(
                schema.votes,
                covers.c.generator,
                covers.c.seed,
                covers.c.recipe,
                verdicts.c.judge,
                *probabilities,
            )
            .join(covers, covers.c.id == schema.votes.c.cover_id)
            .join(verdicts, verdicts.c.id == schema.votes.c.verdict_id)
        )

    def _vote(self, row: Row[Any]) -> StoredVote:
        return record(StoredVote, row, cover=identity_in(row), verdict=verdict_of(row))


def _check_answer(verdict: Verdict, felt: str, label_shown: str, arm: Arm, round_id: str | None) -> None:
    if felt != emotions.NOTHING:
        emotions.index(felt)
    emotions.index(label_shown)
    if arm not in ARMS:
        raise ValueError(f"{arm!r} is neither 'judge' nor 'placebo'.")
    if arm == "judge" and label_shown != verdict.top:
        raise ValueError(
            f"The judge says {verdict.top}; showing {label_shown} as its verdict is the arm 'placebo'."
        )
    if round_id is not None and not ROUND.fullmatch(round_id):
        raise ValueError(f"{round_id!r} is no round's id: 8 to 32 letters and digits.")


def _of(visitor: str, cover: CoverIdentity) -> tuple[ColumnElement[bool], ...]:
    """SQL for: this is the visitor's vote on the cover."""
    return (schema.votes.c.visitor == visitor, *has_identity(cover))


def _store_verdict(connection: Connection, cover: int, verdict: Verdict) -> int:
    verdicts = schema.verdicts
    shares = dict(zip(schema.PROBABILITIES, map(float, verdict.probabilities), strict=True))
    insert_new(connection, verdicts, cover_id=cover, judge=verdict.revision, **shares)
    query = select(verdicts.c.id).where(verdicts.c.cover_id == cover, verdicts.c.judge == verdict.revision)
    return int(connection.execute(query).scalar_one())


def felt_before(
    connection: Connection, *covers: ColumnElement[bool], without: str | None = None
) -> dict[CoverIdentity, dict[str, int]]:
    """How many visitors felt what before each of some covers, see :meth:`VoteStore.tallies`."""
    cover, votes = schema.covers.c, schema.votes
    by = (cover.generator, cover.seed, cover.recipe, votes.c.felt)
    query = (
        select(*by, func.count().label("people"))
        .join(votes, votes.c.cover_id == cover.id)
        .where(*covers, counts(votes))
        .group_by(*by)
    )
    if without is not None:
        query = query.where(votes.c.visitor != without)
    found: dict[CoverIdentity, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(identity_in(row), {})[row.felt] = row.people
    return found


def with_latest_verdict(identity: CoverIdentity) -> Select[Any]:
    """SQL for a cover's PNG and the latest verdict on it."""
    return (
        select(schema.covers.c.png, schema.verdicts)
        .join(schema.verdicts, schema.verdicts.c.cover_id == schema.covers.c.id)
        .where(*has_identity(identity))
        .order_by(schema.verdicts.c.id.desc())
        .limit(1)
    )


def verdict_of(row: Row[Any]) -> Verdict:
    """The verdict in a row of ``verdicts``."""
    return Verdict(tuple(row._mapping[column] for column in schema.PROBABILITIES), row.judge)
