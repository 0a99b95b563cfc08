"""The committed splits are fair, fixed, and those that the code draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.data.covers import DataError
from training.judge.cross_validation import SPLITS, make, read

NAMES = tuple(json.loads(SPLITS.read_text(encoding="utf-8"))["splits"])


def test_the_file_holds_what_the_code_draws() -> None:
    kept = json.loads(SPLITS.read_text(encoding="utf-8"))
    assert len(NAMES) == 280
    assert kept["splits"] == make(NAMES, kept["seed"])


def test_every_painting_is_asked_about_once_in_each_repeat() -> None:
    crossed, _ = read(NAMES)
    assert len(crossed.splits) == 25
    for repeat in range(5):
        asked = np.concatenate([s.asked for s in crossed.splits if s.repeat == repeat])
        assert sorted(asked.tolist()) == list(range(280))


def test_seventy_thirty() -> None:
    _, held = read(NAMES)
    assert [len(split.asked) for split in held.splits] == [84] * 10


def test_nothing_is_learnt_and_asked() -> None:
    for protocol in read(NAMES):
        for split in protocol.splits:
            assert not set(split.learnt.tolist()) & set(split.asked.tolist())
            assert len(split.learnt) + len(split.asked) == 280


def test_other_paintings_or_a_broken_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not fit these paintings"):
        read(("unknown.jpg",))
    (tmp_path / "splits.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="writes it anew"):
        read(NAMES, tmp_path / "splits.json")
