"""Tiny runs of every trainer, on a few covers painted by the test."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from albumjudge.models.autoencoder import Encoder
from albumjudge.models.flow import FlowGenerator
from tests.quick_features import QuickFeatures
from training import train_autoencoder, train_flow
from training.data.covers import CoverSet
from training.engine.trainer import Trainer
from training.generator import critics, dcgan_trainer, painter_trainer
from training.generator.dcgan_trainer import DcganConfig, DcganTrainer
from training.generator.one_step_trainer import (
    AdversarialTrainer,
    OneStepConfig,
    RegressionTrainer,
    make_pairs,
)
from training.train_autoencoder import AutoencoderConfig, AutoencoderTrainer
from training.train_flow import FlowConfig, FlowTrainer
from training.train_one_step import student_of

DCGAN = DcganConfig(source=None, size=8, epochs=3, batch=4, latent_size=4, width=2, ema_half_life=20, seed=5)
AUTOENCODER = AutoencoderConfig(held_out=0, epochs=3, batch=4, latent_channels=2, width=4, seed=5)
FLOW = FlowConfig(
    held_out=0,
    epochs=3,
    batch=4,
    warmup=8,
    latent_size=4,
    width=8,
    steps=2,
    autoguidance_width=8,
    autoguidance_epochs=1,
    views=2,
    seed=5,
)
ONE_STEP = OneStepConfig(
    held_out=0,
    epochs=3,
    batch=4,
    pairs=8,
    critic_width=2,
    warmup=0,
    penalty_every=2,
    feature_start=0.4,
    seed=5,
)
KINDS = ("dcgan", "autoencoder", "flow", "regression", "adversarial")


def small_networks(patch: pytest.MonkeyPatch) -> None:
    """Narrow encoders, frozen networks of a few layers, few batches to calibrate on."""
    narrow = partial(Encoder, width=4)
    patch.setattr(train_autoencoder, "Encoder", narrow)
    patch.setattr(train_flow, "Encoder", narrow)
    patch.setattr(train_autoencoder, "LiteFeatures", QuickFeatures)
    patch.setattr(dcgan_trainer, "CALIBRATION_BATCHES", 1)
    for module in (painter_trainer, train_autoencoder):
        patch.setattr(module, "SAMPLES", 8)
    patch.setattr(critics, "FEATURE_LAYERS", {1: 4, 3: 4})
    patch.setattr(critics, "vgg16_features", lambda _path: quick_trunk())


def quick_trunk() -> nn.Sequential:
    """Stands in for VGG16."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.Conv2d(4, 4, 2, 2), nn.ReLU())


def flow_generator(config: FlowConfig = FLOW) -> FlowGenerator:
    """A generator with random weights, its decoder as after training of its own."""
    torch.manual_seed(0)
    generator = FlowGenerator(
        config.latent_size,
        2,
        config.width,
        64,
        4,
        steps=config.steps,
        autoguidance_scale=config.autoguidance_scale,
        guidance_scale=config.guidance_scale,
        autoguidance_start=config.autoguidance_start,
        autoguidance_width=config.autoguidance_width,
    )
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    generator.decoder.requires_grad_(False)
    return generator


def make_trainer(kind: str, covers: CoverSet, precision: str = "fp32", **changes: Any) -> Trainer[Any]:
    """A trainer at its beginning; ``changes`` are settings."""
    device = torch.device("cpu")
    if kind == "dcgan":
        return DcganTrainer(replace(DCGAN, **changes), covers, device, precision)
    if kind == "autoencoder":
        return AutoencoderTrainer(replace(AUTOENCODER, **changes), covers, device, precision)
    if kind == "flow":
        config = replace(FLOW, **changes)
        torch.manual_seed(1)
        latent_images = torch.randn(config.views, len(covers), 2, 8, 8)
        return FlowTrainer(config, covers, device, flow_generator(config), latent_images, precision)
    settings, teacher = replace(ONE_STEP, **changes), flow_generator()
    pairs, student = make_pairs(teacher, covers, settings), student_of(teacher)
    if kind == "regression":
        return RegressionTrainer(settings, covers, device, student, pairs, precision)
    return AdversarialTrainer(
        settings, covers, device, student, pairs, precision, teacher=teacher, features=None
    )


def tensors_of(trainer: Trainer[Any]) -> dict[str, Tensor]:
    """A copy of all that the rest of the run depends on."""
    return {name: value.detach().clone() for name, value in trainer.state()[0].items()}
