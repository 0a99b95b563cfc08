"""Opening pictures: whole, of a known format; covers also square and large enough to show something."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}
"""Formats that are taken, with the endings that their files get."""
OBLONG = 0.05
"""Sides of a cover may differ by this share of the longer one: scans are seldom quite square."""
SMALLEST = 32
"""Side in pixels below which a fetched picture is a placeholder, not a cover."""
SHOWN_PROBLEMS = 5


class DataError(Exception):
    """The training data cannot be used as it is; the message says what is wrong and what to do."""


class UnusableError(Exception):
    """A picture cannot be used; the message says why, as the rest of a sentence that begins with its name.

    Attributes:
        lasting: the picture is whole, so fetching it again would not help.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


@contextmanager
def opened(file: Path | io.BytesIO, *, square: bool = True, smallest: int = 1) -> Iterator[Image.Image]:
    """Open a picture; trouble while it is decoded within counts, too.

    Args:
        square: refuse one whose sides differ by more than ``OBLONG``.
        smallest: least side in pixels.

    Raises:
        UnusableError: if it cannot be used.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which say nothing about pixels.
            with Image.open(file, formats=list(ENDINGS)) as image:
                width, height = image.size
                if square and abs(width - height) > OBLONG * max(width, height):
                    raise UnusableError(f"is not square ({width}x{height})", lasting=True)
                if min(width, height) < smallest:
                    raise UnusableError(f"is too small ({width}x{height})", lasting=True)
                yield image
    except FileNotFoundError as error:
        raise UnusableError("is missing") from error
    except UnidentifiedImageError as error:
        raise UnusableError("is no picture, or of a format that is not taken") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnusableError(f"is broken ({error})") from error


def load(path: Path, size: int, *, square: bool = True) -> Image.Image:
    """A picture as RGB of ``size`` x ``size`` pixels, scaled by a Lanczos filter, of covers after JPEG's own
    halving.

    Raises:
        UnusableError: as :func:`opened`.
    """
    with opened(path, square=square) as image:
        if square:
            image.draft("RGB", (size, size))
        small = image.convert("RGB")
        return small if small.size == (size, size) else small.resize((size, size), Image.Resampling.LANCZOS)


def load_all(
    root: Path, names: Sequence[str], size: int, problems: list[str], *, square: bool = True
) -> NDArray[np.uint8]:
    """Load pictures into memory, ``(n, size, size, 3)``; what is wrong is appended to ``problems``."""
    pixels = np.empty((len(names), size, size, 3), np.uint8)
    for i, name in enumerate(names):
        try:
            pixels[i] = np.asarray(load(root / name, size, square=square))
        except UnusableError as error:
            problems.append(f"{name} {error}")
    return pixels


def raise_if(problems: Sequence[str], what: str, remedy: str) -> None:
    """Raise a :class:`DataError` that lists the first few problems, if there are any."""
    if problems:
        more = len(problems) - SHOWN_PROBLEMS
        listed = "; ".join(problems[:SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise DataError(f"{what}: {listed}. {remedy}")
