"""DCGAN: networks and losses (Radford et al. 2015, https://arxiv.org/abs/1511.06434)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from albumjudge.models.dcgan import Discriminator, Generator
from training.data.covers import CoverSet
from training.engine.distributed import Processes
from training.engine.trainer import Trainer, update_average
from training.generator.losses import discriminator_loss, generator_loss
from training.generator.presets import GeneratorConfig

SAMPLES = 64
CALIBRATION_BATCHES, CALIBRATION_BATCH = 4, 128


class DcganTrainer(Trainer):
    """A generator, its moving average and a discriminator.

    Args:
        start: a generator to begin with; the discriminator begins anew.

    Raises:
        ValueError: if ``start`` is of another shape.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        covers: CoverSet,
        processes: Processes,
        precision: str = "fp32",
        start: nn.Module | None = None,
    ) -> None:
        metrics = ("loss_discriminator", "loss_generator", "real_score", "fake_score")
        super().__init__(config, covers, processes, metrics, precision)
        self.config = config
        generator = Generator(config.latent_size, config.width, config.size)
        discriminator = Discriminator(config.width, config.size)
        if start is not None:
            _copy_weights(start, generator)
        for network in (generator, discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.generator = processes.sync_batch_norm(generator)
        self.discriminator = processes.sync_batch_norm(discriminator)
        self.networks = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self.optimisers = {
            name: torch.optim.Adam(
                self.networks[name].parameters(), config.learning_rate, (config.beta1, 0.999)
            )
            for name in ("generator", "discriminator")
        }
        fixed = torch.Generator().manual_seed(config.seed + 2)
        self.sample_latents = torch.randn(SAMPLES, config.latent_size, generator=fixed)

    def train_step(self) -> Sequence[Tensor]:
        """One step of the discriminator, then one of the generator, then of its average."""
        self.set_learning_rate(self.config.learning_rate)
        real = self.covers_at(self.processes.local(torch.from_numpy(self.batch_indices())))
        if self.config.flip:
            mirrored = self.processes.local(torch.rand(self.config.batch, generator=self.rng)) < 0.5
            real = torch.where(mirrored.to(self.device)[:, None, None, None], real.flip(3), real)
        latents = torch.randn(self.config.batch, self.config.latent_size, generator=self.rng)
        with self.autocast():
            fake = self.generator(self.processes.local(latents).to(self.device))
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

        # Early on the average would remember the random start for long; the ramp lets it forget sooner.
        decay = 0.5 ** (self.config.batch / self.config.ema_half_life)
        update_average(self.average, self.generator, min(decay, (1 + self.step) / (10 + self.step)))
        return d_loss, g_loss, real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()

    @torch.no_grad()
    def averaged_generator(self) -> Generator:
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

    @torch.no_grad()
    def samples(self) -> tuple[str, Image.Image]:
        """The run's fixed latents, painted."""
        painted = self.averaged_generator()(self.sample_latents.to(self.device))
        return "", Image.fromarray(contact_sheet(painted.cpu()))


def _copy_weights(source: nn.Module, target: Generator) -> None:
    if not isinstance(source, Generator):
        raise ValueError(f"A DCGAN cannot begin with the weights of a {type(source).__name__}.")
    for name in ("latent_size", "width", "size"):
        if getattr(target, name) != getattr(source, name):
            raise ValueError(
                f"A network with {name} {getattr(target, name)} cannot begin as one with {getattr(source, name)}."
            )
    target.load_state_dict(source.state_dict())


def contact_sheet(covers: Tensor, columns: int = 8) -> NDArray[np.uint8]:
    """Lay covers out in rows: ``(n, 3, s, s)`` in [-1, 1] to uint8 ``(rows * s, columns * s, 3)``."""
    size, rows = covers.shape[-1], math.ceil(len(covers) / columns)
    pixels = (covers.float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).numpy()
    sheet = np.zeros((rows * columns, 3, size, size), np.uint8)
    sheet[: len(pixels)] = pixels
    return sheet.reshape(rows, columns, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(rows * size, -1, 3)
