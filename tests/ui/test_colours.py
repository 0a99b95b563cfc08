"""Colour words for pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumjudge.ui import colours


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((230, 20, 20), "red"),
        ((240, 130, 20), "orange"),
        ((100, 60, 20), "brown"),
        ((240, 230, 30), "yellow"),
        ((30, 180, 40), "green"),
        ((30, 200, 200), "turquoise"),
        ((30, 60, 220), "blue"),
        ((130, 40, 220), "purple"),
        ((240, 90, 190), "pink"),
        ((230, 20, 40), "red"),
    ],
)
def test_plain_colours_have_their_names(rgb: tuple[int, int, int], word: str) -> None:
    pixels = np.full((4, 4, 3), rgb, np.uint8)
    assert colours.shares(pixels) == {word: 1.0}
    assert colours.in_words(pixels) == f"all {word}"


def test_two_colours_are_named_the_larger_first_and_none_refused() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:6] = (240, 130, 20)
    assert colours.in_words(pixels) == "mostly orange and black"
    with pytest.raises(ValueError, match="without pixels"):
        colours.shares(np.zeros((0, 0, 3), np.uint8))


@pytest.mark.parametrize(("rows", "words"), [(90, "almost all black"), (70, "mostly black")])
def test_small_parts_go_unsaid(rows: int, words: str) -> None:
    pixels = np.full((100, 1, 3), 0, np.uint8)
    pixels[rows : rows + (100 - rows) // 3] = (240, 130, 20)
    pixels[rows + (100 - rows) // 3 : rows + 2 * ((100 - rows) // 3)] = (30, 60, 220)
    pixels[rows + 2 * ((100 - rows) // 3) :] = (30, 180, 40)
    assert colours.in_words(pixels) == words


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=30))
def test_any_picture_has_words_and_shares_that_add_up(pixels: list[tuple[int, int, int]]) -> None:
    shares = colours.shares(np.array([pixels], np.uint8))
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert set(shares) <= set(colours.WORDS)
    assert next(iter(shares)) in colours.in_words(np.array([pixels], np.uint8))


@pytest.mark.parametrize(
    ("light", "words"),
    [
        (np.s_[:8], "lighter at the top"),
        (np.s_[8:], "lighter at the bottom"),
        (np.s_[:, :8], "lighter on the left"),
        (np.s_[:, 8:], "lighter on the right"),
        (np.s_[4:12, 4:12], "a light middle within dark edges"),
        (np.s_[:], "evenly light"),
        (np.s_[:0], "evenly dark"),
    ],
)
def test_a_layout_is_said(light: slice, words: str) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[light] = 255
    assert colours.layout(pixels) == words
    if "middle" in words:
        assert colours.layout(255 - pixels) == "a dark middle within light edges"
