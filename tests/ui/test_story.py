"""The evening's pictures and sentences: they say what the numbers say, and keep their doubt."""

from __future__ import annotations

from typing import Any

import pytest

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror
from albumjudge.statistics.agreement import Interval
from albumjudge.statistics.bradley_terry import Comparison, PainterRanking, rank
from albumjudge.statistics.findings import AgainstChance, AgainstPlacebo, Calibration, Figure
from albumjudge.statistics.portrait import Portrait, portray
from albumjudge.statistics.story import Story
from albumjudge.ui import charts, words
from albumjudge.ui.rooms import evidence
from tests.vote_fixtures import identity, vote


def rows(chart: Any, key: str) -> list[dict[str, Any]]:
    (found,) = [rows for rows in chart.to_dict()["datasets"].values() if key in rows[0]]
    assert isinstance(found, list)
    return found


def story_of(votes: int, felt: str = "awe") -> Story:
    """Everyone feels ``felt``; the machine says awe on one cover of four."""
    return Story(
        [
            vote(
                felt,
                seed=n % 12,
                visitor=f"v{n % 7}",
                top=("awe", "fear", "sadness", "disgust")[n % 4],
                agrees=n % 3 > 0,
            )
            for n in range(votes)
        ]
    )


def ranking_of(wins: int, losses: int) -> PainterRanking:
    return rank(
        [Comparison("flow", "seed", "first" if n < wins else "second", f"v{n}") for n in range(wins + losses)]
    )


def portrait_of(*felt: str) -> Portrait:
    mine = [vote(felt[seed % len(felt)], seed=seed) for seed in range(24)]
    jury = (Juror("gloomy", (0.05,) * 7 + (0.65,)), Juror("even", (0.125,) * 8))
    found = portray(
        mine,
        {identity(seed): {"awe": 8, "fear": 2} for seed in range(24)},
        {identity(seed): jury for seed in range(24)},
    )
    assert found is not None
    return found


def test_every_cover_has_its_place_and_few_votes_are_drawn_faintly() -> None:
    chart = charts.covers_by_pleasantness(story_of(60))
    found = rows(chart, "link")
    assert len(found) == 12 and {row["people"] for row in found} == {1.0}
    assert {row["first"] for row in found} == {"the same emotion first", "another one"}
    spec = chart.to_dict()
    assert [param["name"] for param in spec["params"]] == [charts.SELECTED]
    assert "12 covers. Pleasant to most people and to the machine: 3" in spec["description"]
    faint, firm = (str(charts.covers_by_pleasantness(story_of(votes)).to_dict()) for votes in (29, 30))
    assert "#d8b98a" not in faint and "#d8b98a" in firm


def test_painters_are_drawn_with_their_intervals() -> None:
    chart = charts.ranking(ranking_of(40, 20), {"flow": "the flow painter"})
    found = rows(chart, "painter")
    assert [row["painter"] for row in found] == ["the flow painter", "seed"]
    assert all(row["low"] < row["value"] < row["high"] for row in found)
    assert f"the flow painter {words.percent(found[0]['value'])}" in chart.to_dict()["description"]


def test_a_portrait_is_drawn_where_there_are_others() -> None:
    found = portrait_of("sadness")
    assert [row["emotion"] for row in rows(charts.leans(found), "emotion")] == list(charts.ON_SIDES)
    alone = portray([vote(NAMES[n % 8], seed=n) for n in range(12)], {}, {})
    assert alone is not None
    with pytest.raises(ValueError, match="others have voted"):
        charts.leans(alone)


# What each side of an interval is called


def solid(low: float, high: float) -> Figure:
    return Figure((low + high) / 2, Interval(low, high), 100)


SIDES = [(0.1, 0.3), (-0.1, 0.2), (-0.3, -0.1)]


@pytest.mark.parametrize(
    ("ends", "chance", "placebo"),
    [
        (SIDES[0], "more than chance", "agree more with the machine’s own label"),
        (SIDES[1], "not clearly more than chance", "out of habit"),
        (SIDES[2], "less than chance", "agree less with the machine’s own label"),
    ],
)
def test_cards_name_the_side_on_which_the_interval_lies(
    ends: tuple[float, float], chance: str, placebo: str
) -> None:
    figure, level = solid(*ends), solid(0.1, 0.2)
    assert chance in evidence.chance_card(AgainstChance(level, level, figure))
    assert placebo in evidence.placebo_card(AgainstPlacebo(level, level, figure))


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0.0, 0.1), "no more than chance would"),
        ((0.04, 0.1), "Roughly: they miss by 7"),
        ((0.01, 0.015), "Nearly"),
    ],
)
def test_the_calibration_card_compares_the_error_with_chance(ends: tuple[float, float], words: str) -> None:
    by_chance = 0.02 if ends[0] > 0.03 else 0.005
    assert words in evidence.calibration_card(Calibration(solid(*ends), by_chance, ()))
