"""DCGAN: settings of runs, networks and losses (Radford et al. 2015, https://arxiv.org/abs/1511.06434)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from albumjudge.models.dcgan import Discriminator, Generator
from training.data.covers import CoverSet
from training.engine.trainer import TrainerConfig, ema_decay, update_average
from training.generator.losses import discriminator_loss, generator_loss
from training.generator.painter_trainer import PainterTrainer

CALIBRATION_BATCHES, CALIBRATION_BATCH = 4, 128


@dataclass(frozen=True)
class DcganConfig(TrainerConfig):
    """Settings of a run.

    Attributes:
        learning_rate, beta1: of both Adam optimisers.
        real_label: the discriminator's target for real covers (one-sided label smoothing).
        latent_size, width: of the networks, see :mod:`albumjudge.models.dcgan`.
        ema_half_life: covers after which the moving average of the weights halves what was before.
        recipe: name of the method in the film of a training.
    """

    source: str | None = "shawheen_wcd"
    held_out: int = 0
    epochs: int = 70
    batch: int = 16
    learning_rate: float = 2e-4
    beta1: float = 0.5
    real_label: float = 0.9
    latent_size: int = 100
    width: int = 64
    ema_half_life: int = 10_000
    recipe: str = "dcgan"


PRESETS: dict[str, DcganConfig] = {
    "seed": DcganConfig(),
    "plain": DcganConfig(source=None, held_out=1500, epochs=24),
    "tiny": DcganConfig(source=None, size=16, epochs=2, batch=8, latent_size=8, width=4),
}


class DcganTrainer(PainterTrainer[DcganConfig]):
    """A generator, its moving average and a discriminator."""

    metrics = ("loss_discriminator", "loss_generator", "real_score", "fake_score")

    def __init__(
        self, config: DcganConfig, covers: CoverSet, device: torch.device, precision: str = "fp32"
    ) -> None:
        super().__init__(config, covers, device, precision)
        self.generator = Generator(config.latent_size, config.width, config.size)
        self.discriminator = Discriminator(config.width, config.size)
        for network in (self.generator, self.discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        learning = {"generator": self.generator, "discriminator": self.discriminator}
        self.networks = {**learning, "average": self.average}
        self.optimisers = {
            name: torch.optim.Adam(network.parameters(), config.learning_rate, (config.beta1, 0.999))
            for name, network in learning.items()
        }

    def train_step(self) -> Sequence[Tensor]:
        """One step of the discriminator, then one of the generator, then of its average."""
        self.set_learning_rate(self.config.learning_rate)
        real = self.covers_at(self.batch_indices())
        latents = torch.randn(self.config.batch, self.config.latent_size, generator=self.rng)
        with self.autocast():
            fake = self.generator(latents.to(self.device))
            real_logits = self.discriminator(real).float()
            fake_logits = self.discriminator(fake.detach()).float()
        d_loss = discriminator_loss(real_logits, fake_logits, self.config.real_label)
        self.update(d_loss, "discriminator")

        self.discriminator.requires_grad_(False)
        with self.autocast():
            fooled = self.discriminator(fake).float()
        g_loss = generator_loss(fooled)
        self.update(g_loss, "generator")
        self.discriminator.requires_grad_(True)
        decay = ema_decay(self.config.ema_half_life, self.config.batch, self.step)
        update_average(self.average, self.generator, decay)
        return d_loss, g_loss, real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()

    @torch.no_grad()
    def painter(self) -> Generator:
        """The moving average of the weights, with batch-norm statistics measured anew on fixed latents."""
        averaged = copy.deepcopy(self.average)
        for module in averaged.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        fixed = torch.Generator().manual_seed(self.config.seed + 3)
        averaged.train()
        for _ in range(CALIBRATION_BATCHES):
            latents = torch.randn(CALIBRATION_BATCH, self.config.latent_size, generator=fixed)
            averaged(latents.to(self.device))
        return averaged.eval()
