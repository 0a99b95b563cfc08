"""Near-duplicates: pressings of one cover are recognised, and different covers are not taken for one."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from tests.cover_servers import picture
from training.data import near_duplicates
from training.data.near_duplicates import (
    fingerprint,
    fingerprints,
    like_any,
    originals,
    repeats,
    similar_pairs,
)


def cover(seed: int, side: int = 100) -> Image.Image:
    """A cover of blotches with a title, unlike that of any other seed."""
    image = Image.open(io.BytesIO(picture(seed, (side, side), "PNG"))).convert("RGB")
    ImageDraw.Draw(image).text((side // 10, side // 10), f"Album {seed}", fill="white")
    return image


def logo(draw: Callable[[ImageDraw.ImageDraw], None], ground: str = "white") -> Image.Image:
    image = Image.new("RGB", (128, 128), ground)
    draw(ImageDraw.Draw(image))
    return image


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def pairs(*images: Image.Image) -> list[list[int]]:
    return [list(map(int, pair)) for pair in similar_pairs([fingerprint(image) for image in images])]


PRESSINGS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "another size": lambda image: image.resize((64, 64), Image.Resampling.LANCZOS),
    "enlarged": lambda image: image.resize((64, 64)).resize((200, 200)),
    "heavily compressed": lambda image: as_jpeg(image, 15),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "faded": lambda image: ImageEnhance.Color(image).enhance(0.4),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "cropped": lambda image: image.crop((1, 1, 99, 99)),
}


@pytest.mark.parametrize("pressing", PRESSINGS)
def test_a_pressing_is_recognised(pressing: str) -> None:
    images = [cover(seed) for seed in range(12)]
    missed = [seed for seed, image in enumerate(images) if not pairs(image, PRESSINGS[pressing](image))]
    assert not missed


def test_an_edition_in_other_colours_is_the_same_cover() -> None:
    grey = cover(3).convert("L")
    dim = grey.point(lambda value: value // 2)
    red, blue = Image.merge("RGB", [grey, dim, dim]), Image.merge("RGB", [dim, dim, grey])
    assert pairs(red, blue) == [[0, 1]]


def test_different_covers_are_different() -> None:
    assert pairs(*(cover(seed) for seed in range(60))) == []
    assert pairs(cover(1), cover(1).point(lambda value: 255 - value)) == []
    drawn = [
        logo(lambda d: d.ellipse((54, 54, 74, 74), fill="black")),
        logo(lambda d: d.rectangle((30, 60, 98, 66), fill="black")),
        logo(lambda d: d.rectangle((10, 10, 40, 16), fill="black")),
        logo(lambda d: d.line((64, 20, 64, 108), fill="black", width=6)),
    ]
    assert pairs(*drawn) == []
    assert pairs(*drawn, drawn[1].resize((64, 64))) == [[1, 4]]
    colours = ["black", "white", "red", "#ff0402"]
    assert pairs(*(Image.new("RGB", (64, 64), colour) for colour in colours)) == [[2, 3]]
    assert pairs(Image.new("RGB", (64, 64), "grey"), cover(1)) == []


def test_blocks_find_what_comparing_all_at_once_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image for seed in range(6) for image in (cover(seed), cover(seed, 60), cover(seed + 20))]
    expected = pairs(*images)
    assert len(expected) > 3
    for block in (1, 5, 18):
        monkeypatch.setattr(near_duplicates, "_BLOCK", block)
        assert pairs(*images) == expected


def test_the_first_of_several_stands_for_the_others_but_a_chain_does_not_reach_on() -> None:
    chain = np.array([[0, 1], [1, 2], [2, 3]])
    assert originals(5, chain).tolist() == [0, 0, 2, 2, 4]
    star = np.array([[1, 2], [1, 3], [2, 3]])
    assert originals(4, star).tolist() == [0, 1, 1, 1]


def test_near_duplicates_are_found_across_and_within() -> None:
    covers = np.stack([np.asarray(cover(seed, 64)).transpose(2, 0, 1) for seed in range(8)])
    prints, few = fingerprints(covers), fingerprints(np.concatenate([covers[5:7], 255 - covers[:1]]))
    assert like_any(few, prints).tolist() == [True, True, False]
    assert repeats(prints) == 0
    assert repeats([prints[i] for i in (0, 1, 1, 2)]) == 0.5
    assert similar_pairs([]).shape == (0, 2)
    assert similar_pairs([fingerprint(cover(1))]).shape == (0, 2)
