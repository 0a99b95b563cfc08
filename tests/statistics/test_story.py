"""The story of people and machine: places in the picture, and findings that keep their doubt."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Verdict
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.story import CoverPoint, Story, pleasantness
from albumjudge.voting.votes import StoredVote
from tests.vote_fixtures import JUDGE, identity, vote


def simulated(covers: int, visitors: int, follow: float) -> list[StoredVote]:
    """Votes drawn from the verdict with this probability, else evenly."""
    chance = np.random.default_rng(4)
    votes = []
    for seed in range(covers):
        shares = chance.dirichlet(np.full(8, 0.5))
        verdict = Verdict(tuple(map(float, shares)), JUDGE)
        for who in range(visitors):
            odds = shares if chance.random() < follow else np.full(8, 1 / 8)
            felt = NAMES[chance.choice(8, p=odds)]
            votes.append(vote(felt, seed=seed, visitor=f"v{who}", verdict=verdict, agrees=None))
    return votes


def test_a_cover_stands_where_people_and_machine_put_it() -> None:
    votes = [
        *(vote(felt, seed=1, top="fear", visitor=felt) for felt in ("awe", "awe", "fear", "nothing")),
        vote("nothing", seed=2),
    ]
    told = Story([*votes[:1], vote("awe", seed=1, top="fear", visitor="b"), *votes[2:]])
    (point,) = told.points
    assert point.people == Share(2, 3) and point.machine == pytest.approx(4 * 0.5 / 7)
    assert (point.felt, point.said, point.cover) == ("awe", "fear", identity(1))
    assert len(told.votes) == 5 and told.faint


def test_who_feels_as_the_machine_says_is_found_to_and_others_seldom() -> None:
    told = Story(simulated(30, 8, follow=1))
    assert not told.faint and told.pleasantness.beside(0) == 1 and told.agreement.excess.beside(0) == 1
    assert told.against_placebo.difference.value is None
    chance = np.random.default_rng(1)
    claimed = [pleasantness(points_at_random(chance, 12)).beside(0) != 0 for _ in range(60)]
    assert sum(claimed) <= 6
    assert Story(simulated(30, 8, follow=0)).agreement.excess.beside(0) == 0


def points_at_random(chance: np.random.Generator, covers: int) -> list[CoverPoint]:
    return [
        CoverPoint(identity(n), Share(int(chance.integers(0, 10)), 9 + n % 3), float(machine), "awe", "awe")
        for n, machine in enumerate(chance.random(covers))
    ]


def test_the_emotion_that_differs_most_is_named_with_its_sign() -> None:
    chance = np.random.default_rng(8)
    votes = [
        vote(
            "fear" if chance.random() < 0.5 else "awe",
            seed=n % 12,
            visitor=f"v{n % 9}",
            top=("awe", "sadness")[n % 2],
        )
        for n in range(108)
    ]
    found = Story(votes).temperament
    assert found is not None and found.emotion == "fear"
    assert found.difference.value == pytest.approx(np.mean([vote.felt == "fear" for vote in votes]))
    assert found.difference.beside(0) == 1


def test_the_correlation_is_spearmans_where_there_is_one() -> None:
    points = points_at_random(np.random.default_rng(3), 40)
    shares = [(p.people.successes / p.people.trials, p.machine) for p in points]
    assert pleasantness(points).value == pytest.approx(spearmanr(*zip(*shares, strict=True)).statistic)
    points = [CoverPoint(identity(n), Share(1, 2), 0.5, "awe", "awe") for n in range(12)]
    assert pleasantness(points).value is None and not pleasantness(points).solid
    told = Story([])
    assert told.points == () and told.temperament is None and told.pleasantness.value is None and told.faint
