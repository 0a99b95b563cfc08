"""Covers that turn into one another while nobody is there."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.film import BETWEEN, MILLISECONDS, REST, morph
from albumjudge.inference.painter import Painter
from albumjudge.models.one_step import OneStepGenerator
from tests.models.networks import randomised

FRAMES = BETWEEN + 1
REVISION = "dcgan-test-1a2b3c4d"


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(randomised(OneStepGenerator(8, 3, 8, 64, 8)), REVISION)


def test_each_cover_turns_into_the_next_and_the_last_into_the_first(painter: Painter) -> None:
    with pytest.raises(ValueError, match="two covers"):
        morph(painter, [CoverIdentity(REVISION, 1)])
    covers = [CoverIdentity(REVISION, 1), CoverIdentity(REVISION, 2, "jazz"), CoverIdentity(REVISION, 3)]
    with Image.open(io.BytesIO(morph(painter, covers))) as film:
        assert film.format == "WEBP" and film.size == (256, 256)
        assert film.n_frames == 3 * FRAMES  # type: ignore[attr-defined]
        frames = []
        for number in range(3 * FRAMES):
            film.seek(number)
            film.load()
            assert film.info["duration"] == (MILLISECONDS if number % FRAMES else REST)
            frames.append(np.asarray(film.convert("RGB").resize((64, 64), Image.Resampling.BOX), float))
    for number, cover in enumerate(covers):
        wanted = painter.paint_each([cover])[0].pixels
        errors = [np.abs(frame - wanted).mean() for frame in frames]
        # Lossy compression blurs neighbours, not covers.
        assert abs(int(np.argmin(errors)) - FRAMES * number) <= 1
