"""What colours a picture has, in words: for people who hear the exhibit instead of seeing it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HUES: tuple[tuple[float, str], ...] = (
    (15, "red"),
    (45, "orange"),
    (68, "yellow"),
    (165, "green"),
    (195, "turquoise"),
    (255, "blue"),
    (290, "purple"),
    (340, "pink"),
    (360, "red"),
)
"""Upper end of each named range of hue, in degrees."""

WORDS: tuple[str, ...] = ("black", "grey", "white", "brown", *dict.fromkeys(name for _, name in _HUES))
"""Every word :func:`in_words` can use."""


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
    degrees = hue * 60
    names = np.array([name for _, name in _HUES])
    words = names[np.searchsorted([end for end, _ in _HUES], degrees, side="right").clip(max=len(_HUES) - 1)]
    dark_warm = (np.isin(words, ["orange", "yellow"])) & (value < 0.6)
    words = np.where(dark_warm, "brown", words)
    plain = (chroma < 0.12) | (chroma < 0.3 * value) & (chroma < 0.2)
    greys = np.select([lightness < 0.2, lightness > 0.8], ["black", "white"], "grey")
    words = np.where(plain, greys, words)
    words = np.where(value < 0.16, "black", words)
    found, counts = np.unique(words, return_counts=True)
    order = sorted(range(len(found)), key=lambda i: (-int(counts[i]), str(found[i])))
    return {str(found[i]): float(counts[i]) / len(words) for i in order}


def in_words(pixels: NDArray[np.uint8]) -> str:
    """Say the main colours of a picture: "mostly orange and black", "all white".

    Args:
        pixels: as for :func:`shares`.
    """
    found = shares(pixels)
    (first, one), *rest = found.items()
    if one > 0.85 or not rest:
        return f"all {first}" if one > 0.98 else f"almost all {first}"
    second, two = rest[0]
    if one >= 0.5 and two < 0.15:
        return f"mostly {first}"
    return f"mostly {first} and {second}"
