"""Walls that are ready before anybody comes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.inference.pool import AT_ONCE, COVERS, CoverPool

GENERATOR = "painter-1a2b3c4d"
VERDICT = Verdict((1.0, *[0.0] * 7), "jury-1a2b3c4d")


class Studio:
    """Paints grey covers and counts them."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def show(self, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        self.sizes.append(len(identities))
        grey = np.zeros((64, 64, 3), np.uint8)
        return [JudgedCover(Cover(identity, grey), VERDICT) for identity in identities]


def filled(walls: int) -> CoverPool:
    pool, studio = CoverPool(GENERATOR, walls), Studio()
    while pool.fill(studio.show):
        assert studio.sizes[-1] <= AT_ONCE
    return pool


def wall(number: int) -> list[CoverIdentity]:
    return [CoverIdentity(GENERATOR, seed) for seed in seeds.wall(number, COVERS)]


def test_an_empty_pool_has_no_wall() -> None:
    assert CoverPool(GENERATOR).take() is None and CoverPool(GENERATOR).find(wall(7)) == {}


def test_the_first_wall_is_ready_before_anything_else() -> None:
    pool, studio = CoverPool(GENERATOR, 3), Studio()
    while pool.ready == 0:
        assert pool.fill(studio.show)
    assert sum(studio.sizes) == COVERS
    number = pool.take()
    assert number is not None and len(pool.find(wall(number))) == COVERS


def test_every_visitor_is_given_another_wall_and_its_covers_are_ready() -> None:
    pool = filled(3)
    assert pool.ready == 3
    numbers = [pool.take() for _ in range(3)]
    assert len(set(numbers)) == 3 and pool.ready == 0
    for number in numbers:
        assert number is not None and set(pool.find(wall(number))) == set(wall(number))


def test_nobody_waits_when_all_walls_were_given() -> None:
    pool = filled(2)
    first, second = pool.take(), pool.take()
    assert [pool.take(), pool.take(), pool.take()] == [first, second, first]


def test_covers_put_to_the_vote_are_ready_too_and_stay() -> None:
    pool, studio = filled(2), Studio()
    ballots = [CoverIdentity(GENERATOR, seed) for seed in seeds.ballot_pool(GENERATOR)]
    for _ in range(10):
        pool.take()
        while pool.fill(studio.show):
            pass
    assert set(pool.find(ballots)) == set(ballots)
    assert studio.sizes


def test_the_pool_is_bounded() -> None:
    pool, studio = filled(2), Studio()
    for _ in range(12):
        pool.take()
        while pool.fill(studio.show):
            pass
    assert pool.ready <= 2
    assert len(pool._covers) <= seeds.BALLOT_POOL_SIZE + 5 * COVERS


@pytest.mark.parametrize("visitors", [8])
def test_visitors_at_once_are_given_different_walls(visitors: int) -> None:
    pool, ready = filled(visitors), threading.Barrier(visitors)

    def visit(_: int) -> int | None:
        ready.wait(60)
        return pool.take()

    with ThreadPoolExecutor(visitors) as sessions:
        numbers = list(sessions.map(visit, range(visitors)))
    assert len(set(numbers)) == visitors
