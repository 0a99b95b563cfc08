"""The ballot box: what visitors felt, kept once per visitor and cover.

Export the votes, from the exhibit's own database or another one:

    python -m albumjudge.voting.votes export votes.csv --dictionary votes.md
    python -m albumjudge.voting.votes export votes.csv --database-url sqlite:///data/votes.db
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar, get_args

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.domain.verdict import Verdict
from albumjudge.export.tables import DATA_DICTIONARY, dictionary_as_markdown, write_csv
from albumjudge.voting import database, rules, schema
from albumjudge.voting.database import PATIENCE, VoteError, configure, engine_options, open_engine
from albumjudge.voting.rules import ClosedError

if TYPE_CHECKING:
    from albumjudge.inference.exhibit import JudgedCover

__all__ = [
    "ARMS",
    "DATA_DICTIONARY",
    "Arm",
    "StoredVote",
    "VoteError",
    "VoteStore",
    "configure",
    "engine_options",
    "open_engine",
]

T = TypeVar("T")
Arm = Literal["judge", "placebo"]
ARMS: tuple[Arm, ...] = get_args(Arm)

VISITOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
ROUND = re.compile(r"[A-Za-z0-9]{8,32}")
_ROWS_AT_ONCE = 1_000
_NOT_STORED = "Your vote was not stored"
_NOT_READ = "The votes cannot be read"


@dataclass(frozen=True)
class StoredVote:
    """A vote as the database has it.

    Attributes:
        visitor: anonymous random id.
        cover: what was voted on.
        felt: one of the eight emotions or ``NOTHING``; chosen before the verdict was shown.
        verdict: the judge's, as on record when the vote was cast.
        label_shown: the emotion that was shown to the visitor as the machine's.
        arm: "judge" if that was the judge's own, "placebo" if it was drawn at random.
        agrees: whether the visitor agreed with it; None before the answer.
        seconds_to_vote: from the cover's appearance to the choice.
        voted_at: UTC.
        round: id of the round in which it was cast; None outside of one.
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


