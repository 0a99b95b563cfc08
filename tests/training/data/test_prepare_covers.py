"""Preparing covers: what stays, what goes and why, and that training reads the outcome."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cover_folders import rows, write_metadata
from tests.cover_servers import picture
from training.data import prepare_covers
from training.data.covers import load_covers, read_metadata
from training.data.images import load
from training.data.prepare_covers import HELD_OUT, TRAIN, main, prepare

FIELDS = ("file_name", "source", "genre", "decade", "year")


def folder(root: Path, covers: dict[str, tuple[bytes, dict[str, str]]]) -> Path:
    """Write pictures with their labels."""
    (root / "images").mkdir(parents=True)
    for name, (body, _) in covers.items():
        (root / name).write_bytes(body)
    write_metadata(root, [{"file_name": name, **labels} for name, (_, labels) in covers.items()], FIELDS)
    return root


def plain(root: Path, count: int, side: int = 48) -> Path:
    """A folder of different covers without labels."""
    return folder(root, {f"images/{i:03d}.png": (picture(i, (side, side), "PNG"), {}) for i in range(count)})


def test_pressings_become_one_cover_the_largest_with_all_that_is_known(tmp_path: Path) -> None:
    small = {"source": "a", "genre": "jazz", "decade": "1960s", "year": "1964"}
    root = folder(
        tmp_path / "covers",
        {
            "images/small.jpg": (picture(1, (64, 64)), small),
            "images/large.png": (
                picture(1, (300, 300), "PNG"),
                {"source": "b", "decade": "2010s", "year": "2011"},
            ),
            "images/middle.jpg": (picture(1, (128, 128)), {"source": "c", "genre": "rock", "year": "1999"}),
            "images/other.jpg": (picture(2, (64, 64)), {"source": "a", "genre": "pop", "decade": "1980s"}),
        },
    )
    prepare([root], tmp_path / "out")
    large, other = rows(tmp_path / "out")
    assert large["file_name"] == "images/large.png" and large["original"] == "covers/images/large.png"
    assert (large["source"], large["decade"], large["year"]) == ("b", "1960s", "1964")
    assert large["genre"] == "rock"
    assert (large["width"], large["height"]) == ("300", "300")
    assert (other["genre"], other["decade"], other["split"]) == ("pop", "1980s", TRAIN)
    assert {row["original"]: row["reason"] for row in rows(tmp_path / "out", "left_out.csv")} == {
        "covers/images/small.jpg": "is a near-duplicate of covers/images/large.png",
        "covers/images/middle.jpg": "is a near-duplicate of covers/images/large.png",
    }


@pytest.mark.parametrize("size", [16, 48, 64, 100])
def test_the_new_pictures_are_what_training_would_have_made_of_the_old(tmp_path: Path, size: int) -> None:
    bodies = [
        picture(1, (200, 200)),
        picture(2, (100, 96)),
        picture(3, (64, 64), "PNG"),
        picture(4, form="GIF"),
    ]
    root = folder(tmp_path / "covers", {f"images/{i}.jpg": (body, {}) for i, body in enumerate(bodies)})
    out = tmp_path / "out"
    prepare([root], out, size=size)
    assert {Image.open(path).size for path in (out / "images").iterdir()} == {(size, size)}
    before, after = load_covers(root, size=size), load_covers(out, size=size)
    assert np.array_equal(before.pixels, after.pixels)


def test_what_cannot_be_used_is_left_out_with_the_reason_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rock = {"source": "x", "genre": "rock|pop", "decade": "1970"}
    whole = picture(7, (64, 64))
    covers: dict[str, tuple[bytes, dict[str, str]]] = {
        "images/1.jpg": (picture(1, (64, 64)), rock),
        "images/2.jpg": (picture(2, (64, 64)), {"source": "x", "genre": "rock"}),
        "images/3.jpg": (picture(3, (64, 64)), {}),
        "images/broken.jpg": (whole[: len(whole) // 2], {}),
        "images/wide.jpg": (picture(8, (64, 48)), {}),
        "images/text.jpg": (b"no picture", {}),
        "images/tiny.jpg": (picture(9, (31, 31)), {}),
        "images/gone.jpg": (b"", {}),
    }
    root, out = folder(tmp_path / "covers", covers), tmp_path / "out"
    (root / "images" / "gone.jpg").unlink()
    assert main(["--data", str(root), "--out", str(out)]) == 0
    reasons = {Path(row["original"]).stem: row["reason"] for row in rows(out, "left_out.csv")}
    assert reasons.pop("broken").startswith("is broken (")
    assert reasons == {
        "wide": "is not square (64x48)",
        "text": "is no picture, or of a format that is not taken",
        "tiny": "is too small (31x31)",
        "gone": "is missing",
    }
    assert len(load_covers(out, size=64)) == 3
    printed = capsys.readouterr().out
    assert "3 covers stay, 5 were left out" in printed
    for counted in (r"rock +2\n", r"pop +1\n", r"1970s +1\n", r"x +2\n"):
        assert re.search(counted, printed)


def test_several_folders_are_joined_even_if_their_files_have_the_same_names(tmp_path: Path) -> None:
    one = folder(tmp_path / "a" / "covers", {"images/1.jpg": (picture(1), {"source": "a"})})
    body = {"source": "b"}
    two = folder(tmp_path / "b" / "covers", {"images/1.png": (picture(2, form="PNG"), body)})
    (two / "more").mkdir()
    (two / "more" / "1.jpg").write_bytes(picture(3))
    write_metadata(two, [{"file_name": "images/1.png", **body}, {"file_name": "more/1.jpg", **body}], FIELDS)
    prepare([one, two], tmp_path / "out")
    entries = read_metadata(tmp_path / "out")
    assert [entry.source for entry in entries].count("b") == 2
    names = sorted(entry.file_name for entry in entries)
    assert len({name.lower() for name in names}) == 3 and {"images/1.png", "images/more-1.png"} < set(names)
    assert len(load_covers(tmp_path / "out", size=48)) == 3


def test_a_tenth_is_held_out_by_the_hash_of_the_file_name(tmp_path: Path) -> None:
    prepare([plain(tmp_path / "covers", 25)], tmp_path / "out")
    listed = rows(tmp_path / "out")
    ranked = sorted(listed, key=lambda row: hashlib.sha256(row["file_name"].encode()).digest())
    assert [row["split"] for row in ranked] == [HELD_OUT] * 2 + [TRAIN] * 23
    assert [row["file_name"] for row in listed] == sorted(row["file_name"] for row in listed)


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out, square, left = plain(tmp_path / "covers", 6), tmp_path / "out", load, [0] * 3

    def interrupted(path: Path, size: int) -> Image.Image:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return square(path, size)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(prepare_covers, "load", interrupted)
        prepare([root], out)
    assert not out.exists()
    prepare([root], out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["covers", "out"]
    assert len(load_covers(out, size=64)) == 6


def test_an_old_folder_is_never_written_over_and_an_empty_one_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = plain(tmp_path / "covers", 3)
    before = (root / "metadata.csv").read_bytes()
    assert main(["--data", str(root), "--out", str(root)]) == 1
    assert "is already there. Give another --out" in capsys.readouterr().err
    assert (root / "metadata.csv").read_bytes() == before
    bad = folder(tmp_path / "bad", {"images/text.jpg": (b"no picture", {})})
    assert main(["--data", str(bad), "--out", str(tmp_path / "out")]) == 1
    assert "can be used" in capsys.readouterr().err and not (tmp_path / "out").exists()
