"""Judged covers and votes made up for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from alembic import command
from sqlalchemy import Connection, Engine, Table, event, func, select

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.voting import database, schema
from albumjudge.voting.votes import StoredVote, VoteStore

T = TypeVar("T")
R = TypeVar("R")
GENERATOR = "dcgan-test-0123abcd"
OTHER = "flow-test-89abcdef"
JUDGE = "vgg16-test-89abcdef"


def identity(seed: int = 7, generator: str = GENERATOR) -> CoverIdentity:
    """A cover's identity."""
    return CoverIdentity(generator, seed)


def verdict(top: str = "awe", revision: str = JUDGE) -> Verdict:
    """Half of the probability on one emotion, the rest on the others alike."""
    return Verdict(tuple(0.5 if name == top else 0.5 / 7 for name in emotions.NAMES), revision)


def judged(seed: int = 7, top: str = "awe", generator: str = GENERATOR, judge: str = JUDGE) -> JudgedCover:
    """A cover of coloured noise with a verdict."""
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
    return JudgedCover(Cover(identity(seed, generator), pixels), verdict(top, judge))


def vote(felt: str = "awe", **changes: object) -> StoredVote:
    """A vote that was never in a database; ``top`` among the changes sets the verdict and the label shown."""
    top = str(changes.pop("top", "awe"))
    seed = changes.pop("seed", 7)
    assert isinstance(seed, int)
    plain = StoredVote(
        visitor="visitor",
        cover=identity(seed),
        felt=felt,
        verdict=verdict(top),
        label_shown=top,
        arm="judge",
        agrees=None,
        seconds_to_vote=3.0,
        voted_at=datetime(2026, 11, 22, 20, tzinfo=UTC),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def cast_one(box: VoteStore, visitor: str = "ann", **changes: Any) -> StoredVote:
    """Cast a plain vote; ``changes`` replace its arguments."""
    arguments: dict[str, Any] = {
        "judged": judged(),
        "felt": "fear",
        "label_shown": "awe",
        "seconds_to_vote": 2.5,
    }
    return box.cast(visitor=visitor, **(arguments | changes))


def count(engine: Engine, table: Table) -> int:
    """Rows of a table."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def rows(engine: Engine) -> dict[str, int]:
    """How many rows each table has that a vote leaves something in."""
    return {name: count(engine, schema.metadata.tables[name]) for name in NO_ROWS}


NO_ROWS = {"visitors": 0, "covers": 0, "verdicts": 0, "votes": 0}
ONE_VOTE = {"visitors": 1, "covers": 1, "verdicts": 1, "votes": 1}


@contextmanager
def before_each_statement(engine: Engine, action: Callable[[Connection, str], None]) -> Iterator[None]:
    """Call ``action`` before each SQL statement of the store."""

    def listener(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        action(connection, statement)

    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)


def upgrade_to(engine: Engine, revision: str) -> None:
    """Give an empty database the schema of an earlier version."""
    database.make_folder(engine.url)

    def work(connection: Connection) -> None:
        command.upgrade(database._alembic(connection), revision)

    database.transact(engine, work, otherwise="", writes=True, rebuilds=True)


def race(work: Callable[[T], R], given: Sequence[T]) -> list[R]:
    """What ``work`` makes of each of the things given, all begun at the same moment in threads of their own."""
    gate = threading.Barrier(len(given))

    def run(one: T) -> R:
        gate.wait()
        return work(one)

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(run, given))