class VoteStore:
    """Stores and finds votes. Threads and processes may share a database, and threads a ballot box.

    Args:
        engine: from :func:`open_engine`, or ``st.connection(..., **engine_options(url)).engine``.
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

    @property
    def engine(self) -> Engine:
        """The database itself, for what of it is not the ballot box's business."""
        return self._engine

    def prepare(self, *, patience: float = database.UPGRADE_PATIENCE) -> None:
        """Bring the database's schema up to date; safe when several processes start at once.

        Raises:
            VoteError: if the database cannot be opened or upgraded.
        """
        database.upgrade(self._engine, patience=patience)

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
    ) -> StoredVote:
        """Store what a visitor felt and return the vote after it has committed.

        A repeat, however it came about, changes nothing and returns the vote that is stored already: what was
        felt first was felt blind.

        Raises:
            ClosedError: if the exhibit takes no votes at the moment.
            VoteError: if the vote could not be stored. Nothing of it was kept; trying again is safe.
            ValueError: if a value is none that a page could offer.
        """
        verdict = judged.verdict
        if not VISITOR.fullmatch(visitor):
            raise ValueError(f"{visitor!r} is no visitor's id: 1 to 64 letters, digits, '_' and '-'.")
        if felt != emotions.NOTHING:
            emotions.index(felt)
        emotions.index(label_shown)
        if arm not in ARMS:
            raise ValueError(f"{arm!r} is neither 'judge' nor 'placebo'.")
        if arm == "judge" and label_shown != verdict.top:
            raise ValueError(
                f"The judge says {verdict.top}; showing {label_shown} as its verdict is the arm 'placebo'."
            )
        if not (math.isfinite(seconds_to_vote) and 0 <= seconds_to_vote <= schema.LONGEST_VOTE):
            raise ValueError(f"{seconds_to_vote} is no time to vote in seconds.")
        if round_id is not None and not ROUND.fullmatch(round_id):
            raise ValueError(f"{round_id!r} is no round's id: 8 to 32 letters and digits.")
        identity, png, now = judged.cover.identity, judged.cover.png(), self._clock()

        def store(connection: Connection) -> StoredVote:
            # Asked here and not on the page alone: a ballot may hang there when the exhibit has closed.
            if not rules.is_open(connection):
                before = connection.execute(_of(visitor, identity)).one_or_none()
                if before is None:
                    raise ClosedError(_NOT_STORED)
                return _vote(before)
            # Always in this order, so that two transactions never wait for each other in a circle.
            insert_new(connection, schema.visitors, id=visitor, first_vote_at=now)
            cover_id = store_cover(connection, identity, png)
            insert_new(
                connection,
                schema.verdicts,
                cover_id=cover_id,
                judge=verdict.revision,
                **dict(zip(schema.PROBABILITIES, map(float, verdict.probabilities), strict=True)),
            )
            verdict_id = connection.scalar(
                select(schema.verdicts.c.id).where(
                    schema.verdicts.c.cover_id == cover_id, schema.verdicts.c.judge == verdict.revision
                )
            )
            insert_new(
                connection,
                schema.votes,
                visitor=visitor,
                cover_id=cover_id,
                verdict_id=verdict_id,
                felt=felt,
                label_shown=label_shown,
                arm=arm,
                agrees=None,
                seconds_to_vote=float(seconds_to_vote),
                voted_at=now,
                round=round_id,
            )
            return _vote(connection.execute(_of(visitor, identity)).one())

        return self._write(store)

    def answer(self, *, visitor: str, cover: CoverIdentity, agrees: bool) -> StoredVote:
        """Store whether a visitor agrees with the label shown. The first answer stays.

        Raises:
            VoteError: if this visitor has not voted on this cover, or the answer could not be stored.
        """

        def store(connection: Connection) -> StoredVote | None:
            connection.execute(
                update(schema.votes)
                .where(
                    schema.votes.c.visitor == visitor,
                    schema.votes.c.cover_id == _cover_id(cover).scalar_subquery(),
                    schema.votes.c.agrees.is_(None),
                )
                .values(agrees=agrees)
            )
            found = connection.execute(_of(visitor, cover)).one_or_none()
            return None if found is None else _vote(found)

        vote = self._write(store, otherwise="Your answer was not stored")
        if vote is None:
            raise VoteError(f"You have not voted on cover {cover.number} yet. Say first what you feel.")
        return vote

    def find(self, visitor: str, cover: CoverIdentity) -> StoredVote | None:
        """The vote of a visitor on a cover.

        Raises:
            VoteError: if the database cannot be read; so do all methods below.
        """
        found = self._read(lambda connection: connection.execute(_of(visitor, cover)).one_or_none())
        return None if found is None else _vote(found)

    def stored_cover(self, identity: CoverIdentity) -> tuple[bytes, Verdict] | None:
        """PNG and latest verdict of a cover that was voted on; survives any new generator or judge."""
        query = (
            select(schema.covers.c.png, schema.verdicts)
            .join(schema.verdicts, schema.verdicts.c.cover_id == schema.covers.c.id)
            .where(*_is(identity))
            .order_by(schema.verdicts.c.id.desc())
            .limit(1)
        )
        found = self._read(lambda connection: connection.execute(query).one_or_none())
        return None if found is None else (bytes(found.png), _verdict(found))

    def tallies(
        self, generator_revision: str, *, without: str | None = None
    ) -> dict[CoverIdentity, dict[str, int]]:
        """How many visitors felt what before each of a generator's covers that has a vote; zeros are left out.

        Visitors whom a curator leaves out do not count.

        Args:
            generator_revision: who painted the covers.
            without: a visitor who does not count either.
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
        for row in self._read(lambda connection: connection.execute(query).all()):
            cover = CoverIdentity.of(generator_revision, row.seed, row.recipe)
            found.setdefault(cover, {})[row.felt] = row.people
        return found

    def anchors(self, generator_revision: str) -> tuple[CoverIdentity, ...]:
        """The covers of a generator that a curator wants everyone to be asked about, in the order of choice."""
        query = (
            select(schema.anchors.c.seed, schema.anchors.c.recipe)
            .where(schema.anchors.c.generator == generator_revision)
            .order_by(schema.anchors.c.id)
        )
        rows = self._read(lambda connection: connection.execute(query).all())
        return tuple(CoverIdentity.of(generator_revision, row.seed, row.recipe) for row in rows)

    def crowd(self, cover: CoverIdentity, *, without: str | None = None) -> dict[str, int]:
        """How many visitors felt what before a cover: the eight emotions and ``NOTHING``, in that order.

        Visitors whom a curator leaves out do not count.

        Args:
            cover: which.
            without: a visitor who does not count either.
        """
        query = (
            select(schema.votes.c.felt, func.count().label("people"))
            .where(schema.votes.c.cover_id == _cover_id(cover).scalar_subquery(), *_counted(without))
            .group_by(schema.votes.c.felt)
        )
        people: dict[str, int] = {
            row.felt: row.people for row in self._read(lambda connection: connection.execute(query).all())
        }
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
        return [_vote(row) for row in self._read(lambda connection: connection.execute(query).all())]

    def export_csv(self, file: TextIO) -> int:
        """Write all votes as CSV (columns: ``DATA_DICTIONARY``) and return how many, one moment's state."""

        def stream(connection: Connection) -> int:
            query = _joined().order_by(schema.votes.c.id)
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
            return write_csv((_vote(row) for row in rows), file)

        return self._read(stream, repeat=False)

    def _write(self, work: Callable[[Connection], T], otherwise: str = _NOT_STORED) -> T:
        return database.transact(
            self._engine, work, otherwise=otherwise, writes=True, patience=self._patience
        )

    def _read(self, work: Callable[[Connection], T], *, repeat: bool = True) -> T:
        return database.transact(
            self._engine, work, otherwise=_NOT_READ, writes=False, patience=self._patience, repeat=repeat
        )


