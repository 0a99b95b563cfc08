"""People against the machine: the statistics, against closed forms and other people's implementations."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.statistics import agreement
from albumjudge.statistics.agreement import FELT, CoverAgreement, Interval, Share, newcombe, wider, wilson
from albumjudge.statistics.findings import Findings
from albumjudge.voting.votes import StoredVote
from tests.vote_fixtures import identity, verdict, vote

COUNTS = st.integers(0, 2_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
LEVELS = st.floats(0.5, 0.999)
VOTES = st.lists(
    st.builds(
        vote,
        st.sampled_from(FELT),
        top=st.sampled_from(NAMES),
        seed=st.integers(0, 3),
        visitor=st.sampled_from(["ann", "bob", "eve"]),
        arm=st.sampled_from(["judge", "placebo"]),
        agrees=st.sampled_from([True, False, None]),
    ),
    max_size=40,
)


def test_newcombe_is_that_of_the_paper() -> None:
    found = newcombe(Share(56, 70), Share(48, 80))  # Newcombe (1998), table II, example (a), method 10
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)
    assert wider(Interval(0.1, 0.4), Interval(0.2, 0.5)) == Interval(0.1, 0.5)


@given(COUNTS, COUNTS)
def test_differences_stay_possible(first: tuple[int, int], second: tuple[int, int]) -> None:
    interval = newcombe(Share(*first), Share(*second))
    assert -1 <= interval.low <= interval.high <= 1
    if not first[1] or not second[1]:
        assert interval.high - interval.low >= 1


@given(COUNTS, LEVELS)
def test_wilson_is_that_of_scipy_and_contains_the_share(counts: tuple[int, int], level: float) -> None:
    successes, trials = counts
    interval = wilson(successes, trials, level)
    if not trials:
        assert interval == Interval(0, 1)
        return
    theirs = binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1


@pytest.mark.parametrize(("successes", "trials", "level"), [(-1, 2, 0.9), (3, 2, 0.9), (1, 2, 0), (1, 2, 1)])
def test_impossible_counts_and_levels_are_refused(successes: int, trials: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"impossible|between 0 and 1"):
        wilson(successes, trials, level)


def _felt_and_said(votes: list[StoredVote]) -> tuple[list[str], list[str]]:
    return [v.felt for v in votes], [v.verdict.top for v in votes]


@given(VOTES)
def test_confusion_is_that_of_scikit_learn(votes: list[StoredVote]) -> None:
    counts = agreement.confusion(votes)
    assert counts.shape == (9, 8) and counts.dtype == np.int64
    assert counts.sum() == len(votes)
    if votes:
        felt, said = _felt_and_said(votes)
        theirs = confusion_matrix(felt, said, labels=list(FELT))
        np.testing.assert_array_equal(counts, theirs[:, :8])
        assert not theirs[:, 8].any()


@given(VOTES)
def test_the_table_per_emotion_is_that_of_scikit_learn(votes: list[StoredVote]) -> None:
    table = agreement.per_emotion(votes)
    assert tuple(row.emotion for row in table) == NAMES
    felt, said = _felt_and_said(votes)
    if votes:
        precision, recall, _, support = precision_recall_fscore_support(
            felt, said, labels=list(NAMES), zero_division=np.nan
        )
        for i, row in enumerate(table):
            assert row.felt == support[i]
            for ours, theirs in ((row.recognised.value, recall[i]), (row.shared.value, precision[i])):
                assert math.isnan(theirs) if ours is None else math.isclose(ours, theirs)
    assert sum(row.named for row in table) == len(votes)
    assert sum(row.felt for row in table) == len(votes) - felt.count(NOTHING)
    assert sum(row.says_agree.trials for row in table) == agreement.says_agree(votes).trials


def test_only_answers_after_the_judges_own_verdict_count_as_agreeing() -> None:
    votes = [
        vote("awe", agrees=True),
        vote("fear", agrees=False),
        vote("fear", agrees=True),
        vote("fear", agrees=None),
        vote("awe", arm="placebo", label_shown="anger", agrees=True),
        vote("awe", arm="placebo", label_shown="anger", agrees=False),
    ]
    assert agreement.says_agree(votes) == Share(2, 3)
    # What was felt was said before any label was shown, so all count.
    assert Findings(votes).same == Share(3, 6)
    rows = {row.emotion: row.says_agree for row in agreement.per_emotion(votes)}
    assert rows["awe"] == Share(2, 3)
    assert rows["anger"] == Share(0, 0)


def test_an_empty_exhibit_sums_up_to_nothing() -> None:
    assert Findings([]).same.value is agreement.says_agree([]).value is None
    assert agreement.per_cover([]) == agreement.most_agreed([]) == agreement.most_disputed([]) == ()


@given(VOTES)
def test_the_tables_agree_with_one_another(votes: list[StoredVote]) -> None:
    diagonal = int(np.trace(agreement.confusion(votes)))
    assert Findings(votes).same == Share(diagonal, len(votes))
    covers = agreement.per_cover(votes)
    assert sum(row.agreement.successes for row in covers) == diagonal
    assert sum(sum(row.felt) for row in covers) == len(votes)


def _cover(seed: int, successes: int, trials: int) -> CoverAgreement:
    return CoverAgreement(identity(seed), verdict(), (trials, *[0] * 8), Share(successes, trials))


def test_a_cover_is_summed_up_with_its_latest_verdict() -> None:
    early, late = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
    votes = [
        vote("awe", visitor="ann", voted_at=late, verdict=verdict("awe")),
        vote("fear", visitor="bob", voted_at=early, verdict=verdict("fear")),
        vote(NOTHING, visitor="eve", voted_at=early, verdict=verdict("fear")),
    ]
    (row,) = agreement.per_cover(votes)
    assert row.cover == identity()
    assert row.verdict.top == "awe"
    assert dict(zip(FELT, row.felt, strict=True)) == {
        name: int(name in ("awe", "fear", NOTHING)) for name in FELT
    }
    # Each vote is held against the verdict that was on record with it.
    assert row.agreement == Share(2, 3)


def test_rankings_weigh_votes_and_leave_out_covers_with_few() -> None:
    counts = [(3, 3), (9, 9), (2, 2), (0, 3), (0, 9), (0, 2), (5, 10)]
    covers = [_cover(seed, *agreed) for seed, agreed in enumerate(counts, 1)]
    assert [row.cover.seed for row in agreement.most_agreed(covers)] == [2, 1, 7]
    assert [row.cover.seed for row in agreement.most_disputed(covers)] == [5, 4]
    many = [_cover(seed, 4, 4) for seed in range(9)]
    assert [row.cover.seed for row in agreement.most_agreed(many)] == list(range(agreement.RANKED))
