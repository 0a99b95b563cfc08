"""Looking at a picture file before it is trusted: whole, square, large enough to show something."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}
"""Formats that are taken, with the endings that their files get."""
OBLONG = 0.05
"""Sides may differ by this share of the longer one: scans are seldom quite square. As in load_covers."""
SMALLEST = 32
"""Side in pixels below which a picture is a placeholder or a tracking pixel, not a cover."""


class UnusableError(Exception):
    """A picture is no cover; the message says why, as the rest of a sentence that begins with its name.

    Attributes:
        lasting: the picture is whole, so fetching it again would not help.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


@dataclass(frozen=True)
class Shape:
    """What a usable picture is: its Pillow ``format`` and its size in pixels."""

    format: str
    width: int
    height: int


def examine(body: bytes) -> Shape:
    """Decode a picture to its last pixel.

    Raises:
        UnusableError: if it is broken, cut short, of another format, not square or tiny.
    """
    if looks_like_a_page(body):
        raise UnusableError("is a web page, not a picture")
    with opened(io.BytesIO(body)) as image:
        image.load()
        return Shape(image.format or "", image.width, image.height)


def looks_like_a_page(body: bytes) -> bool:
    """Whether this is HTML, as login and error pages are."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


@contextmanager
def opened(file: Path | io.BytesIO) -> Iterator[Image.Image]:
    """Open a picture that is square and not tiny; trouble while it is decoded within counts, too.

    Raises:
        UnusableError: as :func:`examine`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of odd metadata, which say nothing about the pixels.
            with Image.open(file, formats=list(ENDINGS)) as image:
                width, height = image.size
                if abs(width - height) > OBLONG * max(width, height):
                    raise UnusableError(f"is not square ({width}x{height})", lasting=True)
                if min(width, height) < SMALLEST:
                    raise UnusableError(f"is too small ({width}x{height})", lasting=True)
                yield image
    except FileNotFoundError as error:
        raise UnusableError("is missing") from error
    except UnidentifiedImageError as error:
        raise UnusableError("is no picture, or of a format that is not taken") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnusableError(f"is broken ({error})") from error