def insert_new(connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row unless one with the same key is there, or is just being inserted by someone else."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).values(**values).on_conflict_do_nothing())


def _is(identity: CoverIdentity) -> tuple[ColumnElement[bool], ...]:
    return (
        schema.covers.c.generator == identity.generator,
        schema.covers.c.seed == identity.seed,
        schema.covers.c.recipe == identity.recipe,
    )


def _counted(without: str | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions for votes that count, but for those of one visitor."""
    counted = rules.counts(schema.votes.c.visitor)
    return (counted,) if without is None else (counted, schema.votes.c.visitor != without)


def _cover_id(identity: CoverIdentity) -> Select[int]:
    return select(schema.covers.c.id).where(*_is(identity))


def store_cover(connection: Connection, identity: CoverIdentity, png: bytes) -> int:
    """Keep a cover, unless it is kept already, and return its row's id."""
    insert_new(
        connection,
        schema.covers,
        generator=identity.generator,
        seed=identity.seed,
        recipe=identity.recipe,
        png=png,
    )
    return connection.execute(_cover_id(identity)).scalar_one()


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


def _of(visitor: str, identity: CoverIdentity) -> Select[Any]:
    return _joined().where(schema.votes.c.visitor == visitor, *_is(identity))


def _verdict(row: Row[Any]) -> Verdict:
    return Verdict(tuple(row._mapping[column] for column in schema.PROBABILITIES), row.judge)


def _vote(row: Row[Any]) -> StoredVote:
    return StoredVote(
        visitor=row.visitor,
        cover=CoverIdentity.of(row.generator, row.seed, row.recipe),
        felt=row.felt,
        verdict=_verdict(row),
        label_shown=row.label_shown,
        arm=row.arm,
        agrees=row.agrees,
        seconds_to_vote=row.seconds_to_vote,
        voted_at=row.voted_at,
        round=row.round,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 after a sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m albumjudge.voting.votes", description="What visitors voted."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    export = commands.add_parser("export", help="write all votes as CSV, one line per vote")
    export.add_argument("file", type=Path, help="CSV file to write; replaced if it exists")
    export.add_argument("--dictionary", type=Path, metavar="FILE.md", help="write what the columns mean, too")
    export.add_argument("--database-url", metavar="URL", help="instead of the exhibit's own database")
    options = parser.parse_args(arguments)
    try:
        count = _export(options.file, options.dictionary, options.database_url)
    except (VoteError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written ({error.strerror}). Name another file.", file=sys.stderr)
        return 1
    print(f"{options.file}: {count} {'vote' if count == 1 else 'votes'}.")
    return 0


def _export(file: Path, dictionary: Path | None, database_url: str | None) -> int:
    environ = {**os.environ, "ALBUMJUDGE_DATABASE_URL": database_url} if database_url else os.environ
    url = Settings.from_environment(environ).database_url
    engine = open_engine(url)
    where = engine.url.database
    if engine.dialect.name == "sqlite" and (not where or not Path(where).is_file()):
        raise VoteError(
            f"There is no database {where}, so there are no votes yet. See --database-url for another."
        )
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as lines:
            count = VoteStore(engine).export_csv(lines)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
        engine.dispose()
    if dictionary is not None:
        dictionary.write_text(dictionary_as_markdown(), encoding="utf-8")
    return count


if __name__ == "__main__":
    sys.exit(main())
