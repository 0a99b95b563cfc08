"""What a run shows while it learns: a line per epoch, samples, and both for ``tensorboard --logdir runs``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard.writer import SummaryWriter
from tqdm import tqdm


class RunLog:
    """Curves and samples over the number of covers seen. Speed is not in the history, which resuming must not
    change.

    Args:
        out: folder of the run.
        seen: covers seen so far. What a run noted after that moment and lost by a kill is hidden, since it will
            be noted again.
    """

    def __init__(self, out: Path, *, seen: int) -> None:
        self.folder = out / "samples"
        self._writer = SummaryWriter(out / "tensorboard", purge_step=seen + 1 if seen else 0)
        self._since, self._from = time.monotonic(), seen

    def add_epoch(self, history_line: Mapping[str, float], memory: float) -> None:
        """Note an epoch that has just ended; ``memory`` is the peak of any process in GB."""
        now, seen = time.monotonic(), int(history_line["images_seen"])
        line = {
            **history_line,
            "covers_per_second": round((seen - self._from) / max(1e-9, now - self._since), 2),
            "peak_memory_gb": round(memory, 3),
        }
        self._since, self._from = now, seen
        tqdm.write("  ".join(f"{key} {value:g}" for key, value in line.items()))
        for key in line.keys() - {"epoch", "images_seen"}:
            self._writer.add_scalar(key.replace("loss_", "loss/"), line[key], seen)

    def add_samples(self, suffix: str, picture: Image.Image, seen: int) -> None:
        """Save a contact sheet as ``samples/SEENsuffix.png``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        picture.save(self.folder / f"{seen:08d}{suffix}.png")
        self._writer.add_image("samples", np.asarray(picture), seen, dataformats="HWC")

    def flush(self) -> None:
        """Put all on the disk. To be called before a state is saved, or a kill leaves a gap in the curves."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
