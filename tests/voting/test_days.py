"""The wall of the day, on SQLite and on PostgreSQL: its seeds, its rounds, its painter and its results."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from albumjudge.domain.seeds import day_of, wall, wall_of_the_day
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.days import DayStore, day_round_id, is_day_round
from albumjudge.voting.rounds import round_id
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import GENERATOR, OTHER, cast_one, identity, judged

TODAY = date(2026, 11, 28)


def test_everyone_sees_one_wall_a_day_from_midnight_to_midnight() -> None:
    assert wall_of_the_day(TODAY, 6) == wall_of_the_day(TODAY, 12)[:6]
    walls = {wall_of_the_day(TODAY + timedelta(days=n), 6) for n in range(400)}
    assert len(walls) == 400 and wall(0, 6) not in walls
    with pytest.raises(ValueError, match="1 to 32"):
        wall_of_the_day(TODAY, 33)
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    assert day_of(late, ZoneInfo("UTC")) == date(2026, 11, 27)
    assert day_of(late, ZoneInfo("Europe/Berlin")) == TODAY
    ids = {day_round_id(who, TODAY + timedelta(days=n)) for who in ("ann", "bob") for n in range(3)}
    assert len(ids) == 6 and all(map(is_day_round, ids))
    assert not is_day_round(None) and not is_day_round(round_id("ann", 0)) and "ann" not in "".join(ids)


def test_the_first_vote_of_a_day_says_who_paints_it_and_days_with_votes_are_found(
    vote_store: VoteStore,
) -> None:
    days = DayStore(vote_store.engine)
    assert days.painter(TODAY) is None and days.before(TODAY, 14) == ()
    cast_one(vote_store, "ann", round_id=day_round_id("ann", TODAY))
    cast_one(vote_store, "bob", judged=judged(generator=OTHER), round_id=day_round_id("bob", TODAY))
    cast_one(vote_store, "eve", judged=judged(8, generator=OTHER), round_id=round_id("eve", 0))
    assert days.painter(TODAY) == GENERATOR and days.painter(TODAY - timedelta(days=1)) is None
    for age, seed in ((0, 1), (1, 2), (3, 3), (3, 4), (14, 5), (15, 6)):
        day = TODAY - timedelta(days=age)
        cast_one(vote_store, judged=judged(seed), round_id=day_round_id("ann", day))
    cast_one(vote_store, judged=judged(9), round_id="wallflower000")
    assert DayStore(vote_store.engine).before(TODAY, 14) == tuple(
        TODAY - timedelta(days=n) for n in (1, 3, 14)
    )


def test_results_are_the_counted_votes_on_the_wall_in_its_order(vote_store: VoteStore) -> None:
    given = ("ann", 7, "fear"), ("bob", 7, "fear"), ("eve", 8, "awe"), ("bot", 7, "anger")
    for visitor, seed, felt in given:
        cast_one(vote_store, visitor, judged=judged(seed), felt=felt, round_id=day_round_id(visitor, TODAY))
    CurationStore(vote_store.engine).exclude("bot", "too fast")
    first, second = DayStore(vote_store.engine).results([identity(9), identity(8), identity(7)])
    assert (first.identity, dict(first.felt)) == (identity(8), {"awe": 1})
    assert (second.identity, dict(second.felt), sum(second.people)) == (identity(7), {"fear": 2}, 2)
    assert (second.png, second.verdict) == (judged().cover.png(), judged().verdict)
