"""What trainers of painters share: samples of the same latents along the way, and a checkpoint at the end."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.painter import GeneratorNetwork
from training.engine.hardware import hardware
from training.engine.state import save_checkpoint, write_json
from training.engine.trainer import C, Trainer
from training.metrics.samples import paint_latents
from training.reports.model_card import write_card
from training.reports.sheets import sheet

SAMPLES, COLUMNS = 64, 8


class PainterTrainer(Trainer[C]):
    """A trainer of a network that paints from latent vectors."""

    @abstractmethod
    def painter(self) -> GeneratorNetwork:
        """The network to paint with at this moment, in evaluation mode."""

    @torch.no_grad()
    def samples(self) -> tuple[str, Image.Image]:
        """The run's fixed latents, painted."""
        painter = self.painter()
        fixed = torch.Generator().manual_seed(self.config.seed + 2)
        latents = torch.randn(SAMPLES, painter.latent_size, generator=fixed)
        return "", sheet(paint_latents(painter, latents, sample_labels(SAMPLES)), COLUMNS, enlarged=1)

    def finish(self, out: Path, *, name: str, preset: str, **facts: object) -> Path:
        """Write ``out/checkpoint``: weights in half precision, config, history, provenance and model card.

        Args:
            facts: more to note in ``training.json``.
        """
        folder, painter = out / "checkpoint", self.painter()
        record: dict[str, object] = {
            "kind": "generator",
            "network": type(painter).__name__,
            "name": name,
            "preset": preset,
            "config": asdict(self.config),
            **facts,
            "epochs_done": self.step // self.steps_per_epoch,
            "covers": len(self.covers),
            "images_seen": self.images_seen,
            "precision": self.precision,
            "hardware": hardware(self.device),
        }
        save_checkpoint(painter, folder, record)
        write_json(folder / "history.json", self.history)
        write_card(folder)
        return folder


def sample_labels(count: int) -> Tensor:
    """Int64 ``(count, 2)``: half unknown (0), then each genre and decade in turn."""
    half = count // 2
    genres = [0] * (count - half) + [1 + k % len(GENRES) for k in range(half)]
    decades = [0] * (count - half) + [1 + k // 4 % len(DECADES) for k in range(half)]
    return torch.tensor([genres, decades]).T.contiguous()
