"""The published paintings: the table with its quoted names, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
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


def test_another_size_is_scaled_to(folder: Path) -> None:
    assert load_paintings(folder, size=32).pixels.shape == (2, 32, 32, 3)


def _no_table(folder: Path) -> None:
    (folder / "ABSTRACT_groundTruth.csv").unlink()


def _other_columns(folder: Path) -> None:
    write_table(folder, HEADER.replace("'Awe'", "'Joy'"), "'a.jpg',5,0,0,7,1,1,1,1")


def _no_image(folder: Path) -> None:
    (folder / "Images" / "a.jpg").unlink()


def _broken_image(folder: Path) -> None:
    image = folder / "Images" / "a.jpg"
    image.write_bytes(image.read_bytes()[:200])


def _image_without_line(folder: Path) -> None:
    Image.new("RGB", (64, 64)).save(folder / "Images" / "c.jpg")


def _negative_votes(folder: Path) -> None:
    write_table(folder, HEADER, "'a.jpg',5,0,-1,7,1,1,1,1", f"'b.jpg',{VOTES['b.jpg']}")


def _too_few_votes(folder: Path) -> None:
    write_table(folder, HEADER, "'a.jpg',5,0", f"'b.jpg',{VOTES['b.jpg']}")


def _no_votes(folder: Path) -> None:
    write_table(folder, HEADER, "'a.jpg',0,0,0,0,0,0,0,0", f"'b.jpg',{VOTES['b.jpg']}")


def _repeated(folder: Path) -> None:
    write_table(folder, HEADER, *[f"'a.jpg',{VOTES['a.jpg']}"] * 2, f"'b.jpg',{VOTES['b.jpg']}")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_no_table, r"ABSTRACT_groundTruth.csv is missing"),
        (_other_columns, r"must name the columns file_path, Amusement"),
        (_no_image, r"Images/a.jpg is missing"),
        (_broken_image, r"Images/a.jpg is broken"),
        (_image_without_line, r"Images/c.jpg has no line"),
        (_negative_votes, r"line 2 \(a.jpg\) needs 8 whole numbers"),
        (_too_few_votes, r"line 2 \(a.jpg\) needs 8 whole numbers"),
        (_no_votes, r"line 2 \(a.jpg\) has no votes"),
        (_repeated, r"line 3 repeats a.jpg"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, damage: Callable[[Path], None], sentence: str) -> None:
    damage(folder)
    with pytest.raises(DataError, match=sentence):
        load_paintings(folder)
