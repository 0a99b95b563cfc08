"""Painters' duels, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from statsmodels.stats.proportion import proportion_confint

from albumjudge.domain.cover import Cover
from albumjudge.voting import schema
from albumjudge.voting.painter_duels import PainterDuelStore, PainterVote, Picked, pair_for
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import GENERATOR, OTHER, judged

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
THIRD = "plain-test-00000001"


@pytest.fixture
def store(vote_store: VoteStore) -> PainterDuelStore:
    return PainterDuelStore(vote_store.engine, clock=lambda: NOON)


def cover(seed: int = 7, painter: str = GENERATOR) -> Cover:
    return judged(seed, generator=painter).cover


def cast(
    store: PainterDuelStore, visitor: str = "ann", picked: Picked = "left", **changes: Any
) -> PainterVote:
    arguments: dict[str, Any] = {"left": cover(), "right": cover(8, OTHER), "seconds_to_vote": 2.0}
    return store.cast(visitor=visitor, picked=picked, **(arguments | changes))


@pytest.mark.parametrize("picked", ["left", "right", "tie"])
def test_a_choice_comes_back_as_it_was_made_and_the_first_stays(
    store: PainterDuelStore, picked: Picked
) -> None:
    left, right = cover(), cover(8, OTHER)
    vote = cast(store, picked=picked)
    assert vote == PainterVote("ann", left.identity, right.identity, picked, 2.0, NOON)
    assert cast(store, left=right, right=left) == vote == store.find("ann", right.identity, left.identity)
    assert store.votes() == store.votes(visitor="ann") == [vote]
    assert store.find("bob", left.identity, right.identity) is None
    mirrored = cast(store, "bob", picked, left=right, right=left)
    assert (mirrored.left, mirrored.picked) == (right.identity, picked)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"right": cover(9)}, "same painter"),
        ({"picked": "neither"}, "neither 'left' nor"),
    ],
)
def test_what_no_page_offers_is_refused(store: PainterDuelStore, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cast(store, **wrong)
    assert store.votes() == []


def test_a_visitor_meets_each_pair_once_and_the_same_after_a_reload(store: PainterDuelStore) -> None:
    painters, seen = [GENERATOR, OTHER, THIRD], set()
    for _ in range(12):
        left, right = store.next_for("ann", painters)
        assert store.next_for("ann", painters) == (left, right)
        assert left.generator != right.generator and frozenset((left, right)) not in seen
        seen.add(frozenset((left, right)))
        cast(store, left=cover(left.seed, left.generator), right=cover(right.seed, right.generator))
    with pytest.raises(ValueError, match="two painters"):
        pair_for("ann", [GENERATOR, GENERATOR], seen)


def test_painters_meet_equally_often_on_both_sides() -> None:
    pairs = [pair_for(f"visitor{n}", [GENERATOR, OTHER, THIRD], ()) for n in range(1200)]
    counts = Counter((left.generator, right.generator) for left, right in pairs)
    low, high = proportion_confint(200, 1200, 0.001)
    assert len(counts) == 6 and all(low < count / 1200 < high for count in counts.values())


def test_the_database_takes_a_pair_in_one_order_only(store: PainterDuelStore) -> None:
    cast(store)
    with store.engine.connect() as connection:
        row = connection.execute(select(schema.painter_votes)).one()
        assert row.first_id < row.second_id
        assert connection.scalar(select(func.count()).select_from(schema.covers)) == 2
