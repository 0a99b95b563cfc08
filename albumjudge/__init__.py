"""One network paints album covers, another says what it feels, people vote on whether they feel the same.

    import albumjudge

    albumjudge.painters()  # names, the default one first
    covers = albumjudge.load_painter().paint([4711, 17])  # covers[0].pixels: uint8, shape (64, 64, 3)
    verdicts = albumjudge.load_judge().judge(covers)  # verdicts[0].probabilities: eight numbers

The eight numbers are in the order of ``albumjudge.domain.emotions.NAMES``. PyTorch is loaded by the two ``load_``
functions only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from albumjudge._version import __version__ as __version__

if TYPE_CHECKING:
    from albumjudge.inference.judge import Judge
    from albumjudge.inference.painter import Painter

__all__ = ["load_judge", "load_painter", "painters"]

# huggingface_hub reads this once, when it is first imported, and nothing imports it before this package does.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def painters() -> tuple[str, ...]:
    """Names of the bundled painters, the default one first."""
    from albumjudge.inference.folders import painter_folders

    return tuple(painter_folders())


def load_painter(name: str | None = None) -> Painter:
    """A bundled painter, whose ``paint(seeds)`` gives covers with their ``pixels``.

    Args:
        name: one of :func:`painters`; None for the default one.

    Raises:
        ValueError: if there is none of this name.
        CheckpointError: if it cannot be used.
    """
    from albumjudge.inference.checkpoints import read_checkpoint
    from albumjudge.inference.folders import painter_folders
    from albumjudge.inference.loading import open_painter

    folders = painter_folders()
    if name is not None and name not in folders:
        raise ValueError(f"There is no painter {name!r}. Bundled are {', '.join(folders)}.")
    return open_painter(read_checkpoint(folders[name or next(iter(folders))], "generator", "bundled"))


def load_judge() -> Judge:
    """The bundled jury, whose ``judge(covers)`` gives verdicts with their ``probabilities``.

    It takes covers and arrays, uint8 RGB of shape ``(side, side, 3)``.

    Raises:
        CheckpointError: if it cannot be used.
    """
    from albumjudge.inference.checkpoints import read_checkpoint
    from albumjudge.inference.folders import BUNDLED
    from albumjudge.inference.loading import open_judge

    return open_judge(read_checkpoint(BUNDLED["judge"], "judge", "bundled"))
