"""Other paintings: scores where people were asked, and what can be wrong with the folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.jury_fixtures import make_others
from training.data.covers import DataError
from training.data.paintings import load_other_paintings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_others(tmp_path / "others")


def test_scores_and_pixels(folder: Path) -> None:
    others = load_other_paintings(folder, size=16)
    assert others.columns == ("bws_anger", "wikiart_trust", "wikiart_anger")
    assert others.pixels.shape == (30, 16, 16, 3) and others.pixels.dtype == np.uint8
    assert np.isnan(others.scores[:, 0]).sum() == 14 and np.isfinite(others.scores[:, 1]).all()
    assert others.scores[1, 0] > 0 > others.scores[0, 0]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("bws_anger,wikiart_trust,wikiart_anger", "anger,trust,scorn", "needs file_name and columns"),
        ("0.png,", "0.png,much", "has 'much' as bws_anger"),
        ("0.png,", "0.png,inf", "has 'inf"),
        ("0.png", "gone.png", "gone.png is missing"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, before: str, after: str, message: str) -> None:
    table = folder / "metadata.csv"
    text = table.read_text(encoding="utf-8")
    if after.startswith("0.png,"):  # In place of the number that stands there.
        line = next(line for line in text.splitlines() if line.startswith("0.png"))
        new = text.replace(line, f"{after},{line.split(',')[2]}")
    else:
        new = text.replace(before, after, 1)
    table.write_text(new, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_other_paintings(folder)


def test_a_broken_image_and_a_missing_table(folder: Path) -> None:
    (folder / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"3\.png is no picture"):
        load_other_paintings(folder)
    (folder / "metadata.csv").unlink()
    with pytest.raises(DataError, match=r"metadata\.csv is missing"):
        load_other_paintings(folder)
