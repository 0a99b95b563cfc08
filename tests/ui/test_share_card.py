"""The card to keep, pixel by pixel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageFont

from albumjudge.domain.emotions import EMOTIONS, NOTHING
from albumjudge.ui import share_card as card
from albumjudge.ui.share_card import ENLARGE, HEIGHT, PRINT, ROW, WIDTH, Face
from tests.vote_fixtures import judged


def faces(count: int = 6, yours: str = "fear", machines: str = "awe") -> list[Face]:
    return [Face(judged(seed).cover, yours, machines) for seed in range(count)]


def drawn(shown: list[Face], **words: str) -> NDArray[np.uint8]:
    """The card as pixels, uint8 of shape (HEIGHT, WIDTH, 3)."""
    png = card.draw(
        shown, words.get("title", "My round"), words.get("sentence", "Alike."), words.get("link", "")
    )
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (WIDTH, HEIGHT))
        return np.asarray(image)


def colour(text: str) -> NDArray[np.uint8]:
    return np.array(ImageColor.getrgb(text), np.uint8)


def has(pixels: NDArray[np.uint8], text: str) -> int:
    """How many pixels have a colour exactly."""
    return int((pixels == colour(text)).all(axis=2).sum())


MARK = 5 * 32


def below(pixels: NDArray[np.uint8], down: int) -> NDArray[np.uint8]:
    """One of the two lines below the first cover, as wide as its frame."""
    left, top = card.corner(0)
    return pixels[top + PRINT + down : top + PRINT + down + 40, left - card.MAT : left + PRINT + card.MAT]


def test_covers_are_enlarged_without_a_blur() -> None:
    shown = faces()
    pixels = drawn(shown)
    for place, face in enumerate(shown):
        left, top = card.corner(place)
        here = pixels[top : top + PRINT, left : left + PRINT]
        assert (here == face.cover.pixels.repeat(ENLARGE, axis=0).repeat(ENLARGE, axis=1)).all()


@pytest.mark.parametrize("yours", ["awe", "fear"])
def test_words_are_written_in_the_hues_of_their_feelings(yours: str) -> None:
    machines = "awe" if yours != "awe" else "anger"
    pixels = drawn(faces(1, yours, machines))
    lines = [below(pixels, y) for y in (card.FIRST_LINE, card.SECOND_LINE)]
    hues = {emotion.name: emotion.colour for emotion in EMOTIONS}
    for line, own, other in zip(lines, (yours, machines), (machines, yours), strict=True):
        # The mark alone is 5 by 32 pixels; the rest are letters.
        assert has(line, hues[own]) > MARK + 15 and has(line, hues[other]) == 0


def test_words_stay_below_their_cover_and_missing_covers_leave_their_place_empty() -> None:
    pixels = drawn(faces(1, "contentment", "excitement"))
    left, top = card.corner(0)
    beside = pixels[top + PRINT + card.MAT + 2 : top + ROW - card.MAT - 2, left + PRINT + card.MAT + 1 :]
    assert has(beside, card.WALL) == beside.shape[0] * beside.shape[1]
    pixels = drawn(faces(5))
    left, top = card.corner(5)
    assert (pixels[top - card.MAT - 1 : HEIGHT - 120, left - card.MAT - 1 :] == colour(card.WALL)).all()
    assert has(below(drawn(faces(1, NOTHING)), card.FIRST_LINE), card.QUIET) > MARK


def test_long_sentences_take_two_lines_and_stay_on_the_card() -> None:
    def rows_with_ink(sentence: str) -> int:
        head = drawn(faces(1), sentence=sentence)[110 : card.FIRST_ROW - card.MAT - 2]
        assert (head[:, : card.MARGIN] == colour(card.WALL)).all()
        assert (head[:, -card.MARGIN :] == colour(card.WALL)).all()
        assert (head[-8:] == colour(card.WALL)).all()
        return int((head == colour(card.INK)).all(axis=2).any(axis=1).sum())

    short, long = (
        "Alike on 3 of 6.",
        "The machine and I felt the same on 6 of 6 covers, the crowd and I on 6 of 6.",
    )
    assert 0 < rows_with_ink(short) < rows_with_ink(long)
    assert rows_with_ink(2 * long) > 0


def test_a_frame_is_of_brass_where_both_felt_the_same() -> None:
    alike, apart = (has(drawn(faces(1, "awe", machines)), card.BRASS) for machines in ("awe", "fear"))
    # Four sides of a frame, each as long as the print and two mats.
    assert alike - apart == 4 * (PRINT + 2 * card.MAT + 1)


def test_letters_are_those_of_the_labels_or_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    card.font.cache_clear()
    assert "Serif" in str(card.font(30).getname()[0])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", lambda *_: [])
        card.font.cache_clear()
        assert card.font(30).getname() == ImageFont.load_default(30).getname()  # type: ignore[union-attr]
    card.font.cache_clear()


def test_a_link_is_written_out_whole_or_not_at_all() -> None:
    without = drawn(faces(1))
    assert (drawn(faces(1), link="http://localhost/vote?round=0123456789abcdef") != without).any()
    assert (drawn(faces(1), link="http://localhost/" + "x" * 200) == without).all()
