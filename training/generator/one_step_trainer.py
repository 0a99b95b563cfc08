"""The one-step painter: regression onto the flow painter, then adversarial post-training on real covers.

After Diffusion Adversarial Post-Training (Lin et al. 2025, https://arxiv.org/abs/2501.08316) and DMD2 (Yin et al.
2024, https://arxiv.org/abs/2405.14867).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, l1_loss, smooth_l1_loss
from tqdm import tqdm

from albumjudge.models.flow import FlowGenerator
from albumjudge.models.one_step import OneStepGenerator
from training.data.covers import CoverSet, label_numbers
from training.engine.trainer import Trainer, TrainerConfig, ema_decay, fingerprint, update_average
from training.generator.critics import FeatureCritic, PatchCritic, augment
from training.generator.losses import gradient_penalty, relativistic_loss
from training.generator.painter_trainer import PainterTrainer

PAIRS_AT_ONCE = 250
COMPOSITION, HIGH_PASS, FLAT = 8, 5, 0.06
"""Pooling of the compared composition, window of local contrast, and the contrast below which a place is flat."""


@dataclass(frozen=True)
class OneStepConfig(TrainerConfig):
    """Settings of a run.

    Attributes:
        pairs: number of latent vectors that the teacher paints beforehand.
        regression_epochs, regression_rate: of the first stage; 0 epochs where a trained student is given.
        velocity_rate, decoder_rate, critic_rate: Adam's learning rates in the second stage; a velocity rate of 0
            leaves that network, and so each cover's composition, as it is.
        label_dropout: share of known labels that are hidden.
        critic_width: of the critic on pixels.
        penalty, penalty_every: weight of R1 and R2, and the number of steps between two.
        feature_weight, feature_start: weight of the heads on VGG16 features beside the critic on pixels, and
            the share of the run before they count.
        anchor_weight: of the differences from the teacher: the latent image and the composition.
        flat_weight: of texture where the teacher paints none.
        spectrum_weight: of differences of the mean power spectrum's logarithm, so that no weave is left.
        warmup: covers that the critics see before the generator learns.
        ema_half_life: covers after which the moving average of the weights halves what was before.
    """

    epochs: int = 25
    lr_decay: float = 0.4
    pairs: int = 50_000
    regression_epochs: int = 100
    regression_rate: float = 6e-4
    velocity_rate: float = 1e-4
    decoder_rate: float = 2e-4
    critic_rate: float = 3e-4
    label_dropout: float = 0.4
    critic_width: int = 64
    penalty: float = 0.3
    penalty_every: int = 4
    feature_weight: float = 0.3
    feature_start: float = 0.4
    anchor_weight: float = 1.0
    flat_weight: float = 1.0
    spectrum_weight: float = 0.2
    warmup: int = 1_600
    ema_half_life: int = 20_000
    recipe: str = "one step"


@dataclass(frozen=True)
class Pairs:
    """Latent vectors ``(n, latent_size)``, labels ``(n, 2)``, and the latent images that belong to them."""

    latents: Tensor
    labels: Tensor
    latent_images: Tensor


def draw_labels(covers: CoverSet, count: int, dropout: float, rng: torch.Generator) -> Tensor:
    """Labels of random covers, int64 ``(count, 2)``, some hidden."""
    chosen = torch.randint(len(covers), (count,), generator=rng).tolist()
    known = label_numbers([covers.entries[i] for i in chosen], rng)
    return known * (torch.rand(count, 1, generator=rng) >= dropout)


@torch.inference_mode()
def make_pairs(painter: FlowGenerator | OneStepGenerator, covers: CoverSet, config: OneStepConfig) -> Pairs:
    """What a painter makes of random latent vectors, on the CPU."""
    rng = torch.Generator().manual_seed(config.seed + 5)
    latents = torch.randn(config.pairs, painter.latent_size, generator=rng)
    labels = draw_labels(covers, config.pairs, config.label_dropout, rng)
    device = next(painter.parameters()).device
    make = painter.latent_images
    bar = tqdm(range(0, config.pairs, PAIRS_AT_ONCE), desc="latent images", disable=None)
    parts = [slice(start, start + PAIRS_AT_ONCE) for start in bar]
    found = [make(latents[part].to(device), *labels[part].to(device).unbind(1)).cpu() for part in parts]
    return Pairs(latents, labels, torch.cat(found))


class OneStepTrainer(PainterTrainer[OneStepConfig]):
    """What both stages share: student, its moving average, and pairs.

    Args:
        student: to begin with.
    """

    betas: ClassVar[tuple[float, float]]

    def __init__(
        self,
        config: OneStepConfig,
        covers: CoverSet,
        device: torch.device,
        student: OneStepGenerator,
        pairs: Pairs,
        precision: str = "fp32",
    ) -> None:
        super().__init__(config, covers, device, precision)
        self.pairs = pairs
        self.origin["student"] = fingerprint(student)
        student = copy.deepcopy(student).train().requires_grad_(True)
        self.student = student.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.student).eval().requires_grad_(False)
        self.networks = {"student": self.student, "average": self.average}
        self.optimisers = {"velocity": self.adam(self.student.unet)}

    def adam(self, *networks: nn.Module) -> torch.optim.Optimizer:
        """An optimiser whose learning rate is set at every step."""
        return torch.optim.Adam([p for network in networks for p in network.parameters()], 1.0, self.betas)

    def draw_pairs(self) -> list[Tensor]:
        """A random batch of pairs: latents, labels and latent images."""
        chosen = torch.randint(len(self.pairs.latents), (self.config.batch,), generator=self.rng)
        pairs = self.pairs
        return [drawn[chosen].to(self.device) for drawn in (pairs.latents, pairs.labels, pairs.latent_images)]

    def follow(self) -> None:
        """Update the moving average."""
        decay = ema_decay(self.config.ema_half_life, self.config.batch, self.step)
        update_average(self.average, self.student, decay)

    def painter(self) -> OneStepGenerator:
        """The moving average."""
        return self.average


class RegressionTrainer(OneStepTrainer):
    """First stage: the student's latent image after one step is the teacher's after all of its own."""

    metrics = ("loss_regression",)
    betas = (0.9, 0.99)

    def train_step(self) -> Sequence[Tensor]:
        """One step by the Huber loss."""
        self.set_learning_rate(self.config.regression_rate)
        latents, labels, targets = self.draw_pairs()
        with self.autocast():
            found = self.student.latent_images(latents, *labels.unbind(1))
        loss = smooth_l1_loss(found.float(), targets, beta=0.3)
        self.update(loss, "velocity")
        self.follow()
        return (loss,)


class AdversarialTrainer(OneStepTrainer):
    """Second stage: student and decoder against critics on pixels and on features.

    Args:
        teacher: whose decoder says where a cover is flat and how it is composed.
        features: VGG16's weights, see :class:`FeatureCritic`.
    """

    metrics = (
        *("loss_discriminator", "loss_generator", "loss_features"),
        *("loss_anchor", "loss_spectrum", "gap"),
    )
    betas = (0.0, 0.99)
    changeable = Trainer.changeable | {"feature_start", "lr_decay"}

    def __init__(
        self,
        config: OneStepConfig,
        covers: CoverSet,
        device: torch.device,
        student: OneStepGenerator,
        pairs: Pairs,
        precision: str = "fp32",
        *,
        teacher: FlowGenerator,
        features: Path | None,
    ) -> None:
        super().__init__(config, covers, device, student, pairs, precision)
        self.origin["teacher"] = fingerprint(teacher)
        self.teacher = copy.deepcopy(teacher.decoder).to(self.device).requires_grad_(False)
        self.critic = PatchCritic(config.critic_width)
        self.heads = FeatureCritic(features) if config.feature_weight else None
        self.critics: dict[str, nn.Module] = {"critic": self.critic}
        if self.heads:
            self.critics["heads"] = self.heads
        self.networks |= self.critics
        for network in self.networks.values():
            network.to(self.device).to(memory_format=torch.channels_last)
        self.student.unet.requires_grad_(config.velocity_rate > 0)
        self.rates = {"decoder": config.decoder_rate, "velocity": config.velocity_rate}
        self.learning = [name for name, rate in self.rates.items() if rate]
        parts = {"decoder": self.student.decoder, "velocity": self.student.unet}
        self.optimisers = {name: self.adam(parts[name]) for name in self.learning}
        self.optimisers["critics"] = self.adam(*self.critics.values())
        self.rates["critics"] = config.critic_rate

    def real_batch(self) -> tuple[Tensor, Tensor]:
        """This step's real covers, and their labels."""
        numbers = torch.from_numpy(self.batch_indices())
        labels = label_numbers([self.covers.entries[i] for i in numbers.tolist()], self.rng)
        labels = labels * (torch.rand(len(labels), 1, generator=self.rng) >= self.config.label_dropout)
        return self.covers_at(numbers), labels.to(self.device)

    @property
    def feature_weight(self) -> float:
        """Of the heads at this step: late and light."""
        started = self.step >= self.config.feature_start * self.steps
        return self.config.feature_weight if self.heads and started else 0.0

    def train_step(self) -> Sequence[Tensor]:
        """One step of the critics, then one of the generator and its average."""
        config = self.config
        for name in self.optimisers:
            self.set_learning_rate(self.rates[name], name)
        real, real_labels = self.real_batch()
        latents, labels, targets = self.draw_pairs()
        with self.autocast():
            if config.velocity_rate:
                latent_images = self.student.latent_images(latents, *labels.unbind(1))
            else:
                latent_images = targets  # The student's own.
            painted = self.student.decoder(latent_images).float()
        shown_real, shown = augment(real, self.rng), augment(painted, self.rng)
        critic_loss = self._critic_loss(shown_real, shown.detach(), real_labels, labels)
        self.update(critic_loss, "critics")

        zero = torch.zeros((), device=self.device)
        if self.images_seen < config.warmup:
            return critic_loss, zero, zero, zero, zero, zero
        for network in self.critics.values():
            network.requires_grad_(False)
        with self.autocast():
            fake_logits = self.critic(shown, labels).float()
            with torch.no_grad():
                real_logits = self.critic(shown_real, real_labels).float()
            adversarial, features = relativistic_loss(fake_logits, real_logits), zero
            if self.heads and self.feature_weight:
                with torch.no_grad():
                    real_features = self.heads(shown_real).float()
                features = relativistic_loss(self.heads(shown).float(), real_features)
        anchor, flat = self._anchor(painted, latent_images, targets)
        spectrum = l1_loss(log_spectrum(painted), log_spectrum(real))
        loss = adversarial + self.feature_weight * features + config.anchor_weight * anchor
        loss = loss + config.flat_weight * flat + config.spectrum_weight * spectrum
        self.update(loss, *self.learning)
        for network in self.critics.values():
            network.requires_grad_(True)
        self.follow()
        gap = real_logits.mean() - fake_logits.mean()
        return critic_loss, adversarial, features, anchor + flat, spectrum, gap

    def _critic_loss(self, real: Tensor, fake: Tensor, real_labels: Tensor, labels: Tensor) -> Tensor:
        penalty = torch.zeros((), device=self.device)
        if self.step % self.config.penalty_every == 0:
            real, fake = real.requires_grad_(True), fake.requires_grad_(True)
            real_logits, fake_logits = self.critic(real, real_labels), self.critic(fake, labels)
            gradients = gradient_penalty(real_logits, real) + gradient_penalty(fake_logits, fake)
            # Of all patches together; that of one is what the loss looks at.
            penalty = self.config.penalty_every * self.config.penalty / 2 / real_logits.shape[1] * gradients
        else:
            with self.autocast():
                real_logits, fake_logits = self.critic(real, real_labels), self.critic(fake, labels)
        loss = relativistic_loss(real_logits.float(), fake_logits.float()) + penalty
        if self.heads and self.feature_weight:
            with self.autocast():
                real_features, fake_features = self.heads(real.detach()), self.heads(fake.detach())
            features = relativistic_loss(real_features.float(), fake_features.float())
            loss = loss + self.config.feature_weight * features
        return loss

    def _anchor(self, painted: Tensor, latent_images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Differences from the teacher's composition, and texture where the teacher paints none."""
        with torch.no_grad(), self.autocast():
            same = self.teacher(latent_images.detach()).float()
            composed = self.teacher(targets).float() if self.config.velocity_rate else same
        anchor = l1_loss(avg_pool2d(painted, COMPOSITION), avg_pool2d(composed, COMPOSITION))
        if self.config.velocity_rate:
            anchor = anchor + smooth_l1_loss(latent_images.float(), targets, beta=0.3)
        contrast = local_contrast(same)
        flatness = torch.exp(-contrast / FLAT)
        excess = (local_contrast(painted) - contrast).relu()
        return anchor, (flatness * excess).mean()


def local_contrast(covers: Tensor) -> Tensor:
    """Standard deviation in a window around each pixel, ``(n, 3, s, s)``."""
    mean = avg_pool2d(covers.contiguous(), HIGH_PASS, 1, HIGH_PASS // 2, count_include_pad=False)
    square = avg_pool2d(covers.square().contiguous(), HIGH_PASS, 1, HIGH_PASS // 2, count_include_pad=False)
    return (square - mean.square()).clamp(min=1e-6).sqrt()


def log_spectrum(covers: Tensor) -> Tensor:
    """Logarithm of the mean power spectrum of a batch's grey values, ``(s, s / 2 + 1)``."""
    grey = covers.float().mean(1)
    power = torch.fft.rfft2(grey - grey.mean((1, 2), keepdim=True)).abs().square().mean(0)
    spectrum: Tensor = (power + 1e-2).log()
    return spectrum
