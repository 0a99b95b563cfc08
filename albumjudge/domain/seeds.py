"""Which covers hang where: the seeds of a wall, and those that are put to the vote."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, tzinfo
from functools import lru_cache

import numpy as np

from albumjudge.domain.cover import LAST_SEED

MOST_ON_A_WALL = 32
BALLOT_POOL_SIZE = 48
"""Covers put to the vote: few enough that visitors meet on the same ones, enough for an evening."""


def _distinct(rng: np.random.Generator, count: int) -> tuple[int, ...]:
    """``count`` different seeds; asking for more leaves the first ones as they were."""
    seeds: dict[int, None] = {}
    while len(seeds) < count:
        seeds[int(rng.integers(LAST_SEED + 1))] = None
    return tuple(seeds)


def wall(number: int, count: int) -> tuple[int, ...]:
    """Seeds of the covers on a wall; a wall with more covers begins with the same ones.

    Args:
        number: of the wall, 0 or more.
        count: 1 to 32.

    Raises:
        ValueError: if ``number`` or ``count`` is out of range.
    """
    if not 1 <= count <= MOST_ON_A_WALL:
        raise ValueError(f"A wall has 1 to {MOST_ON_A_WALL} covers, not {count}.")
    return _distinct(np.random.default_rng(number), count)


@lru_cache(maxsize=16)
def ballot_pool(generator_revision: str) -> tuple[int, ...]:
    """Seeds of the covers that are put to the vote: the same for every visitor of one generator."""
    digest = hashlib.sha256(f"ballot pool of {generator_revision}".encode()).digest()
    return _distinct(np.random.default_rng(int.from_bytes(digest[:8], "big")), BALLOT_POOL_SIZE)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day that it is at a moment (aware) in the exhibit's time zone."""
    return moment.astimezone(zone).date()


def wall_of_the_day(day: date, count: int) -> tuple[int, ...]:
    """Seeds of the wall that everyone sees on a day; a wall with more covers begins with the same ones.

    Raises:
        ValueError: if ``count`` is not 1 to 32.
    """
    digest = hashlib.sha256(f"wall of {day.isoformat()}".encode()).digest()
    return wall(int.from_bytes(digest[:8], "big"), count)
