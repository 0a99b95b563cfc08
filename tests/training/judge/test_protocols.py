"""The splits are fair, and always the same."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from training.judge.protocols import FOLDS, PARTS, REPEATS, cross_validation, part


def test_the_folds_are_those_that_were_measured_and_test_nothing_that_they_train_on() -> None:
    tests = [split.test.tolist() for split in cross_validation(280)]
    assert (
        len(tests) == REPEATS * FOLDS
        and hashlib.sha256(repr(tests).encode()).hexdigest()[:16] == "032b1668f6b14684"
    )
    splits = cross_validation(83)
    for split in splits:
        assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(83))
    for repeat in range(REPEATS):
        tested = np.concatenate([split.test for split in splits if split.repeat == repeat])
        assert sorted(tested.tolist()) == list(range(83))


def test_a_fifth_of_the_other_paintings_is_held_out_by_name_alone() -> None:
    parts = [part(f"images/{number}.jpg") for number in range(2000)]
    assert np.bincount(parts, minlength=PARTS) / 2000 == pytest.approx(1 / PARTS, abs=0.04)
    assert parts[:6] == [0, 4, 0, 1, 0, 4]
