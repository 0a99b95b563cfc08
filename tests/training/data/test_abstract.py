"""The published paintings: the table with its quoted names, and what can be wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.abstract import load_paintings
from training.data.covers import DataError

HEADER = "'file_path','Amusement','Anger','Awe','Content','Disgust','Excitement','Fear','Sad'"
VOTES = {"a.jpg": "5,0,0,7,1,1,1,1", "b.jpg": "1,0,1,6,0,3,0,6"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Images").mkdir()
    for i, name in enumerate(VOTES):
        Image.new("RGB", (64, 64), (40 * i, 80, 120)).save(tmp_path / "Images" / name)
    write_table(tmp_path, HEADER, *(f"'{name}',{votes}" for name, votes in VOTES.items()))
    return tmp_path


def write_table(folder: Path, *lines: str) -> None:
    (folder / "ABSTRACT_groundTruth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_names_are_unquoted_and_votes_counted(folder: Path) -> None:
    paintings = load_paintings(folder)
    assert paintings.file_names == ("a.jpg", "b.jpg")
    assert paintings.pixels.shape == (2, 64, 64, 3) and paintings.pixels.dtype == np.uint8
    assert paintings.votes[0].tolist() == [5, 0, 0, 7, 1, 1, 1, 1]
    assert paintings.shares.sum(1) == pytest.approx(1)
    assert paintings.clear.tolist() == [True, False]
    assert load_paintings(folder, size=32).pixels.shape == (2, 32, 32, 3)


GOOD = [f"'{name}',{votes}" for name, votes in VOTES.items()]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (None, r"ABSTRACT_groundTruth.csv is missing"),
        ([HEADER.replace("'Awe'", "'Joy'"), *GOOD], r"must name the columns file_path, Amusement"),
        ([HEADER, *GOOD, "'c.jpg',5,0,0,7,1,1,1,1"], r"Images/c.jpg is missing"),
        ([HEADER, GOOD[0]], r"Images/b.jpg has no line"),
        ([HEADER, "'a.jpg',5,0,-1,7,1,1,1,1", GOOD[1]], r"line 2 \(a.jpg\) needs 8 whole numbers"),
        ([HEADER, "'a.jpg',5,0", GOOD[1]], r"line 2 \(a.jpg\) needs 8 whole numbers"),
        ([HEADER, "'a.jpg',0,0,0,0,0,0,0,0", GOOD[1]], r"line 2 \(a.jpg\) has no votes"),
        ([HEADER, GOOD[0], *GOOD], r"line 3 repeats a.jpg"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, lines: list[str] | None, sentence: str) -> None:
    if lines is None:
        (folder / "ABSTRACT_groundTruth.csv").unlink()
    else:
        write_table(folder, *lines)
    with pytest.raises(DataError, match=sentence):
        load_paintings(folder)


def test_a_broken_image_is_named(folder: Path) -> None:
    image = folder / "Images" / "a.jpg"
    image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(DataError, match=r"Images/a.jpg is broken"):
        load_paintings(folder)
