"""Films: covers that turn into one another, and the same latent vectors painted while a generator learns."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from albumjudge.domain.breeding import slerp
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.painter import Painter, condition_labels, to_pixels

FILM, FRAMES = "film.webp", "film.json"
BETWEEN = 7
"""Frames painted between two covers."""
ENLARGED = 4
"""Whole factor by which pixels grow, crisply."""
MILLISECONDS = 160
REST = 1200
"""How long a cover stays before it turns into the next one, in milliseconds."""


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        covers_seen: real covers that had been shown in training by then.
        recipe: how it was trained up to there, see :mod:`training.train_dcgan`.
        png: the pictures side by side.
    """

    covers_seen: int
    recipe: str
    png: bytes


def read_film(checkpoint: Path) -> tuple[Frame, ...]:
    """The film that lies beside a generator's weights, from the first frame to the last.

    Args:
        checkpoint: folder with ``film.webp``, one picture per frame, and ``film.json``, a list of
            ``{"covers_seen": int, "recipe": str}``.

    Returns:
        Empty where there is no film, or none that can be shown.
    """
    try:
        notes = json.loads((checkpoint / FRAMES).read_text(encoding="utf-8"))
        frames = []
        with Image.open(checkpoint / FILM) as film:
            if getattr(film, "n_frames", 1) != len(notes):
                return ()
            for number, note in enumerate(notes):
                film.seek(number)
                file = io.BytesIO()
                film.convert("RGB").save(file, "PNG")
                frames.append(Frame(int(note["covers_seen"]), str(note["recipe"]), file.getvalue()))
    except (OSError, UnidentifiedImageError, ValueError, KeyError, TypeError, EOFError):
        return ()
    return tuple(frames)


def morph(painter: Painter, covers: Sequence[CoverIdentity]) -> bytes:
    """An animated WebP in which each cover turns into the next one and the last one into the first.

    Latent vectors are interpolated along the sphere on which they lie, see
    :func:`albumjudge.domain.breeding.slerp`.

    Args:
        covers: at least two, all by this painter.

    Raises:
        ValueError: if there are fewer than two covers.
    """
    if len(covers) < 2:
        raise ValueError("It takes two covers to turn into one another.")
    size = painter.network.latent_size
    vectors = [cover.latents(size) for cover in covers]
    labels = condition_labels(covers)
    latents, conditions, durations = [], [], []
    for number, here in enumerate(vectors):
        there = vectors[(number + 1) % len(vectors)]
        for step in range(BETWEEN + 1):
            place = step / (BETWEEN + 1)
            latents.append(slerp(here, there, place))
            # Genre and decade cannot be halved; the nearer cover's hold.
            conditions.append(labels[number if place < 0.5 else (number + 1) % len(vectors)])
            durations.append(MILLISECONDS if step else REST)
    painted = to_pixels(painter.paint_latents(torch.from_numpy(np.stack(latents)), torch.stack(conditions)))
    enlarged = painted.repeat(ENLARGED, 1).repeat(ENLARGED, 2)
    first, *others = [Image.fromarray(pixels) for pixels in enlarged]
    file = io.BytesIO()
    first.save(
        file, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=80, method=2
    )
    return file.getvalue()
