"""Reading album covers for training: what comes out, and what is said when something is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from albumjudge.domain.conditions import DECADES, GENRES
from tests.cover_folders import cover_folder, write_metadata
from training.data.covers import (
    CoverEntry,
    DataError,
    hold_out,
    label_numbers,
    load_covers,
    read_metadata,
)
from training.data.images import SHOWN_PROBLEMS


def entries(count: int, *, start: int = 0) -> list[CoverEntry]:
    return [CoverEntry(f"{number}.png", "x", (), None) for number in range(start, start + count)]


def one_cover(root: Path, image: Image.Image, name: str = "cover.png") -> Path:
    root.mkdir(exist_ok=True)
    image.save(root / name)
    write_metadata(root, [{"file_name": name}])
    return root


def test_covers_come_in_the_order_of_the_list_with_what_is_known_of_them(tmp_path: Path) -> None:
    for name, colour in (("b.png", (255, 0, 0)), ("a.png", (0, 0, 255))):
        Image.new("RGB", (16, 16), colour).save(tmp_path / name)
    write_metadata(
        tmp_path,
        [
            {"file_name": "b.png", "source": "x", "genre": "rock|pop", "decade": "1970s"},
            {"file_name": "a.png", "source": "y", "genre": "", "decade": ""},
        ],
    )
    covers = load_covers(tmp_path, size=16)
    assert covers.pixels.shape == (2, 3, 16, 16)
    assert covers.pixels.dtype == np.uint8
    assert covers.pixels[0, :, 0, 0].tolist() == [255, 0, 0]
    assert covers.pixels[1, :, 0, 0].tolist() == [0, 0, 255]
    assert covers.entries[0].genres == ("rock", "pop")
    assert covers.entries[0].decade == "1970s"
    assert (covers.entries[1].genres, covers.entries[1].decade) == ((), None)
    assert len(covers) == 2


def test_names_are_enough_and_decades_may_lack_their_s(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("\ufefffile_name,decade\na.png,1980\nb.png,\n", encoding="utf-8")
    first, second = read_metadata(tmp_path)
    assert first.decade == "1980s"
    assert (second.source, second.genres, second.decade) == ("", (), None)


@pytest.mark.parametrize("size", [8, 16, 64])
def test_covers_are_scaled_to_the_size_asked_for_and_else_not_touched(tmp_path: Path, size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    covers = load_covers(one_cover(tmp_path, Image.fromarray(pixels)), size=size)
    assert covers.pixels.shape == (1, 3, size, size)
    if size == 16:
        assert (covers.pixels[0].transpose(1, 2, 0) == pixels).all()
    almost_square = Image.new("RGB", (100, 96), (10, 200, 30))
    scaled = load_covers(one_cover(tmp_path / "b", almost_square), size=size).pixels[0]
    assert (scaled.reshape(3, -1).T == (10, 200, 30)).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"metadata\.csv is missing"),
        ("", "has no column file_name"),
        ("name,source\na.png,x\n", "has no column file_name"),
        ("file_name,source\n", r"lists no cover\."),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "metadata.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        load_covers(tmp_path, size=8)
    with pytest.raises(DataError, match=r"There is no folder .*/none\. Give --data a folder"):
        load_covers(tmp_path / "none", size=8)


@pytest.mark.parametrize("count", [0, 1, 29])
def test_covers_are_parted_into_two_sides_in_their_order(count: int) -> None:
    everything = entries(30)
    kept, held = hold_out(everything, count)
    assert (len(kept), len(held)) == (30 - count, count)
    assert sorted(kept + held, key=everything.index) == everything
    for side in (kept, held):
        assert side == sorted(side, key=everything.index)


def test_source_and_limit_choose(tmp_path: Path) -> None:
    rows = []
    for number, source in enumerate("xyxyx"):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "source": source})
    write_metadata(tmp_path, rows)
    assert load_covers(tmp_path, size=8, source="x").pixels[:, 0, 0, 0].tolist() == [0, 2, 4]
    held = load_covers(tmp_path, size=8, source="x", held_out=2, held=True)
    assert [entry.source for entry in held.entries] == ["x", "x"]
    with pytest.raises(DataError, match="3 covers are too few to hold 3 out"):
        load_covers(tmp_path, size=8, source="x", held_out=3)
    with pytest.raises(DataError, match="lists no cover of source 'z'"):
        load_covers(tmp_path, size=8, source="z")


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "c.jpg", (254, 0, 0)),
        (Image.new("L", (16, 16), 77), "l.png", (77, 77, 77)),
        (Image.new("1", (16, 16), 1), "1.png", (255, 255, 255)),
        (Image.new("RGBA", (16, 16), (9, 8, 7, 255)), "a.png", (9, 8, 7)),
        (Image.new("LA", (16, 16), (50, 255)), "la.png", (50, 50, 50)),
        (Image.new("RGB", (16, 16), (1, 2, 3)).quantize(4), "p.png", (1, 2, 3)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_colour_mode_becomes_rgb(
    tmp_path: Path, image: Image.Image, name: str, expected: tuple[int, int, int]
) -> None:
    pixels = load_covers(one_cover(tmp_path, image, name), size=16).pixels[0]
    assert np.abs(pixels.reshape(3, -1).T.astype(int) - expected).max() <= 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"file_name": "b.png", "genre": "rock|polka"}, "line 3 has the unknown genre 'polka'"),
        ({"file_name": "b.png", "decade": "1870s"}, "line 3 has the unknown decade '1870s'"),
        ({"file_name": "a.png"}, "line 3 repeats a.png"),
        ({"file_name": " "}, "line 3 names no file"),
    ],
)
def test_a_mislabelled_line_is_named(tmp_path: Path, row: dict[str, str], said: str) -> None:
    write_metadata(tmp_path, [{"file_name": "a.png"}, row])
    with pytest.raises(DataError, match=said):
        read_metadata(tmp_path)


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_missing_broken_truncated_and_oblong_covers_are_all_named_at_once(tmp_path: Path, form: str) -> None:
    root = cover_folder(tmp_path / "covers", 5, size=64)
    images = root / "images"
    (images / "000.png").unlink()
    (images / "001.png").write_bytes(b"this is no picture")
    with Image.open(images / "002.png") as image:
        image.load()
        image.save(images / "002.png", form)
    whole = (images / "002.png").read_bytes()
    (images / "002.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (30, 20)).save(images / "003.png")
    with pytest.raises(DataError) as caught:
        load_covers(root, size=16)
    said = str(caught.value)
    for problem in (
        "0.png is missing",
        "1.png is no picture",
        "2.png is broken",
        "3.png is not square (30x20)",
    ):
        assert f"images/00{problem}" in said
    assert "004" not in said and said.endswith("Restore them or remove their lines.")


def test_of_many_problems_only_some_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    write_metadata(tmp_path, [{"file_name": f"{number}.png"} for number in range(SHOWN_PROBLEMS + 3)])
    with pytest.raises(DataError) as caught:
        load_covers(tmp_path, size=8)
    assert str(caught.value).count("is missing") == SHOWN_PROBLEMS
    assert "and 3 more" in str(caught.value)


def test_a_cover_keeps_its_side_when_others_come_or_go_but_for_those_at_the_border() -> None:
    before = {entry.file_name for entry in hold_out(entries(200), 50)[1]}
    shuffled = entries(200)[::-1]
    assert {entry.file_name for entry in hold_out(shuffled, 50)[1]} == before
    known = {entry.file_name for entry in entries(200)}
    grown = {entry.file_name for entry in hold_out(entries(240), 50)[1]}
    assert 0 < len(grown - known) < 25
    assert grown & known < before
    gone = entries(200)[:-1]
    shrunk = {entry.file_name for entry in hold_out(gone, 50)[1]}
    assert before - {"199.png"} <= shrunk
    assert len(shrunk - before) <= 1


def test_the_covers_held_out_are_loaded_instead_of_the_others(tmp_path: Path) -> None:
    root = cover_folder(tmp_path / "covers", 10, size=8)
    everything = load_covers(root, size=8)
    kept, held = (load_covers(root, size=8, held_out=3, held=held) for held in (False, True))
    assert (kept.entries, held.entries) == tuple(tuple(side) for side in hold_out(everything.entries, 3))
    for side in (kept, held):
        places = [everything.entries.index(entry) for entry in side.entries]
        assert (side.pixels == everything.pixels[places]).all()


def test_labels_are_numbered_and_of_several_genres_each_is_drawn_equally_often() -> None:
    some = [
        CoverEntry("a.png", "", (GENRES[0],), DECADES[0]),
        CoverEntry("b.png", "", (), DECADES[-1]),
        CoverEntry("c.png", "", (GENRES[-1],), None),
        CoverEntry("d.png", "", (), None),
    ]
    numbers = label_numbers(some, torch.Generator().manual_seed(0))
    assert numbers.dtype == torch.int64
    assert numbers.tolist() == [[1, 1], [0, len(DECADES)], [len(GENRES), 0], [0, 0]]
    several = [CoverEntry("a.png", "", ("rock", "jazz", "pop"), "1970s")] * 3000
    numbers = label_numbers(several, torch.Generator().manual_seed(0))
    assert set(numbers[:, 1].tolist()) == {1 + DECADES.index("1970s")}
    expected = {1 + GENRES.index(genre) for genre in ("rock", "jazz", "pop")}
    counts = torch.bincount(numbers[:, 0], minlength=1 + len(GENRES))
    assert {number for number, count in enumerate(counts.tolist()) if count} == expected
    # A count's standard deviation is 26.
    assert all(abs(int(counts[number]) - 1000) < 5 * 26 for number in expected)
    assert torch.equal(numbers, label_numbers(several, torch.Generator().manual_seed(0)))
    assert not torch.equal(numbers, label_numbers(several, torch.Generator().manual_seed(1)))
