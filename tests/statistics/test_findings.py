"""The findings: who is compared with whom, on which votes, and what is still missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Verdict
from albumjudge.statistics import findings, intervals
from albumjudge.statistics import vote_arrays as ballots
from albumjudge.statistics.agreement import FELT, Interval, Share, newcombe, wider, wilson
from albumjudge.statistics.findings import Figure, Findings, Need
from albumjudge.voting.votes import StoredVote
from tests.vote_fixtures import JUDGE, vote


def crowd(follow: float, covers: int = 20, visitors: int = 9) -> list[StoredVote]:
    """Everyone votes on every cover; so many follow its verdict, the others feel anything."""
    chance = np.random.default_rng(8)
    return [
        vote(
            NAMES[cover % 8] if chance.random() < follow else FELT[chance.integers(9)],
            seed=cover,
            visitor=f"v{visitor}",
            top=NAMES[cover % 8],
        )
        for cover in range(covers)
        for visitor in range(visitors)
    ]


@pytest.fixture(scope="module")
def found() -> Findings:
    return Findings(crowd(0.6))


def test_no_votes_give_numbers_without_values_that_say_what_they_need() -> None:
    nothing = Findings([])
    figures = (
        nothing.agreement.share,
        nothing.against_placebo.difference,
        nothing.one_more.machine,
        nothing.among_visitors,
        nothing.noise.distance,
        nothing.calibration.error,
    )
    for figure in figures:
        assert figure.value is None and figure.interval is None and figure.n == 0
        assert figure.unmet and not figure.solid and figure.beside(0) is None
    assert not nothing.noise.covers and not nothing.calibration.bins
    assert nothing.noise.by_chance is nothing.calibration.by_chance is None
    one = Findings([vote("awe")]).agreement
    assert one.share.value == 1 and one.share.interval == wilson(1, 1) and one.excess.interval is None
    assert one.share.unmet[0] == Need("votes", findings.FEWEST_VOTES, 1)


def test_enough_votes_that_follow_the_machine_are_solid_and_beyond_chance(found: Findings) -> None:
    share = found.agreement.share
    assert share.solid and share.n == 180 and share.interval is not None
    assert share.value == found.same.value
    assert found.agreement.excess.beside(0) == 1
    assert found.one_more.machine.beside(0) == 1 and found.among_visitors.beside(0) == 1
    blind = Findings(crowd(0))
    assert blind.agreement.excess.beside(0) == blind.among_visitors.beside(0) == 0
    assert found.one_more.difference.value == pytest.approx(
        (found.one_more.machine.value or 0) - (found.one_more.visitor.value or 0)
    )


def test_the_crowd_is_compared_without_nothing_and_only_where_there_is_one() -> None:
    votes = crowd(0.6, covers=3, visitors=3)
    named = [v for v in votes if v.felt != "nothing"]
    lonely = [vote("awe", seed=90, visitor="a"), vote("awe", seed=91, visitor="a"), vote("fear", seed=91)]
    found = Findings([*votes, *lonely])
    full = sum(
        n >= findings.FEWEST_FOR_MAJORITY and n
        for n in (sum(v.cover.seed == seed for v in named) for seed in range(3))
    )
    assert found.one_more.machine.n == full
    assert found.among_visitors.n == len(votes) + 2
    assert found.calibration.error.n == len(named) + 3


def answers(arm: str, agreed: int, asked: int) -> list[StoredVote]:
    label = "awe" if arm == "judge" else "fear"
    return [
        vote("awe", seed=n % 12, visitor=f"{arm}{n}", arm=arm, label_shown=label, agrees=n < agreed)
        for n in range(asked)
    ]


def test_the_placebo_is_counted_apart_and_unanswered_votes_not_at_all() -> None:
    votes = [*answers("judge", 40, 60), *answers("placebo", 10, 40), vote("awe", agrees=None)]
    apart_from_placebo = findings.against_placebo(votes)
    for figure, share in (
        (apart_from_placebo.judge, Share(40, 60)),
        (apart_from_placebo.placebo, Share(10, 40)),
    ):
        assert (figure.value, figure.n) == (share.value, share.trials)
        assert figure.interval is not None and wider(figure.interval, share.interval) == figure.interval
        assert figure.solid
    assert apart_from_placebo.difference.value == pytest.approx(40 / 60 - 10 / 40)
    assert apart_from_placebo.difference.n == 100 and apart_from_placebo.difference.beside(0) == 1
    few = findings.against_placebo([*answers("judge", 40, 60), *answers("placebo", 1, 3)])
    assert not few.judge.unmet and few.placebo.unmet == few.difference.unmet
    assert [need.has for need in few.difference.unmet] == [3]
    assert few.placebo.interval is not None
    assert wider(few.placebo.interval, wilson(1, 3)) == few.placebo.interval
    assert findings.against_placebo(answers("judge", 1, 3)).difference.value is None


def test_unanimous_votes_leave_room_for_doubt() -> None:
    votes = [vote("awe", seed=n % 12, visitor=f"v{n % 8}", top="awe") for n in range(48)]
    share = Findings(votes).agreement.share
    assert share.value == 1 and share.interval is not None and share.interval.low == wilson(48, 48).low < 1
    apart_from_placebo = findings.against_placebo([*answers("judge", 30, 30), *answers("placebo", 0, 30)])
    apart = apart_from_placebo.difference.interval
    assert apart_from_placebo.difference.value == 1 and apart == newcombe(Share(30, 30), Share(0, 30))
    assert apart is not None and 0.8 < apart.low < 0.9 and apart.high == 1
    (*_, high) = findings.calibrate(ballots.from_votes(votes)).bins
    assert high.felt.interval is not None and high.felt.interval.low < 1


def test_crowds_that_vote_as_the_machine_says_are_seldom_beyond_chance_and_others_mostly_are() -> None:
    chance = np.random.default_rng(12)
    faithful, contrary = [], []
    for seed in range(60):
        shares = chance.dirichlet(np.ones(8))
        verdict = Verdict(tuple(map(float, shares)), JUDGE)
        for who in range(12):
            one = vote(NAMES[chance.choice(8, p=shares)], seed=seed, visitor=f"v{who}", verdict=verdict)
            faithful.append(one)
            contrary.append(replace(one, felt=NAMES[int(shares.argmin())]))
    quiet = findings.noise(ballots.from_votes(faithful))
    assert len(quiet.covers) == quiet.distance.n == 60
    assert quiet.beyond.successes / 60 < 0.15 and quiet.excess.beside(0) == 0
    assert quiet.distance.value == pytest.approx(np.mean([row.distance for row in quiet.covers]))
    loud = findings.noise(ballots.from_votes(contrary))
    assert loud.beyond == Share(60, 60) and loud.excess.beside(0) == 1
    honest = findings.calibrate(ballots.from_votes(faithful))
    assert honest.error.value is not None and honest.by_chance is not None
    assert honest.error.value < 2 * honest.by_chance
    assert findings.calibrate(ballots.from_votes(contrary)).error.beside(0.1) == 1


def test_a_cover_stands_beside_its_own_noise() -> None:
    votes = [vote("awe", visitor=f"v{n}", seed=seed, top="fear") for seed in (1, 2) for n in range(6 * seed)]
    rows = findings.noise(ballots.from_votes(votes)).covers
    assert [(row.cover.seed, row.votes, row.said) for row in rows] == [(1, 6, "fear"), (2, 12, "fear")]
    verdict = np.array(votes[0].verdict.probabilities)
    awe = np.eye(8)[NAMES.index("awe")]
    for row in rows:
        assert row.distance == pytest.approx(float(intervals.jensen_shannon(awe, verdict)))
        assert row.by_chance < row.by_chance_high < row.distance and row.beyond
    assert rows[1].by_chance < rows[0].by_chance


def test_bins_say_how_often_what_was_said_was_felt() -> None:
    votes = [vote("awe" if n < 6 else "fear", visitor=f"v{n}", seed=n) for n in range(10)]
    low, high = findings.calibrate(ballots.from_votes(votes)).bins
    assert (low.n, high.n) == (70, 10)
    assert low.stated == pytest.approx(0.5 / 7) and high.stated == pytest.approx(0.5)
    assert low.felt.value == pytest.approx(4 / 70) and high.felt.value == pytest.approx(0.6)


@pytest.mark.parametrize(("level", "beside"), [(0.1, 1), (0.3, 0), (0.9, -1)])
def test_an_interval_lies_above_around_or_below(level: float, beside: int) -> None:
    assert Figure(0.3, Interval(0.2, 0.4), 9).beside(level) == beside
    assert Figure(0.3, Interval(0.2, 0.4), 9, (Need("votes", 10, 9),)).beside(level) is None


def test_ballots_keep_the_latest_verdict_of_a_cover_and_what_was_said_with_each_vote() -> None:
    early = vote("awe", visitor="ann", top="fear")
    late = vote(
        "nothing", visitor="bob", top="anger", voted_at=early.voted_at.replace(year=early.voted_at.year + 1)
    )
    both = ballots.from_votes([late, early])
    assert [NAMES[place] for place in both.said] == ["anger", "fear"]
    assert NAMES[int(both.verdicts[0].argmax())] == "anger"
    assert both.verdicts.sum() == pytest.approx(1)
    assert both.counts.tolist() == [[int(name in ("awe", "nothing")) for name in FELT]]
    assert len(both.named()) == 1 and len(both.on_covers_with(2)) == 2 and len(both.on_covers_with(3)) == 0
