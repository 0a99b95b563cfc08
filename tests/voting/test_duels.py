"""Duels, on SQLite and on PostgreSQL: put up once, judged once by each visitor, counted with their intervals."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from statsmodels.stats.proportion import proportion_confint

from albumjudge.domain.verdict import JudgedCover
from albumjudge.statistics import duel_findings
from albumjudge.voting import duels, schema
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import Chosen, DuelStore, DuelVote, Picked, Side, left_for
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import JUDGE, count, judged, race, verdict

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def store(vote_store: VoteStore) -> DuelStore:
    """Duels in a database that is ready."""
    return DuelStore(vote_store.engine, clock=lambda: NOON)


def pair(seed: int = 7, emotion: str = "sadness") -> dict[str, Any]:
    """A cover that feels of awe, and the same one drifted to what is asked for."""
    before = judged(seed)
    identity = replace(before.cover.identity, drift=bytes([1, 0, 255]))
    pixels = 255 - before.cover.pixels
    after = JudgedCover(replace(before.cover, identity=identity, pixels=pixels), verdict(emotion))
    return {"before": before, "after": after, "emotion": emotion}


def side(visitor: str, duel: int, chosen: Chosen) -> Picked:
    """Where a visitor finds what they want to choose."""
    return "neither" if chosen == "neither" else "left" if left_for(visitor, duel) == chosen else "right"


def cast(store: DuelStore, visitor: str, duel: int, chosen: Chosen) -> DuelVote:
    return store.cast(visitor=visitor, duel=duel, picked=side(visitor, duel, chosen), seconds_to_vote=1.5)


def test_a_pair_comes_back_as_it_was_put_up_and_only_once(store: DuelStore, engine: Engine) -> None:
    given = pair()
    duel = store.challenge(**given)
    assert (duel.emotion, duel.judge, duel.made_at) == ("sadness", JUDGE, NOON)
    assert (duel.share_before, duel.share_after) == pytest.approx((0.5 / 7, 0.5))
    for name in ("before", "after"):
        cover = getattr(duel, name)
        assert cover.identity == given[name].cover.identity
        np.testing.assert_array_equal(cover.pixels, given[name].cover.pixels)
    assert store.challenge(**given).id == duel.id
    found = store.find(duel.id)
    assert found is not None and found.after.identity.drift == bytes([1, 0, 255])
    assert store.find(duel.id + 1) is None
    assert (count(engine, schema.duels), count(engine, schema.covers)) == (1, 2)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"after": judged()}, "against itself"),
        ({"emotion": "joy"}, "none of the eight"),
        ({"emotion": "awe"}, "no more awe"),
        ({"before": judged(judge="other-12345678")}, "do not judge alike"),
    ],
)
def test_what_is_no_pair_is_refused(
    store: DuelStore, engine: Engine, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        store.challenge(**(pair() | wrong))
    assert count(engine, schema.covers) == 0


def test_racing_threads_put_a_pair_up_once(store: DuelStore, engine: Engine) -> None:
    assert len(set(race(lambda _: store.challenge(**pair()).id, range(4)))) == 1
    assert (count(engine, schema.duels), count(engine, schema.covers)) == (1, 2)


def test_the_first_choice_stays(store: DuelStore) -> None:
    duel = store.challenge(**pair()).id
    assert store.vote_of("ann", duel) is None
    first = cast(store, "ann", duel, "after")
    assert first == DuelVote(duel, "sadness", "ann", "after", left_for("ann", duel), 1.5, NOON)
    assert cast(store, "ann", duel, "before") == first == store.vote_of("ann", duel)
    assert store.votes(duel=duel) == store.votes() == [first]


def test_a_visitor_judges_each_pair_once_those_with_the_fewest_votes_first(store: DuelStore) -> None:
    ids = [store.challenge(**pair(seed)).id for seed in (1, 2, 3)]
    for visitor in ("bob", "cat"):
        cast(store, visitor, ids[0], "after")
    cast(store, "bob", ids[1], "neither")
    seen = []
    while (duel := store.next_for("ann", chance=random.Random(0))) is not None:
        seen.append(duel.id)
        cast(store, "ann", duel.id, "before")
    assert seen == [ids[2], ids[1], ids[0]]
    assert store.next_for("dan", without=ids) is None
    only = store.next_for("dan", without=ids[1:])
    assert only is not None and only.id == ids[0]


def test_among_equals_chance_decides(store: DuelStore) -> None:
    ids = {store.challenge(**pair(seed)).id for seed in (1, 2, 3)}
    chance = random.Random(1)
    met = {duel.id for _ in range(30) if (duel := store.next_for("ann", chance=chance)) is not None}
    assert met == ids


def test_too_many_waiting_pairs_are_refused_until_some_were_judged(
    store: DuelStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duels, "MOST_WAITING", 2)
    first = store.challenge(**pair(1)).id
    store.challenge(**pair(2))
    with pytest.raises(VoteError, match="2 others wait"):
        store.challenge(**pair(3))
    assert store.challenge(**pair(1)).id == first  # It waits already.
    for number in range(duels.YOUNG):
        cast(store, f"visitor{number}", first, "after")
    store.challenge(**pair(3))
    assert count(engine, schema.duels) == 3


def test_a_choice_that_no_page_offers_is_refused(store: DuelStore, engine: Engine) -> None:
    duel = store.challenge(**pair()).id
    good: dict[str, Any] = {"visitor": "ann", "duel": duel, "picked": "left", "seconds_to_vote": 1.0}
    with pytest.raises(ValueError, match="neither 'left'"):
        store.cast(**(good | {"picked": "after"}))
    with pytest.raises(VoteError, match="there is no pair 99"):
        store.cast(**(good | {"duel": 99}))
    assert (count(engine, schema.duel_votes), count(engine, schema.visitors)) == (0, 0)


def test_votes_that_do_not_count_leave_a_pair_waiting(
    store: DuelStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duels, "MOST_WAITING", 2)
    judged_by_bots, judged_once = (store.challenge(**pair(seed)).id for seed in (1, 2))
    for number in range(duels.YOUNG):
        cast(store, f"bot{number}", judged_by_bots, "after")
        CurationStore(engine).exclude(f"bot{number}", "too fast")
    cast(store, "ann", judged_once, "after")
    assert len(store.votes()) == 1 and store.left_out() == {"too fast": duels.YOUNG}
    found = {store.next_for("zoe", chance=random.Random(seed)).id for seed in range(9)}  # type: ignore[union-attr]
    assert found == {judged_by_bots}
    with pytest.raises(VoteError, match="2 others wait"):
        store.challenge(**pair(3))
    for number in range(duels.YOUNG):
        CurationStore(engine).lift(f"bot{number}")
    assert store.challenge(**pair(3)).id and store.left_out() == {}


def test_a_closed_exhibit_takes_no_pairs(store: DuelStore, engine: Engine) -> None:
    CurationStore(engine).close()
    with pytest.raises(ClosedError, match="The pair was not put to the vote: the exhibit is closed"):
        store.challenge(**pair(8))
    assert count(engine, schema.duels) == 0


def test_sides_are_a_fair_coin_that_stays_as_it_fell(store: DuelStore) -> None:
    sides = Counter(left_for(f"visitor{n}", duel) for n in range(50) for duel in range(40))
    low, high = proportion_confint(1000, 2000, 0.001)
    assert low < sides["before"] / 2000 < high
    assert len({left_for("ann", duel) for duel in range(20)}) == 2
    duel = store.challenge(**pair())
    for visitor in ("ann", "bob", "cat", "dan"):
        left, right = duel.hung(visitor)
        assert {left, right} == {duel.before, duel.after}
        shown: Side = "before" if left is duel.before else "after"
        picked: Picked = "left" if visitor < "c" else "right"
        vote = store.cast(visitor=visitor, duel=duel.id, picked=picked, seconds_to_vote=1)
        assert vote.left_shown == shown == left_for(visitor, duel.id)
        assert (vote.chosen == shown) == (picked == "left") and vote.chosen != "neither"


def vote(number: int, chosen: Chosen = "after", **changes: Any) -> DuelVote:
    plain = DuelVote(number % 12, "sadness", f"visitor{number % 7}", chosen, "before", 1.0, NOON)
    return replace(plain, **changes)


def test_choices_are_counted_apart_from_those_who_saw_no_difference() -> None:
    found = duel_findings.find([])
    assert (found.after.value, found.after.interval, found.neither.value) == (None, None, None)
    assert len(found.by_emotion) == 8 and not found.after.solid
    votes = [vote(n, chosen) for n, chosen in enumerate(("after", "after", "before", "neither"))]  # type: ignore[arg-type]
    found = duel_findings.find(votes)
    assert found.after.value == pytest.approx(2 / 3) and found.after.n == 3
    assert (found.neither.successes, found.neither.trials) == (1, 4)
    assert (found.left.successes, found.left.trials) == (1, 3)
    found = duel_findings.find([vote(n) for n in range(40)])
    assert found.after.interval is not None and found.after.solid
    low, _ = proportion_confint(40, 40, method="wilson")
    assert (found.after.interval.low, found.after.interval.high) == pytest.approx((low, 1.0))
    assert found.after.beside(0.5) == 1


def test_votes_that_hang_together_widen_the_interval() -> None:
    """One half of the pairs convinces everyone, the other half nobody."""
    together = [
        vote(0, "after" if duel % 2 else "before", duel=duel, visitor=f"v{n}")
        for duel in range(10)
        for n in range(20)
    ]
    found = duel_findings.find(together).after
    low, high = proportion_confint(100, 200, method="wilson")
    assert found.interval is not None
    assert found.interval.low < low - 0.1 and found.interval.high > high + 0.1
    assert found.beside(0.5) == 0


def test_each_emotion_stands_for_itself_and_says_what_it_needs() -> None:
    votes = [vote(n, emotion="fear") for n in range(20)] + [
        vote(n, "before", emotion="awe") for n in range(4)
    ]
    by_emotion = dict(duel_findings.find(votes).by_emotion)
    assert by_emotion["fear"].value == 1.0 and by_emotion["fear"].solid
    assert by_emotion["awe"].value == 0.0 and not by_emotion["awe"].solid
    assert [(need.what, need.needed, need.has) for need in by_emotion["awe"].unmet] == [
        ("choices", 10, 4),
        ("visitors", 5, 4),
    ]
    assert by_emotion["anger"].value is None
