"""What colours a picture has, in words: for people who hear the exhibit instead of seeing it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from albumjudge.ui.words import N_, _

_HUES: tuple[tuple[float, str], ...] = (
    (15, N_("red")),
    (45, N_("orange")),
    (68, N_("yellow")),
    (165, N_("green")),
    (195, N_("turquoise")),
    (255, N_("blue")),
    (290, N_("purple")),
    (340, N_("pink")),
    (360, N_("red")),
)
"""Upper end of each named range of hue, in degrees."""

WORDS: tuple[str, ...] = (
    N_("black"),
    N_("grey"),
    N_("white"),
    N_("brown"),
    *dict.fromkeys(name for _, name in _HUES),
)
"""Every word :func:`in_words` can use."""
_place = WORDS.index
_ENDS = [end for end, _ in _HUES]
_PLACES = np.array([_place(name) for _, name in _HUES])


_CONTRAST = 0.1
"""Difference in brightness, 0 to 1, from which one part of a picture is said to be lighter."""


def shares(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Share of each colour word in a picture.

    Args:
        pixels: RGB, shape ``(height, width, 3)``, at least one pixel.

    Returns:
        word to share, largest first; shares are above zero and add up to one.

    Raises:
        ValueError: if there is no pixel.
    """
    if pixels.size == 0:
        raise ValueError("A picture without pixels has no colours.")
    rgb = pixels.reshape(-1, 3).astype(np.float64) / 255
    value, lowest = rgb.max(axis=1), rgb.min(axis=1)
    chroma = value - lowest
    lightness = (value + lowest) / 2
    safe = np.where(chroma > 0, chroma, 1)
    red, green, blue = rgb.T
    hue = np.select(
        [value == red, value == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    # Places in ``WORDS``; words themselves would be compared letter by letter.
    found = _PLACES[np.searchsorted(_ENDS, hue * 60, side="right").clip(max=len(_HUES) - 1)]
    dark_warm = ((found == _place("orange")) | (found == _place("yellow"))) & (value < 0.6)
    found = np.where(dark_warm, _place("brown"), found)
    plain = (chroma < 0.12) | (chroma < 0.3 * value) & (chroma < 0.2)
    greys = np.select([lightness < 0.2, lightness > 0.8], [_place("black"), _place("white")], _place("grey"))
    found = np.where(plain, greys, found)
    found = np.where(value < 0.16, _place("black"), found)
    counts = np.bincount(found, minlength=len(WORDS)).tolist()
    order = sorted((-count, word) for word, count in zip(WORDS, counts, strict=True) if count)
    return {word: -count / len(found) for count, word in order}


def in_words(pixels: NDArray[np.uint8]) -> str:
    """Say the main colours of a picture: "mostly orange and black", "all white".

    Args:
        pixels: as for :func:`shares`.
    """
    found = shares(pixels)
    (first, one), *rest = ((_(word), share) for word, share in found.items())
    if one > 0.85 or not rest:
        return _("all {colour}", colour=first) if one > 0.98 else _("almost all {colour}", colour=first)
    second, two = rest[0]
    if one >= 0.5 and two < 0.15:
        return _("mostly {colour}", colour=first)
    return _("mostly {colour} and {other}", colour=first, other=second)


def layout(pixels: NDArray[np.uint8]) -> str:
    """Say how a picture is laid out: where it is lightest, and what stands out from its edges.

    Args:
        pixels: RGB, shape ``(height, width, 3)``, at least four pixels a side.
    """
    light = pixels.astype(np.float64) @ (0.299, 0.587, 0.114) / 255
    height, width = light.shape
    top, bottom = light[: height // 3].mean(), light[-(height // 3) :].mean()
    left, right = light[:, : width // 3].mean(), light[:, -(width // 3) :].mean()
    middle = light[height // 4 : -(height // 4), width // 4 : -(width // 4)].mean()
    edge = (light.sum() - middle * light.size / 4) / (0.75 * light.size)
    found = {
        N_("lighter at the top"): top - bottom,
        N_("lighter at the bottom"): bottom - top,
        N_("lighter on the left"): left - right,
        N_("lighter on the right"): right - left,
        N_("a light middle within dark edges"): middle - edge,
        N_("a dark middle within light edges"): edge - middle,
    }
    strongest = max(found, key=found.__getitem__)
    return (
        _(strongest)
        if found[strongest] >= _CONTRAST
        else _("evenly light")
        if light.mean() > 0.5
        else _("evenly dark")
    )
