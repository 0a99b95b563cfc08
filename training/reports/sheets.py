"""Contact sheets: many covers in one picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.painter import CONDITIONAL, GeneratorNetwork
from training.metrics.samples import paint

Pixels = NDArray[np.uint8]
SHEET_COVERS, SHEET_COLUMNS, ENLARGED = 128, 16, 2


def sheet(covers: Pixels, columns: int, enlarged: int = ENLARGED) -> Image.Image:
    """Lay covers, uint8 ``(n, 3, s, s)``, out in rows, each pixel enlarged to a square."""
    rows, size = math.ceil(len(covers) / columns), covers.shape[-1]
    padded = np.zeros((rows * columns, 3, size, size), np.uint8)
    padded[: len(covers)] = covers
    laid = padded.reshape(rows, columns, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(rows * size, -1, 3)
    return Image.fromarray(laid.repeat(enlarged, 0).repeat(enlarged, 1))


def save_sheets(generator: GeneratorNetwork, name: str, out: Path) -> None:
    """128 covers of seeds 0 to 127 and, of a generator that paints to order, a row per genre and decade."""
    out.mkdir(parents=True, exist_ok=True)
    sheet(paint(generator, range(SHEET_COVERS)), SHEET_COLUMNS).save(out / f"{name}.png")
    if isinstance(generator, CONDITIONAL):
        # The same seeds in every row, so that down a column only what was asked for changes.
        for column, (word, answers) in enumerate((("genres", GENRES), ("decades", DECADES))):
            labels = torch.zeros(len(answers) * SHEET_COLUMNS, 2, dtype=torch.long)
            labels[:, column] = torch.arange(1, len(answers) + 1).repeat_interleave(SHEET_COLUMNS)
            seeds = [*range(SHEET_COLUMNS)] * len(answers)
            sheet(paint(generator, seeds, labels), SHEET_COLUMNS).save(out / f"{name}-{word}.png")
