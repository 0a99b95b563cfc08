"""One emotion and its covers: every cover in one place, the surest first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics import agreement
from albumjudge.statistics.agreement import FELT
from albumjudge.statistics.by_emotion import covers_of
from albumjudge.voting.votes import StoredVote
from tests.vote_fixtures import vote


def on_cover(seed: int, top: str, *felt: str) -> list[StoredVote]:
    return [vote(name, seed=seed, top=top, visitor=f"v{number}") for number, name in enumerate(felt)]


def seeds(rows: tuple[object, ...]) -> list[int]:
    return [row.cover.cover.seed for row in rows]  # type: ignore[attr-defined]


def test_covers_go_where_the_emotion_was_felt_most() -> None:
    votes = [
        *on_cover(1, "awe", "awe"),
        *on_cover(2, "awe", "awe", "awe", "awe", "fear"),
        *on_cover(3, "fear", "awe", "awe", "fear", "fear"),
        *on_cover(4, "awe", "fear", "fear", "awe"),
        *on_cover(5, "fear", "fear"),
        *on_cover(6, "awe", "nothing", "nothing", "awe"),
    ]
    found = covers_of("awe", agreement.per_cover(votes))
    # Three of four say more than one of one.
    assert seeds(found.both) == [2, 1]
    assert seeds(found.people) == [3]
    assert seeds(found.machine) == [4, 6]
    assert seeds(found.all) == [1, 2, 3, 4, 5, 6]
    assert (found.both[0].people, found.both[0].voters, found.both[0].share) == (3, 4, 0.75)
    with pytest.raises(ValueError, match="none of the eight"):
        covers_of("hunger", [])
    assert found.both[0].machine == 0.5 and found.people[0].machine == pytest.approx(0.5 / 7)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(FELT), st.sampled_from(NAMES)), min_size=1, max_size=20
    )
)
def test_every_cover_is_the_machines_once_and_somebodys_if_anything_was_felt(
    rows: list[tuple[int, str, str]],
) -> None:
    covers = agreement.per_cover([vote(felt, seed=seed, top=top) for seed, felt, top in rows])
    found = {name: covers_of(name, covers) for name in NAMES}
    said = [seed for name in NAMES for seed in seeds((*found[name].both, *found[name].machine))]
    assert sorted(said) == sorted(row.cover.seed for row in covers)
    for row in covers:
        felt = {name for name in NAMES if row.cover.seed in seeds((*found[name].both, *found[name].people))}
        most = max(row.felt)
        assert felt == {name for name, people in zip(NAMES, row.felt, strict=False) if people == most}
