"""Train the autoencoder in whose latent space the flow painter works.

    python -m training.train_autoencoder --data ../shared/data/covers --out runs/autoencoder

A latent image holds a sixteenth of a cover's numbers; ``training.train_flow --autoencoder runs/autoencoder`` then
learns to make such images from noise. A killed run is continued by the same command. ``samples/`` shows covers of
the training set above their reconstructions: other people's works, so keep them to yourself.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, l1_loss

from albumjudge.inference.painter import to_pixels
from albumjudge.models.autoencoder import DOWNSAMPLING, Decoder, Encoder
from albumjudge.models.dcgan import doublings
from albumjudge.models.flow import SMALLEST_SIZE
from training.data.covers import CoverSet, DataError
from training.engine.script import chosen, covers_for, run_script, training_parser
from training.engine.trainer import Trainer, TrainerConfig, train
from training.generator.losses import perceptual_loss
from training.metrics.efficientnet import LiteFeatures
from training.reports.sheets import sheet

SAMPLES, COLUMNS = 32, 8


@dataclass(frozen=True)
class AutoencoderConfig(TrainerConfig):
    """Settings of a run.

    Attributes:
        latent_channels: channels of a latent image.
        width: feature maps of the decoder at half the size of a cover.
        noise: deviation of what is added to latent images, so that the decoder forgives errors of that size.
        perceptual_weight: of the distance between frozen features, beside the mean difference of pixels.
        scale_weight: of the error at half the size, which makes latent images smooth and easier to generate
            (Skorokhodov et al. 2025, https://arxiv.org/abs/2502.14831).
        feature_side: side of the covers that the frozen network sees.
    """

    epochs: int = 8
    batch: int = 16
    lr_decay: float = 0.5
    learning_rate: float = 5e-4
    latent_channels: int = 12
    width: int = 64
    noise: float = 0.25
    perceptual_weight: float = 0.3
    scale_weight: float = 0.25
    feature_side: int = 64


class AutoencoderTrainer(Trainer[AutoencoderConfig]):
    """Encoder and decoder, learning together."""

    metrics = ("loss_pixels", "loss_perceptual", "loss_half_size")

    def __init__(
        self, config: AutoencoderConfig, covers: CoverSet, device: torch.device, precision: str = "fp32"
    ) -> None:
        super().__init__(config, covers, device, precision)
        if config.size < SMALLEST_SIZE or doublings(config.size) < 1:
            raise DataError(
                f"Latent images are made of covers of {SMALLEST_SIZE}, 128 ... pixels, not {config.size}."
            )
        self.encoder = Encoder(config.latent_channels)
        self.decoder = Decoder(config.latent_channels, config.width)
        self.features = LiteFeatures(config.feature_side)
        for network in (self.encoder, self.decoder, self.features):
            network.to(self.device).to(memory_format=torch.channels_last)
        self.networks = {"encoder": self.encoder, "decoder": self.decoder}
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimisers = {"both": torch.optim.Adam(parameters, config.learning_rate, (0.9, 0.99))}

    def train_step(self) -> Sequence[Tensor]:
        """Reconstruct one batch, at full and at half size."""
        config = self.config
        self.set_learning_rate(config.learning_rate)
        covers = self.covers_at(self.batch_indices())
        side = config.size // DOWNSAMPLING
        noise = torch.randn((config.batch, config.latent_channels, side, side), generator=self.rng)
        with self.autocast():
            latent_images = self.encoder(covers).float()
            decoded = self.decoder(latent_images + config.noise * noise.to(self.device)).float()
            perceptual = perceptual_loss(self.features, decoded, covers)
            # Contiguous for the sake of Apple silicon, see albumjudge.models.layers.blur.
            half_size = self.decoder(avg_pool2d(latent_images.contiguous(), 2)).float()
        pixels, scale = l1_loss(decoded, covers), l1_loss(half_size, avg_pool2d(covers, 2))
        self.update(pixels + config.perceptual_weight * perceptual + config.scale_weight * scale, "both")
        return pixels, perceptual, scale

    @torch.no_grad()
    def samples(self) -> tuple[str, Image.Image]:
        """The first covers, above their reconstructions."""
        covers = self.covers_at(np.arange(min(SAMPLES, len(self.covers))))
        self.encoder.eval()
        decoded = self.decoder(self.encoder(covers))
        self.encoder.train()
        shown = [to_pixels(pictures).transpose(0, 3, 1, 2) for pictures in (covers, decoded)]
        return "-private", Image.fromarray(np.concatenate([sheet(s, COLUMNS, enlarged=1) for s in shown]))


def run(given: Namespace, device: torch.device) -> Path | None:
    """Train as the command line says; returns the folder of the run when it has ended."""
    config = chosen(given, AutoencoderConfig())
    trainer = AutoencoderTrainer(config, covers_for(given, config), device, given.precision)
    return given.out if train(trainer, given.out) else None


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = training_parser("train_autoencoder", __doc__, AutoencoderConfig(), checkpoint=False)
    return run_script(parser.parse_args(arguments), run)


if __name__ == "__main__":
    sys.exit(main())
