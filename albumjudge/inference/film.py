"""A training film: the same latent vectors, painted again and again while a generator learns."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

FILM, MOMENTS = "film.webp", "film.json"


@dataclass(frozen=True)
class Moment:
    """One frame.

    Attributes:
        covers_seen: real covers that had been shown in training by then.
        recipe: how it was trained up to there, see :mod:`training.train_dcgan`.
        png: the pictures side by side.
    """

    covers_seen: int
    recipe: str
    png: bytes


def read_film(checkpoint: Path) -> tuple[Moment, ...]:
    """The film that lies beside a generator's weights, from the first moment to the last.

    Args:
        checkpoint: folder with ``film.webp``, one frame per moment, and ``film.json``, a list of
            ``{"covers_seen": int, "recipe": str}``.

    Returns:
        Empty where there is no film, or none that can be shown.
    """
    try:
        told = json.loads((checkpoint / MOMENTS).read_text(encoding="utf-8"))
        moments = []
        with Image.open(checkpoint / FILM) as film:
            if getattr(film, "n_frames", 1) != len(told):
                return ()
            for number, moment in enumerate(told):
                film.seek(number)
                file = io.BytesIO()
                film.convert("RGB").save(file, "PNG")
                moments.append(Moment(int(moment["covers_seen"]), str(moment["recipe"]), file.getvalue()))
    except (OSError, UnidentifiedImageError, ValueError, KeyError, TypeError, EOFError):
        return ()
    return tuple(moments)
