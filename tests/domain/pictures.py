"""Pictures for tests of uploads, and what must come of any file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from albumjudge.domain.uploads import SIDE, UploadError, see

DATA = Path(__file__).parents[1] / "data"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(height: int = SIDE, width: int = SIDE, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def quarters(side: int = 256) -> Image.Image:
    """Red and green above, blue and white below: every turn of it differs."""
    pixels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    pixels[:half, :half], pixels[:half, half:] = RED, GREEN
    pixels[half:, :half], pixels[half:, half:] = BLUE, WHITE
    return Image.fromarray(pixels)


def saved(image: Image.Image, format: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **how)
    return file.getvalue()


def corners(pixels: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """Colours of the four quarters' middles, row by row, rounded to 0, 128 or 255 so that JPEG may be lossy."""
    middles = [pixels[y, x] for y in (16, 48) for x in (16, 48)]
    return [tuple(int(round(c / 127.5) * 127.5) for c in colour) for colour in middles]


def assert_picture_or_sentence(file: bytes) -> None:
    try:
        seen = see(file)
    except UploadError as error:
        assert str(error).endswith(".")
    else:
        assert seen.pixels.shape == (SIDE, SIDE, 3) and seen.pixels.dtype == np.uint8


def sentence(file: bytes) -> str:
    with pytest.raises(UploadError) as caught:
        see(file)
    text = str(caught.value)
    assert text.endswith(".") and "Error" not in text
    return text
