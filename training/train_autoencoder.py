"""Teach an inker to turn sketches into covers, and a tracer to turn covers into sketches.

    python -m training.train_autoencoder --data ../shared/data/covers --out runs/inker
    accelerate launch --multi_gpu --num_processes 2 -m training.train_autoencoder ... --device cpu

The first half of the recipe ``sketched``: an autoencoder whose sketches hold a sixteenth of a cover's numbers.
``training.train_flow --inker runs/inker`` then learns to make such sketches from noise.
A killed run is continued by the same command. ``samples/`` shows covers of the training set above what the
inker made of their sketches: other people's works, so keep them to yourself.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, l1_loss

from albumjudge.models.dcgan import doublings
from albumjudge.models.flow import GRAIN, LEAST, Decoder
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.cuda_graphs import Replay, adam
from training.engine.distributed import Processes, join_processes, leave_processes
from training.engine.hardware import choose_precision
from training.engine.sync_batchnorm import share_norms
from training.engine.trainer import Trainer, add_options, chosen, teach
from training.generator.autoencoder_loss import NOISE, Encoder, unlikeness
from training.generator.dcgan_trainer import contact_sheet
from training.metrics.efficientnet import LiteFeatures

SAMPLES = 32


@dataclass(frozen=True)
class AutoencoderConfig:
    """Settings of a run.

    Attributes:
        source, held_out, size: as in :class:`training.generator.presets.GeneratorConfig`.
        epochs, batch, learning_rate: of Adam; over the last ``settle`` of the run the rate falls to zero.
        depth: numbers at each point of a sketch.
        width: feature maps of the inker at half the size of a cover.
        noise: deviation of what is added to sketches.
        look_say: how much unlikeness to frozen features counts beside the mean difference of pixels.
        small_say: how much it counts that half a sketch's size gives the same cover in half the size. Then
            sketches are smooth, and easier to make from noise (Skorokhodov et al. 2025,
            https://arxiv.org/abs/2502.14831).
        feature_side: side of the covers that the features see.
        seed: of initialisation, data order and noise.
    """

    source: str | None = None
    held_out: int = 1500
    size: int = 64
    epochs: int = 8
    batch: int = 16
    learning_rate: float = 5e-4
    settle: float = 0.5
    depth: int = 12
    width: int = 64
    noise: float = NOISE
    look_say: float = 0.3
    small_say: float = 0.25
    feature_side: int = 64
    seed: int = 2019


class AutoencoderTrainer(Trainer):
    """One run: networks, optimiser and where it stands."""

    def __init__(self, config: AutoencoderConfig, covers: CoverSet, crew: Processes) -> None:
        super().__init__(config, covers, crew, ("difference", "unlikeness", "smaller"))
        if config.size < LEAST or doublings(config.size) < 1:
            raise DataError(f"Sketches are made of covers of {LEAST}, 128 ... pixels, not {config.size}.")
        self.config = config
        self.tracer, self.inker = Encoder(config.depth), Decoder(config.depth, config.width)
        self.features = LiteFeatures(config.feature_side)
        for network in (self.tracer, self.inker, self.features):
            network.to(crew.device).to(memory_format=torch.channels_last)
        share_norms(self.tracer, crew)
        self.networks = {"tracer": self.tracer, "inker": self.inker}
        learning = [*self.tracer.parameters(), *self.inker.parameters()]
        self.optimisers = {"both": adam(learning, config.learning_rate, (0.9, 0.99), crew.device)}
        self.replay = Replay(self._learn, crew.device, record=crew.size == 1)

    def train_step(self) -> None:
        """Look at one batch and learn from it."""
        self.settle(self.config.learning_rate)
        numbers = torch.from_numpy(self.batch())
        side = self.config.size // GRAIN
        noise = torch.randn((self.config.batch, self.config.depth, side, side), generator=self.chance)
        pixels = torch.from_numpy(self.covers.pixels[self.crew.share(numbers).numpy()])
        self.note(*self.replay(pixels, self.crew.share(noise)))

    def _learn(self, pixels: Tensor, noise: Tensor) -> Tensor:
        covers = self.as_covers(pixels)
        with self.autocast():
            sketches = self.tracer(covers).float()
            inked = self.inker(sketches + self.config.noise * noise).float()
            unlike = unlikeness(self.features, inked, covers)
            # Contiguous for the sake of Apple silicon, see softened.
            small = self.inker(avg_pool2d(sketches.contiguous(), 2)).float()
        difference, smaller = l1_loss(inked, covers), l1_loss(small, avg_pool2d(covers, 2))
        loss = difference + self.config.look_say * unlike + self.config.small_say * smaller
        self.learn(loss, "both")
        return torch.stack([difference, unlike, smaller]).detach()

    @torch.no_grad()
    def sheet(self) -> tuple[str, Image.Image]:
        """The first covers in rows of eight, each row above what the inker made of their sketches."""
        covers = self.as_input(np.arange(min(SAMPLES, len(self.covers))))
        self.tracer.eval()
        copied = self.inker(self.tracer(covers))
        self.tracer.train()
        rows = [
            row for pair in zip(torch.split(covers, 8), torch.split(copied, 8), strict=True) for row in pair
        ]
        filled = torch.full((len(rows), 8, *covers.shape[1:]), -1.0)
        for place, row in enumerate(rows):
            filled[place, : len(row)] = row.cpu()
        return "-private", Image.fromarray(contact_sheet(filled.flatten(0, 1)))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_autoencoder", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_options(parser, AutoencoderConfig())
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    crew = Processes()
    try:
        torch.set_flush_denormal(True)
        crew = join_processes(given.device)
        if given.threads:
            torch.set_num_threads(given.threads)
        config = chosen(given, AutoencoderConfig())
        covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
        with crew.together():
            trainer = AutoencoderTrainer(config, covers, crew)
            trainer.precision = choose_precision(given.precision, crew.device)
            teach(trainer, given.out)
    except (DataError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        torch.set_flush_denormal(False)
        leave_processes(crew)
    return 0


if __name__ == "__main__":
    sys.exit(main())
