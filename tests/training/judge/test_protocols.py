"""The committed splits are fair, fixed, and those that the code draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.data.images import DataError
from training.judge.protocols import PARTS, SPLITS, draw_splits, part, read_splits

NAMES = tuple(json.loads(SPLITS.read_text(encoding="utf-8"))["splits"])


def test_the_file_holds_what_the_code_draws() -> None:
    kept = json.loads(SPLITS.read_text(encoding="utf-8"))
    assert len(NAMES) == 280
    assert kept["splits"] == draw_splits(NAMES, kept["seed"])


def test_every_painting_is_tested_about_once_in_each_repeat() -> None:
    crossed, _ = read_splits(NAMES)
    assert len(crossed.splits) == 25
    for repeat in range(5):
        tested = np.concatenate([s.test for s in crossed.splits if s.repeat == repeat])
        assert sorted(tested.tolist()) == list(range(280))


def test_seventy_thirty() -> None:
    _, held = read_splits(NAMES)
    assert [len(split.test) for split in held.splits] == [84] * 10


def test_nothing_is_learnt_and_tested() -> None:
    for protocol in read_splits(NAMES):
        for split in protocol.splits:
            assert not set(split.train.tolist()) & set(split.test.tolist())
            assert len(split.train) + len(split.test) == 280


def test_other_paintings_or_a_broken_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not fit these paintings"):
        read_splits(("unknown.jpg",))
    (tmp_path / "splits.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="writes it anew"):
        read_splits(NAMES, tmp_path / "splits.json")


def test_a_fifth_of_the_other_paintings_is_held_out_by_name_alone() -> None:
    held_out = json.loads(SPLITS.read_text(encoding="utf-8"))["held_out"]
    assert len(held_out) == 213 and all(part(name) == 0 for name in held_out)
    parts = [part(f"images/{number}.jpg") for number in range(2000)]
    assert np.bincount(parts, minlength=PARTS) / 2000 == pytest.approx(1 / PARTS, abs=0.04)
