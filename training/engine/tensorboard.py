"""A run's curves and samples for TensorBoard: ``tensorboard --logdir runs``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard.writer import SummaryWriter

GROUPS = {
    "loss_discriminator": "loss/discriminator",
    "loss_generator": "loss/generator",
    "real_score": "score/real",
    "fake_score": "score/fake",
    "loss_pixels": "loss/pixels",
    "loss_perceptual": "loss/perceptual",
    "loss_half_size": "loss/half size",
    "loss_velocity": "loss/velocity",
    "loss_regression": "loss/regression",
    "loss_features": "loss/features",
    "loss_anchor": "loss/anchor",
    "covers_per_second": "speed/covers per second",
    "peak_memory_gb": "speed/peak memory in GB",
}


class Board:
    """Writes TensorBoard events, all of them over the number of covers seen.

    Args:
        folder: of the run's events.
        seen: covers seen so far. What a run noted after that moment and lost by a kill is hidden, since it will
            be noted again.
    """

    def __init__(self, folder: Path, *, seen: int) -> None:
        self._writer = SummaryWriter(folder, purge_step=seen + 1 if seen else 0)

    def add_epoch(self, line: Mapping[str, float]) -> None:
        """Curves: one line of the history, of which those in ``GROUPS`` are drawn."""
        for key in GROUPS.keys() & line.keys():
            self._writer.add_scalar(GROUPS[key], line[key], int(line["images_seen"]))

    def add_samples(self, sheet: NDArray[np.uint8], seen: int) -> None:
        """A contact sheet, uint8, shape ``(height, width, 3)``."""
        self._writer.add_image("samples", sheet, seen, dataformats="HWC")

    def flush(self) -> None:
        """Put all on the disk. To be called before a state is saved, or a kill leaves a gap in the curves."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
