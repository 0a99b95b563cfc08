"""The committed splits are fair, fixed, and drawn as they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.data.images import DataError
from training.judge.protocols import PARTS, SEED, SPLITS, part, read_splits

KEPT = json.loads(SPLITS.read_text(encoding="utf-8"))
NAMES = tuple(KEPT["splits"])


def drawn(*key: int) -> np.ndarray:
    return np.random.default_rng([SEED, *key]).permutation(len(NAMES))


def test_the_file_holds_what_the_seed_draws() -> None:
    crossed, held = read_splits(NAMES)
    assert len(NAMES) == 280 and [len(split.test) for split in held.splits] == [84] * 10
    for repeat in range(5):
        order = drawn(repeat)
        tests = [split.test for split in crossed.splits if split.repeat == repeat]
        assert [sorted(order[fold::5]) for fold in range(5)] == [test.tolist() for test in tests]
        assert sorted(np.concatenate(tests).tolist()) == list(range(280))
    assert [sorted(drawn(100 + draw)[:84]) for draw in range(10)] == [s.test.tolist() for s in held.splits]


def test_nothing_is_trained_on_and_tested() -> None:
    for protocol in read_splits(NAMES):
        for split in protocol.splits:
            assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(280))


def test_other_paintings_or_a_broken_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not fit these paintings"):
        read_splits(("unknown.jpg",))
    (tmp_path / "splits.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="does not fit these paintings"):
        read_splits(NAMES, tmp_path / "splits.json")


def test_a_fifth_of_the_other_paintings_is_held_out_by_name_alone() -> None:
    assert len(KEPT["held_out"]) == 213 and all(part(name) == 0 for name in KEPT["held_out"])
    parts = [part(f"images/{number}.jpg") for number in range(2000)]
    assert np.bincount(parts, minlength=PARTS) / 2000 == pytest.approx(1 / PARTS, abs=0.04)
