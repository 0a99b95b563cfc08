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
    Store,
    counts,
    cover_id,
    has_identity,
    insert_new,
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


class VoteStore(Store):
    """Stores and finds votes."""

    not_read = "The votes cannot be read"
    not_written = "Your vote was not stored"

    def prepare(self, *, timeout: float = database.UPGRADE_TIMEOUT) -> None:
        """Bring the schema up to date, see :func:`albumjudge.voting.database.upgrade`."""
        database.upgrade(self.engine, timeout=timeout)

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
        """Store what a visitor felt and return the vote after it has committed.

        A repeat, however it came about, changes nothing and returns the vote that is stored already: what was
        felt first was felt blind. A vote that comes faster than anyone can look, or is ``suspect`` for another
        reason, is stored, but does not count.

        Raises:
            ClosedError: if the exhibit takes no votes at the moment.
            VoteError: if the vote could not be stored. Nothing of it was kept; trying again is safe.
            ValueError: if a value is none that a page could offer.
        """
        _check_answer(judged.verdict, felt, label_shown, arm, round_id)
        identity, png = judged.cover.identity, judged.cover.png()

        def values(connection: Connection) -> dict[str, Any]:
            cover = store_cover(connection, identity, png)
            verdict = _store_verdict(connection, cover, judged.verdict)
            return {
                "cover_id": cover,
                "verdict_id": verdict,
                "felt": felt,
                "label_shown": label_shown,
                "arm": arm,
                "agrees": None,
                "round": round_id,
            }

        return self._cast(
            schema.votes,
            lambda connection: _found(connection, visitor, identity),
            values,
            visitor=visitor,
            seconds_to_vote=seconds_to_vote,
            suspect=suspect,
        )

    def answer(self, *, visitor: str, cover: CoverIdentity, agrees: bool) -> StoredVote:
        """Store whether a visitor agrees with the label shown. The first answer stays.

        Raises:
            VoteError: if this visitor has not voted on this cover, or the answer could not be stored.
        """

        def store(connection: Connection) -> StoredVote:
            connection.execute(
                update(schema.votes)
                .where(
                    schema.votes.c.visitor == visitor,
                    schema.votes.c.cover_id == cover_id(cover).scalar_subquery(),
                    schema.votes.c.agrees.is_(None),
                )
                .values(agrees=agrees)
            )
            vote = _found(connection, visitor, cover)
            if vote is None:
                raise VoteError(f"You have not voted on cover {cover.number} yet. Say first what you feel.")
            return vote

        return self._write(store, otherwise="Your answer was not stored")

    def find(self, visitor: str, cover: CoverIdentity) -> StoredVote | None:
        """The vote of a visitor on a cover."""
        return self._read(lambda connection: _found(connection, visitor, cover))

    def stored_cover(self, identity: CoverIdentity) -> tuple[bytes, Verdict] | None:
        """PNG and latest verdict of a cover that was voted on; survives any new generator or judge."""
        found = self._row(with_latest_verdict(identity))
        return None if found is None else (bytes(found.png), verdict_of(found))

    def tallies(
        self, generator_revision: str, *, without: str | None = None
    ) -> dict[CoverIdentity, dict[str, int]]:
        """How many visitors felt what before each of a generator's covers that has a vote; zeros are left out.

        Only votes that count, and none of the visitor ``without``.
        """
        query = (
            select(
                schema.covers.c.seed,
                schema.covers.c.recipe,
                schema.votes.c.felt,
                func.count().label("people"),
            )
            .join(schema.votes, schema.votes.c.cover_id == schema.covers.c.id)
            .where(schema.covers.c.generator == generator_revision, *_counted(without))
            .group_by(schema.covers.c.seed, schema.covers.c.recipe, schema.votes.c.felt)
        )
        found: dict[CoverIdentity, dict[str, int]] = {}
        for row in self._rows(query):
            cover = CoverIdentity.of(generator_revision, row.seed, row.recipe)
            found.setdefault(cover, {})[row.felt] = row.people
        return found

    def crowd(self, cover: CoverIdentity, *, without: str | None = None) -> dict[str, int]:
        """How many visitors felt what before a cover: the eight emotions and ``NOTHING``, in that order.

        Only votes that count, and none of the visitor ``without``.
        """
        query = (
            select(schema.votes.c.felt, func.count().label("people"))
            .where(schema.votes.c.cover_id == cover_id(cover).scalar_subquery(), *_counted(without))
            .group_by(schema.votes.c.felt)
        )
        people: dict[str, int] = {row.felt: row.people for row in self._rows(query)}
        return {name: people.get(name, 0) for name in (*emotions.NAMES, emotions.NOTHING)}

    def count(self) -> int:
        """Number of votes."""
        return self._read(lambda connection: connection.scalar(select(func.count(schema.votes.c.id)))) or 0

    def votes(self, *, visitor: str | None = None, round_id: str | None = None) -> list[StoredVote]:
        """All votes, or those of one visitor or of one round, in the order in which they were cast."""
        query = _joined()
        if visitor is not None:
            query = query.where(schema.votes.c.visitor == visitor)
        if round_id is not None:
            query = query.where(schema.votes.c.round == round_id)
        query = query.order_by(schema.votes.c.id)
        return [_vote(row) for row in self._rows(query)]

    def stream(self, consume: Callable[[Iterator[StoredVote]], T]) -> T:
        """Give all votes, one by one as they were cast and as they are at one moment, to ``consume``."""

        def read(connection: Connection) -> T:
            query = _joined().order_by(schema.votes.c.id)
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
            return consume(_vote(row) for row in rows)

        return self._read(read, repeat=False)


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


def _store_verdict(connection: Connection, cover: int, verdict: Verdict) -> int:
    insert_new(
        connection,
        schema.verdicts,
        cover_id=cover,
        judge=verdict.revision,
        **dict(zip(schema.PROBABILITIES, map(float, verdict.probabilities), strict=True)),
    )
    found = select(schema.verdicts.c.id).where(
        schema.verdicts.c.cover_id == cover, schema.verdicts.c.judge == verdict.revision
    )
    return int(connection.execute(found).scalar_one())


def _counted(without: str | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions for votes that count, but for those of one visitor."""
    counted = counts(schema.votes)
    return (counted,) if without is None else (counted, schema.votes.c.visitor != without)


def _joined() -> Select[Any]:
    probabilities = (schema.verdicts.c[column] for column in schema.PROBABILITIES)
    return (
        select(
            schema.votes,
            schema.covers.c.generator,
            schema.covers.c.seed,
            schema.covers.c.recipe,
            schema.verdicts.c.judge,
            *probabilities,
        )
        .join(schema.covers, schema.covers.c.id == schema.votes.c.cover_id)
        .join(schema.verdicts, schema.verdicts.c.id == schema.votes.c.verdict_id)
    )


def _found(connection: Connection, visitor: str, identity: CoverIdentity) -> StoredVote | None:
    query = _joined().where(schema.votes.c.visitor == visitor, *has_identity(identity))
    row = connection.execute(query).one_or_none()
    return None if row is None else _vote(row)


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


def _vote(row: Row[Any]) -> StoredVote:
    return StoredVote(
        visitor=row.visitor,
        cover=CoverIdentity.of(row.generator, row.seed, row.recipe),
        felt=row.felt,
        verdict=verdict_of(row),
        label_shown=row.label_shown,
        arm=row.arm,
        agrees=row.agrees,
        seconds_to_vote=row.seconds_to_vote,
        voted_at=row.voted_at,
        round=row.round,
        suspect=row.suspect,
    )
