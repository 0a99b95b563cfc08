"""What rooms say of numbers claims no more than their intervals do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from albumjudge.statistics.agreement import Interval
from albumjudge.statistics.findings import Figure, Need
from albumjudge.statistics.portrait import JurorLikeness, Lean, Portrait
from albumjudge.ui.rooms import likeness, painter_duel, results

ENOUGH, TOO_FEW = (Need("votes", 30, 60),), (Need("votes", 30, 4),)


def about(value: float, reach: float = 0.1, needs: tuple[Need, ...] = ENOUGH) -> Figure:
    return Figure(value, Interval(value - reach, value + reach), 60, needs)


def portrait(*leans: Lean, jurors: tuple[JurorLikeness, ...] = ()) -> Portrait:
    return Portrait(20, 12, leans, jurors, ())


@pytest.mark.parametrize(
    ("excess", "words"),
    [(0.2, "more often than chance"), (-0.2, "less often than chance"), (0.05, "cannot be told from chance")],
)
def test_the_headline_follows_the_interval(excess: float, words: str) -> None:
    agreement = SimpleNamespace(share=about(0.38), chance=about(0.18), excess=about(excess))
    story: Any = SimpleNamespace(agreement=agreement, faint=False)
    said = results.headline(story)
    assert "<b>4 of 10</b>" in said and words in said and "early" not in said


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (0.3, "People feel awe more often"),
        (-0.3, "The machine feels awe more often"),
        (0.02, "may be chance"),
    ],
)
def test_the_findings_follow_their_intervals(difference: float, words: str) -> None:
    story: Any = SimpleNamespace(
        pleasantness=about(difference),
        temperament=SimpleNamespace(emotion="awe", difference=about(difference)),
        against_placebo=SimpleNamespace(difference=about(difference, needs=TOO_FEW)),
    )
    pleasant, temper, placebo = results.three_findings(story)
    assert words in temper.sentence and not temper.faint and "95 % interval" in temper.doubt
    assert pleasant.doubt.endswith("from 60 covers.")
    assert placebo.faint and placebo.doubt == "Needs 30 votes, has 4."


def test_what_moves_somebody_is_said_where_it_is_clear() -> None:
    clear, unclear = (Lean("awe", 0.5, 0.2, about(0.3), yes) for yes in (True, False))
    assert likeness.moved(portrait(clear)).startswith("Awe moves you more often than others")
    assert "Nothing sets you clearly apart" in likeness.moved(portrait(unclear))
    assert "once others have voted" in likeness.moved(portrait())


def test_a_doubtful_likeness_names_the_next_one() -> None:
    sure, doubtful = (
        likeness.juror(
            portrait(jurors=(JurorLikeness("the calm", 0.3, support), JurorLikeness("the glad", 0.2, 0.05)))
        )
        for support in (0.95, 0.6)
    )
    assert "the glad" not in sure and "it might be the glad" in doubtful
    assert likeness.juror(portrait()) == ""


@pytest.mark.parametrize(("lead", "words"), [(0.5, "Ahead of all others so far"), (0.05, "cannot be told")])
def test_a_painter_leads_where_the_interval_says_so(lead: float, words: str) -> None:
    painters = [SimpleNamespace(painter=f"{name}-00000000", lead=about(lead)) for name in ("a", "b")]
    ranking: Any = SimpleNamespace(painters=painters)
    assert words in painter_duel.leader(ranking)
