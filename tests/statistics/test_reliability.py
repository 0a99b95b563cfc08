"""Kappa and alpha, against statsmodels, scikit-learn and the examples that their authors worked out."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics import agreement, reliability
from albumjudge.statistics import vote_arrays as ballots
from albumjudge.statistics.agreement import FELT
from albumjudge.statistics.intervals import Floats
from albumjudge.statistics.vote_arrays import VoteArrays
from tests.vote_fixtures import vote

ONCE: Callable[[int], Floats] = lambda n: np.ones((1, n))  # noqa: E731
VOTES = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 4), st.sampled_from(FELT), st.sampled_from(NAMES)),
    max_size=40,
    unique_by=lambda row: row[:2],
)


def cast(rows: list[tuple[str, int, str, str]]) -> VoteArrays:
    """VoteArrays of (visitor, seed of the cover, felt, said)."""
    return ballots.from_votes(
        [vote(felt, visitor=who, seed=seed, top=said) for who, seed, felt, said in rows]
    )


@given(st.lists(st.integers(0, 9), min_size=9, max_size=9))
def test_kappa_is_that_of_statsmodels(cells: list[int]) -> None:
    table = np.array(cells, float).reshape(3, 3)
    ours = float(reliability.kappa(table))
    total = table.sum()
    if not total or (table.sum(0) @ table.sum(1)) / total**2 > 1 - 1e-9:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(cohens_kappa(table).kappa, abs=1e-9)


@given(VOTES)
def test_agreement_and_chance_are_those_of_the_confusion_matrix(
    rows: list[tuple[str, int, str, str]],
) -> None:
    votes = [vote(felt, visitor=who, seed=seed, top=said) for who, seed, felt, said in rows]
    share, chance, excess = reliability.against_chance(ballots.from_votes(votes))(ONCE(len(votes)))[0]
    if not votes:
        assert math.isnan(share) and math.isnan(chance) and math.isnan(excess)
        return
    counts = agreement.confusion(votes) / len(votes)
    assert share == pytest.approx(np.trace(counts))
    assert chance == pytest.approx(counts.sum(axis=1)[:8] @ counts.sum(axis=0))
    assert excess == pytest.approx(share - chance)


def test_the_crowd_of_a_vote_is_everybody_else_and_shares_out_ties() -> None:
    given = ("ann", 1, "awe"), ("bob", 1, "awe"), ("eve", 1, "anger"), ("ann", 2, "fear")
    crowd = reliability.majority_of_others(cast([(*one, "fear") for one in given]))
    awe, anger = NAMES.index("awe"), NAMES.index("anger")
    assert crowd.shape == (4, 8)
    # For ann, bob and eve disagree; for eve, both others felt awe; on the second cover ann is alone.
    assert crowd[0, awe] == crowd[0, anger] == crowd[1, awe] == crowd[1, anger] == 0.5
    assert crowd[2, awe] == 1
    np.testing.assert_array_equal(crowd.sum(axis=1), [1, 1, 1, 0])
    with pytest.raises(ValueError, match="leave out"):
        reliability.majority_of_others(cast([("ann", 1, "nothing", "fear")]))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(NAMES[:3]), min_size=24, max_size=24), st.data())
def test_without_ties_the_kappas_are_those_of_scikit_learn(said: list[str], data: st.DataObject) -> None:
    # Three visitors a cover make crowds of two, which tie unless they agree; so let two always agree.
    felt = data.draw(st.lists(st.sampled_from(NAMES[:3]), min_size=24, max_size=24))
    rows = [
        (who, seed, felt[seed] if who != "dan" else felt[-seed - 1], said[seed])
        for seed in range(24)
        for who in ("ann", "bob", "eve", "dan")
    ]
    machine, visitor, difference = reliability.one_more_visitor(cast(rows))(ONCE(len(rows)))[0]
    # Of three others, at least two are ann, bob or eve, who feel the same.
    crowd = [felt[seed] for _, seed, *_ in rows]
    for ours, answers in ((machine, [row[3] for row in rows]), (visitor, [row[2] for row in rows])):
        if len(set(crowd)) == 1 and set(answers) == set(crowd):
            assert math.isnan(ours)
        else:
            assert ours == pytest.approx(cohen_kappa_score(crowd, answers), abs=1e-9)
    assert math.isnan(difference) or difference == pytest.approx(machine - visitor)


# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", examples A, B and C: a row per observer.
BINARY = ["0100000010", "1110010000"]
TWO_OBSERVERS = ["aabbdcccedda", "babbbccceddd"]
MISSING = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]


def alpha_of(observers: list[str]) -> float:
    """Alpha of answers written as letters, a dot for none."""
    rated = [(unit, ord(answer)) for row in observers for unit, answer in enumerate(row) if answer != "."]
    units, values = (np.array(column, np.intp) for column in zip(*rated, strict=True))
    return float(reliability.alpha(units, values)(ONCE(len(units)))[0, 0])


@pytest.mark.parametrize(
    ("observers", "published"), [(BINARY, 0.095), (TWO_OBSERVERS, 0.692), (MISSING, 0.743)], ids="ABC"
)
def test_alpha_is_that_of_krippendorffs_examples(observers: list[str], published: float) -> None:
    assert round(alpha_of(observers), 3) == published
    # A single answer on something changes nothing.
    assert alpha_of([*observers, "." * 12 + "7"]) == pytest.approx(alpha_of(observers))


@pytest.mark.parametrize("observers", [["aaa", "aaa"], ["abc", "..."]])
def test_alpha_is_undefined_without_pairs_or_differences(observers: list[str]) -> None:
    assert math.isnan(alpha_of(observers))


@settings(max_examples=30, deadline=None)
@given(VOTES)
def test_without_weights_alpha_is_that_of_the_package(rows: list[tuple[str, int, str, str]]) -> None:
    votes = cast(rows)
    ours = float(reliability.alpha(votes.cover, votes.felt)(ONCE(len(votes)))[0, 0])
    paired = votes.on_covers_with(2)
    if len(np.unique(paired.felt)) < 2:
        assert math.isnan(ours)
    else:
        theirs = krippendorff.alpha(value_counts=votes.counts, level_of_measurement="nominal")
        assert ours == pytest.approx(theirs, abs=1e-9)


def by_hand(pairs: list[tuple[int, int, float]]) -> float:
    """Alpha of (unit, value, weight), pair by pair."""
    kept = [p for p in pairs if p[2] and sum(q[0] == p[0] and q[2] > 0 for q in pairs) > 1]
    total = sum(weight for *_, weight in kept)
    observed = 0.0
    for unit in {p[0] for p in kept}:
        inside = list(permutations([p for p in kept if p[0] == unit], 2))
        size = sum(p[2] for p in kept if p[0] == unit)
        observed += (
            size * sum(a[2] * b[2] * (a[1] != b[1]) for a, b in inside) / sum(a[2] * b[2] for a, b in inside)
        )
    everywhere = list(permutations(kept, 2))
    expected = sum(a[2] * b[2] * (a[1] != b[1]) for a, b in everywhere) / sum(
        a[2] * b[2] for a, b in everywhere
    )
    return 1 - observed / total / expected


def test_copies_of_a_vote_are_no_pair() -> None:
    chance = np.random.default_rng(1)
    units, values = chance.integers(0, 6, 30), chance.integers(0, 3, 30)
    weights = chance.integers(0, 4, (5, 30)).astype(float)
    ours = reliability.alpha(units, values)(weights)[:, 0]
    theirs = [by_hand(list(zip(units, values, row, strict=True))) for row in weights]
    np.testing.assert_allclose(ours, theirs)
