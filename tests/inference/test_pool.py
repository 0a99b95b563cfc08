"""Walls and covers to vote on that are ready before anybody comes, and kept for all processes and machines."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from sqlalchemy import update

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Juror, Verdict
from albumjudge.inference.pool import AT_ONCE, BALLOTS, COVERS, CoverPool, Shelf, ShelfMaker
from albumjudge.voting import schema
from albumjudge.voting.database import open_engine, upgrade
from albumjudge.voting.ready import ReadyWalls

PAINTER, JUDGE = "painter-1a2b3c4d", "jury-1a2b3c4d"
SHARES = (0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.05, 0.05)
VERDICT = Verdict(SHARES, JUDGE, (Juror("one", SHARES), Juror("other", SHARES[::-1])))
DUE = [CoverIdentity(PAINTER, seed) for seed in seeds.ballot_pool(PAINTER)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shelf(request: pytest.FixtureRequest) -> Iterator[ShelfMaker]:
    """Each kind of shelf, empty."""
    engine = open_engine(request.getfixturevalue(f"{request.param}_url"))
    upgrade(engine)
    yield partial(ReadyWalls, engine)
    engine.dispose()


def show(identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
    """Paint covers of one colour, which depends on the seed."""
    assert len(identities) <= AT_ONCE
    return [
        JudgedCover(Cover(one, np.full((64, 64, 3), one.seed % 256, np.uint8)), VERDICT) for one in identities
    ]


def fill(pool: CoverPool) -> CoverPool:
    while pool.fill(show):
        pass
    return pool


def wall(number: int) -> list[CoverIdentity]:
    return [CoverIdentity(PAINTER, seed) for seed in seeds.wall(number, COVERS)]


def taken(pool: CoverPool) -> int:
    """The number of a wall that is taken; its covers are those of the number."""
    found = pool.take()
    assert found is not None
    number, covers = found
    assert [one.cover.identity for one in covers] == wall(number)
    return number


def test_an_empty_pool_has_nothing_and_the_first_wall_comes_first(shelf: ShelfMaker) -> None:
    pool = CoverPool(PAINTER, JUDGE, shelf)
    assert pool.take() is None and pool.find(DUE) == {} and not pool.ballots_ready
    while pool.ready == 0:
        assert pool.fill(show)
    assert taken(pool) and pool.find(DUE) == {}


def test_what_is_ready_is_the_same_after_a_restart_and_in_another_process(shelf: ShelfMaker) -> None:
    fill(CoverPool(PAINTER, JUDGE, shelf, walls=2))
    pool = CoverPool(PAINTER, JUDGE, shelf, walls=2)
    assert pool.ready == 2 and pool.ballots_ready and not pool.fill(show)
    found = pool.find(DUE)
    assert list(found) == DUE
    for identity, judged in found.items():
        (painted,) = show([identity])
        assert np.array_equal(judged.cover.pixels, painted.cover.pixels)
        assert judged.cover.png() == painted.cover.png() and judged.verdict == VERDICT
        assert judged.verdict.jurors == VERDICT.jurors
    assert taken(pool) != taken(CoverPool(PAINTER, JUDGE, shelf, walls=2))


def test_nobody_waits_when_all_walls_were_given_and_the_pool_is_bounded(shelf: ShelfMaker) -> None:
    pool = fill(CoverPool(PAINTER, JUDGE, shelf, walls=2))
    first, second = taken(pool), taken(pool)
    assert first != second and pool.ready == 0 and taken(pool) in (first, second)
    for _ in range(6):
        taken(fill(pool))
    fresh, given = shelf(f"{PAINTER}.{JUDGE}").count()
    assert (fresh, given) == (1, 3)
    assert set(pool.find(DUE)) == set(DUE)


def test_visitors_at_once_are_given_different_walls(shelf: ShelfMaker) -> None:
    visitors = 8
    pools = [CoverPool(PAINTER, JUDGE, shelf, walls=visitors) for _ in range(2)]
    fill(pools[0])
    ready = threading.Barrier(visitors)

    def visit(number: int) -> int:
        ready.wait(60)
        return taken(pools[number % 2])

    with ThreadPoolExecutor(visitors) as sessions:
        assert len(set(sessions.map(visit, range(visitors)))) == visitors


def test_no_wall_is_given_twice_while_there_are_fresh_ones(shelf: ShelfMaker) -> None:
    kept = [shelf(f"{PAINTER}.{JUDGE}") for _ in range(8)]
    numbers = list(range(1, 8 * len(kept) + 1))
    for _ in range(3):
        for number in numbers:
            kept[0].remove(number)
            assert kept[0].put(number, "a wall")
        ready = threading.Barrier(len(kept))

        def visits(mine: Shelf, ready: threading.Barrier = ready) -> list[tuple[int, str] | None]:
            ready.wait()
            return [mine.take() for _ in range(8)]

        with ThreadPoolExecutor(len(kept)) as threads:
            given = [wall for walls in threads.map(visits, kept) for wall in walls if wall]
        assert sorted(number for number, _ in given) == numbers


@pytest.mark.parametrize("content", ["", "[1]", '[{"cover": "x"}]', "[]"])
def test_what_is_damaged_is_painted_anew(shelf: ShelfMaker, content: str) -> None:
    fill(CoverPool(PAINTER, JUDGE, shelf, walls=1))
    kept = shelf(f"{PAINTER}.{JUDGE}")
    found = kept.take()
    assert found is not None and kept.put(BALLOTS, content)
    kept.remove(found[0])
    assert kept.put(found[0], content)
    pool = CoverPool(PAINTER, JUDGE, shelf, walls=1)
    assert not pool.ballots_ready and pool.take() is None and kept.count() == (0, 0)
    fill(pool)
    assert pool.ballots_ready and taken(pool)


def test_what_other_networks_left_in_the_database_is_removed_after_a_day(postgresql_url: str) -> None:
    engine = open_engine(postgresql_url)
    upgrade(engine)
    shelf = partial(ReadyWalls, engine)
    fill(CoverPool("older-1a2b3c4d", JUDGE, shelf, walls=1))
    older = shelf(f"older-1a2b3c4d.{JUDGE}")
    pool = fill(CoverPool(PAINTER, JUDGE, shelf, walls=1))
    assert older.count() == (1, 0)
    with engine.begin() as connection:
        table = schema.ready_walls
        connection.execute(update(table).values(made_at=datetime.now(UTC) - timedelta(days=2)))
    taken(pool)
    fill(pool)
    assert older.count() == (0, 0) and older.read(BALLOTS) is None and pool.ready == 1
    engine.dispose()


def test_a_database_that_does_not_answer_has_nothing_ready_and_keeps_everything_later(
    postgresql_url: str,
) -> None:
    engine = open_engine(postgresql_url)  # Without any table: every statement fails.
    shelf = partial(ReadyWalls, engine)
    pool = CoverPool(PAINTER, JUDGE, shelf, walls=1)
    assert fill(pool).take() is None and set(pool.find(DUE)) == set(DUE)
    assert not pool.fill(lambda _: pytest.fail("painted what cannot be kept"))
    upgrade(engine)
    assert fill(pool).ready == 1
    other = CoverPool(PAINTER, JUDGE, shelf, walls=1)
    assert other.ballots_ready and taken(other)
    engine.dispose()
