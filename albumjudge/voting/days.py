"""The wall of the day: six covers for everyone. Its votes carry the day in the id of their round."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import ANSWERS
from albumjudge.domain.verdict import Verdict
from albumjudge.voting import schema
from albumjudge.voting.store import Store, has_identity
from albumjudge.voting.votes import felt_before, verdict_of, with_latest_verdict

_PREFIX = "wall"
_ROUND = re.compile(rf"{_PREFIX}[0-9]{{8}}[0-9a-f]{{16}}")


def day_round_id(visitor: str, day: date) -> str:
    """Id of a visitor's round on a day's wall; nobody gets from it back to the visitor."""
    digest = hashlib.sha256(f"wall of {day.isoformat()} for {visitor}".encode()).hexdigest()
    return f"{_PREFIX}{day:%Y%m%d}{digest[:16]}"


def is_day_round(round_id: str | None) -> bool:
    """Whether a round was one on the wall of a day."""
    return round_id is not None and _ROUND.fullmatch(round_id) is not None


@dataclass(frozen=True)
class DayCover:
    """A cover of a day's wall with its stored picture, the latest verdict, and who felt what (zeros left out)."""

    identity: CoverIdentity
    png: bytes
    verdict: Verdict
    felt: Mapping[str, int]

    @property
    def people(self) -> tuple[int, ...]:
        """How many visitors felt what, as ``ANSWERS``."""
        return tuple(self.felt.get(name, 0) for name in ANSWERS)


class DayStore(Store):
    """Finds what was voted on walls of days."""

    not_read = "The day's votes cannot be read"

    def painter(self, day: date) -> str | None:
        """Revision of the generator of a day's first vote: it paints that wall; None before the first vote."""
        query = (
            select(schema.covers.c.generator)
            .join(schema.votes, schema.votes.c.cover_id == schema.covers.c.id)
            .where(_cast_on(day, day))
            .order_by(schema.votes.c.id)
            .limit(1)
        )
        return self._read(lambda connection: connection.scalar(query))

    def before(self, day: date, most: int) -> tuple[date, ...]:
        """Which of the ``most`` days before a day had a vote, the latest first."""
        begun = func.substr(schema.votes.c.round, len(_PREFIX) + 1, 8).label("day")
        query = select(begun).where(_cast_on(day - timedelta(days=most), day - timedelta(days=1))).distinct()
        return tuple(sorted((date.fromisoformat(row.day) for row in self._rows(query)), reverse=True))

    def results(self, wall: Sequence[CoverIdentity]) -> tuple[DayCover, ...]:
        """The covers of a wall that have counted votes, in its order."""

        def read(connection: Connection) -> tuple[DayCover, ...]:
            found = []
            for identity in wall:
                if felt := felt_before(connection, *has_identity(identity)):
                    row = connection.execute(with_latest_verdict(identity)).one()
                    found.append(DayCover(identity, row.png, verdict_of(row), felt[identity]))
            return tuple(found)

        return self._read(read)


def _cast_on(first: date, last: date) -> ColumnElement[bool]:
    """SQL for: the vote was cast on a wall of one of these days ("g" follows all hexadecimal digits)."""
    return schema.votes.c.round.between(f"{_PREFIX}{first:%Y%m%d}", f"{_PREFIX}{last:%Y%m%d}g")
