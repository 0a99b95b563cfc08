"""What people felt on one day before one wall, such as yesterday's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import Verdict
from albumjudge.voting import schema
from albumjudge.voting.store import Store, counts, has_identity
from albumjudge.voting.votes import verdict_of, with_latest_verdict


@dataclass(frozen=True)
class DayCover:
    """A cover of a day's wall with its latest verdict, and how many visitors felt what, zeros left out."""

    identity: CoverIdentity
    png: bytes
    verdict: Verdict
    felt: Mapping[str, int]


class DayStore(Store):
    """Finds a day's votes."""

    not_read = "The day's votes cannot be read"
    not_written = not_read

    def results(self, wall: Sequence[CoverIdentity], begin: datetime, end: datetime) -> tuple[DayCover, ...]:
        """The covers of a wall that have counted votes, cast from ``begin`` until ``end``, in its order."""
        votes, covers = schema.votes, schema.covers

        def read(connection: Connection) -> tuple[DayCover, ...]:
            found = []
            for identity in wall:
                felt = connection.execute(
                    select(votes.c.felt, func.count().label("people"))
                    .join(covers, covers.c.id == votes.c.cover_id)
                    .where(
                        *has_identity(identity),
                        counts(votes),
                        votes.c.voted_at >= begin,
                        votes.c.voted_at < end,
                    )
                    .group_by(votes.c.felt)
                ).all()
                if not felt:
                    continue
                row = connection.execute(with_latest_verdict(identity)).one()
                people = {one.felt: one.people for one in felt}
                found.append(DayCover(identity, bytes(row.png), verdict_of(row), people))
            return tuple(found)

        return self._read(read)
