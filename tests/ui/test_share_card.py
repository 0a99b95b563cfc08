"""The card to keep, pixel by pixel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.ui import share_card as card
from albumjudge.ui import shell
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


def test_all_six_fit_with_their_words_below() -> None:
    corners = [card.corner(place) for place in range(6)]
    assert len(set(corners)) == 6
    assert all(left > 0 and left + PRINT < WIDTH for left, _ in corners)
    below = [top + PRINT + card.SECOND_LINE + 40 for _, top in corners]
    assert max(below) < HEIGHT - 112 and below[0] < corners[3][1] - card.MAT
    left, right = corners[0][0] - card.MAT, corners[2][0] + PRINT + card.MAT
    assert left == WIDTH - right == card.MARGIN


@pytest.mark.parametrize("yours", NAMES)
def test_words_are_written_in_the_hues_of_their_feelings(yours: str) -> None:
    machines = "awe" if yours != "awe" else "anger"
    pixels = drawn(faces(1, yours, machines))
    lines = [below(pixels, y) for y in (card.FIRST_LINE, card.SECOND_LINE)]
    hues = {emotion.name: emotion.colour for emotion in EMOTIONS}
    for line, own, other in zip(lines, (yours, machines), (machines, yours), strict=True):
        # The mark alone is 5 by 32 pixels; the rest are letters.
        assert has(line, hues[own]) > MARK + 15 and has(line, hues[other]) == 0


def test_the_longest_word_stays_below_its_cover() -> None:
    pixels = drawn(faces(1, "contentment", "excitement"))
    left, top = card.corner(0)
    beside = pixels[top + PRINT + card.MAT + 2 : top + ROW - card.MAT - 2, left + PRINT + card.MAT + 1 :]
    assert has(beside, card.WALL) == beside.shape[0] * beside.shape[1]


def test_the_place_of_a_missing_cover_stays_empty() -> None:
    pixels = drawn(faces(5))
    left, top = card.corner(5)
    assert (pixels[top - card.MAT - 1 : HEIGHT - 120, left - card.MAT - 1 :] == colour(card.WALL)).all()


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


def test_letters_come_from_the_font_that_is_named_if_it_can_be_read(tmp_path: Path) -> None:
    plain = card.draw(faces(1), "My round", "Alike.")
    (tmp_path / "broken.woff2").write_bytes(b"no font")
    for missing in (tmp_path / "broken.woff2", tmp_path / "gone.ttf"):
        assert card.draw(faces(1), "My round", "Alike.", lettering=missing) == plain
    serif = shell.serif()
    assert serif is not None and serif.is_file()
    assert card.draw(faces(1), "My round", "Alike.", lettering=serif) != plain


def test_a_link_is_written_out_whole_or_not_at_all() -> None:
    without = drawn(faces(1))
    assert (drawn(faces(1), link="http://localhost/vote?round=0123456789abcdef") != without).any()
    assert (drawn(faces(1), link="http://localhost/" + "x" * 200) == without).all()


def test_nothing_is_quiet() -> None:
    assert has(below(drawn(faces(1, NOTHING)), card.FIRST_LINE), card.QUIET) > MARK


@pytest.mark.parametrize("count", [0, 7])
def test_a_card_has_one_to_six_covers(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 6"):
        card.draw(faces(count), "", "")


def test_a_feeling_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the eight"):
        card.draw(faces(1, "boredom"), "", "")
