"""The ranking of painters: closed form for two, statsmodels for more, and simulated visitors."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from albumjudge.statistics import bradley_terry
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.bradley_terry import PRIOR, Comparison, rank


def choices(first: str, second: str, wins: int, ties: int, losses: int) -> list[Comparison]:
    """Each by a visitor of their own."""
    outcomes = ["first"] * wins + ["tie"] * ties + ["second"] * losses
    return [
        Comparison(first, second, chosen, f"{first}{second}{n}")  # type: ignore[arg-type]
        for n, chosen in enumerate(outcomes)
    ]


@pytest.mark.parametrize(("wins", "ties", "losses"), [(30, 0, 10), (12, 6, 20), (25, 0, 0), (0, 9, 0)])
def test_two_painters_differ_by_their_log_odds(wins: int, ties: int, losses: int) -> None:
    ranking = rank(choices("flow", "seed", wins, ties, losses))
    better, worse = ranking.painters
    for_flow, against = wins + ties / 2 + PRIOR, losses + ties / 2 + PRIOR
    assert better.lead is not None and worse.lead is None
    assert better.lead.value == pytest.approx(abs(math.log(for_flow / against)), abs=1e-6)
    assert better.strength.value == pytest.approx((better.lead.value or 0.0) / 2)
    assert better.painter == ("flow" if for_flow >= against else "seed")
    assert ranking.ties == Share(ties, wins + ties + losses)
    assert better.choices == worse.choices == wins + ties + losses


def test_the_interval_of_independent_choices_is_that_of_the_log_odds() -> None:
    lead = rank(choices("flow", "seed", 120, 0, 80)).painters[0].lead
    assert lead is not None and lead.interval is not None and lead.beside(0) == 1
    half = (lead.interval.high - lead.interval.low) / 2
    assert half == pytest.approx(1.97 * math.sqrt(1 / 120 + 1 / 80), rel=0.12)


def test_strengths_are_those_of_a_logistic_regression() -> None:
    wins = np.random.default_rng(1).integers(1, 40, (4, 4)) * (1 - np.eye(4))
    smoothed = wins + PRIOR * (1 - np.eye(4))
    pairs = list(combinations(range(4), 2))
    design = np.array([np.eye(4)[i] - np.eye(4)[j] for i, j in pairs])[:, 1:]
    outcomes = np.array([[smoothed[i, j], smoothed[j, i]] for i, j in pairs])
    theirs = np.concatenate([[0], GLM(outcomes, design, family=Binomial()).fit().params])
    np.testing.assert_allclose(bradley_terry.strengths(wins), theirs - theirs.mean(), atol=1e-6)


def test_simulated_visitors_give_back_the_strengths_they_were_made_with() -> None:
    chance = np.random.default_rng(6)
    true = {"flow": 0.8, "plain": 0.0, "seed": -0.8}
    cast = []
    for visitor in range(150):
        for first, second in combinations(true, 2):
            won = chance.random() < 1 / (1 + math.exp(true[second] - true[first]))
            cast.append(Comparison(first, second, "first" if won else "second", f"v{visitor}"))
    ranking = rank(cast)
    assert [one.painter for one in ranking.painters] == list(true)
    for one in ranking.painters:
        assert one.strength.interval is not None and one.preferred.value is not None
        assert one.strength.interval.low < true[one.painter] < one.strength.interval.high
        assert one.preferred.value == pytest.approx(1 / (1 + math.exp(-(one.strength.value or 0))))
    assert all(one.lead is not None and one.lead.beside(0) == 1 for one in ranking.painters[:2])


def test_many_choices_of_few_visitors_count_for_less() -> None:
    apart = rank(choices("flow", "seed", 60, 0, 40)).painters[0].lead
    opinions = {0: "first", 1: "first", 2: "first", 3: "second", 4: "second"}
    cast = [Comparison("flow", "seed", opinions[n % 5], f"v{n % 5}") for n in range(100)]  # type: ignore[arg-type]
    few = rank(cast).painters[0].lead
    assert apart is not None and few is not None and apart.interval is not None and few.interval is not None
    assert few.value == pytest.approx(apart.value)
    assert few.interval.high - few.interval.low > 3 * (apart.interval.high - apart.interval.low)
    assert few.beside(0) == 0


def test_too_few_choices_are_not_solid_and_none_rank_nobody() -> None:
    (best, _) = rank(choices("flow", "seed", 3, 0, 1)).painters
    assert best.strength.unmet and best.strength.beside(0) is None
    nobody = rank([])
    assert nobody.painters == () and nobody.ties.value is None
    alone = rank([Comparison("flow", "seed", "first", "ann")] * 3).painters[0]
    assert alone.strength.interval is alone.preferred.interval is None
    with pytest.raises(ValueError, match="itself"):
        rank([Comparison("flow", "flow", "tie", "ann")])
