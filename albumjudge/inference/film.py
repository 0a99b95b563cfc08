"""A training film: the same latent vectors, painted again and again while a generator learns."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

FILM, FRAMES = "film.webp", "film.json"


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
