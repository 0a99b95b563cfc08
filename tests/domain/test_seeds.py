"""Which covers hang where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import LAST_SEED


@given(st.integers(0, 10**6), st.integers(1, hanging.MOST_ON_A_WALL))
def test_a_wall_has_different_covers_and_begins_as_a_smaller_one(number: int, count: int) -> None:
    seeds = hanging.wall(number, count)
    assert len(set(seeds)) == count
    assert all(0 <= seed <= LAST_SEED for seed in seeds)
    assert hanging.wall(number, hanging.MOST_ON_A_WALL)[:count] == seeds


def test_walls_and_pools_are_the_same_on_every_machine() -> None:
    assert hanging.wall(4711, 3) == (427646, 210282, 133119)
    first, second = hanging.ballot_pool("dcgan-11111111"), hanging.ballot_pool("dcgan-22222222")
    assert len(set(first)) == len(set(second)) == hanging.BALLOT_POOL_SIZE
    assert first == hanging.ballot_pool("dcgan-11111111") and first != second


@pytest.mark.parametrize("count", [0, 33, -1])
def test_a_wall_has_1_to_32_covers(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        hanging.wall(1, count)
