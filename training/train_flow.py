"""Train the flow painter: a velocity network that leads from noise to latent images, which a decoder paints.

    python -m training.train_flow --data ../shared/data/covers --autoencoder runs/autoencoder --out runs/flow

Flow matching (Lipman et al. 2022, https://arxiv.org/abs/2210.02747) in the latent space of
``training.train_autoencoder``: from any mixture of a cover's latent image and noise, the network learns the
velocity towards the latent image. A smaller network for autoguidance (Karras et al. 2024) learns first, briefly.
A killed run is continued by the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit),
``samples/``, ``tensorboard/`` and ``state.safetensors``, and ``autoguidance/`` the same of the smaller network.
"""

from __future__ import annotations

import copy
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, pad
from tqdm import tqdm

from albumjudge.models.autoencoder import Encoder
from albumjudge.models.flow import FlowGenerator
from training.data.covers import CoverSet, DataError, label_numbers
from training.engine.script import chosen, covers_for, run_script, train_or_end, training_parser
from training.engine.state import read_state
from training.engine.trainer import STATE, Trainer, TrainerConfig, fingerprint, train, update_average
from training.generator.painter_trainer import PainterTrainer

ENCODED_AT_ONCE = 64


@dataclass(frozen=True)
class FlowConfig(TrainerConfig):
    """Settings of a run.

    Attributes:
        warmup: covers during which the learning rate rises.
        width: of the velocity network.
        steps, guidance_scale, autoguidance_scale, autoguidance_start: of
            :class:`albumjudge.models.flow.FlowGenerator`; nothing is learnt of them.
        autoguidance_width, autoguidance_epochs: of the smaller network, 0 for none, and how long it learns.
        views: latent images of each cover, all but the first of a shifted one.
        label_dropout: share of known labels that are hidden (classifier-free guidance).
        ema_power: of the average of the weights: a state counts as its age, as a share of the run so far, says
            to this power (Karras et al. 2023, https://arxiv.org/abs/2312.02696).
    """

    epochs: int = 90
    lr_decay: float = 0.3
    learning_rate: float = 1e-3
    warmup: int = 9_600
    latent_size: int = 100
    width: int = 128
    steps: int = 6
    guidance_scale: float = 5.0
    autoguidance_scale: float = 3.0
    autoguidance_start: float = 0.3
    autoguidance_width: int = 64
    autoguidance_epochs: int = 6
    views: int = 4
    label_dropout: float = 0.12
    ema_power: float = 7.0
    recipe: str = "flow"


def shift(pictures: Tensor, rng: torch.Generator, share: float = 0.125) -> Tensor:
    """Move each picture by up to ``share`` of its side, the border filled by reflection."""
    side = pictures.shape[-1]
    reach = round(share * side)
    padded = pad(pictures, (reach,) * 4, mode="reflect")
    moves = torch.randint(0, 2 * reach + 1, (len(pictures), 2), generator=rng).tolist()
    return torch.stack([p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, moves, strict=True)])


@torch.no_grad()
def encode_all(encoder: nn.Module, covers: CoverSet, config: FlowConfig, device: torch.device) -> Tensor:
    """Latent images of all covers in several views, float, ``(views, n, latent_channels, side, side)``, on
    the CPU."""
    encoder.eval()
    rng = torch.Generator().manual_seed(config.seed + 4)
    views = []
    for view in range(config.views):
        encoded = []
        bar = tqdm(range(0, len(covers), ENCODED_AT_ONCE), desc=f"encoding, view {view + 1}", disable=None)
        for start in bar:
            pixels = torch.from_numpy(covers.pixels[start : start + ENCODED_AT_ONCE])
            pictures = pixels.float().div_(127.5).sub_(1)
            shown = shift(pictures, rng) if view else pictures
            encoded.append(encoder(shown.to(device, memory_format=torch.channels_last)).cpu())
        views.append(torch.cat(encoded))
    return torch.stack(views)


class FlowTrainer(PainterTrainer[FlowConfig]):
    """A velocity network and its moving average.

    Args:
        generator: whose decoder is finished.
        latent_images: of the covers, see :func:`encode_all`.
        autoguidance: train the generator's autoguidance network instead.
    """

    metrics = ("loss_velocity",)
    # What guidance does is only looked at in samples.
    changeable = Trainer.changeable | {
        *("steps", "guidance_scale", "autoguidance_scale", "autoguidance_start"),
        *("autoguidance_width", "autoguidance_epochs"),
    }

    def __init__(
        self,
        config: FlowConfig,
        covers: CoverSet,
        device: torch.device,
        generator: FlowGenerator,
        latent_images: Tensor,
        precision: str = "fp32",
        *,
        autoguidance: bool = False,
    ) -> None:
        super().__init__(config, covers, device, precision)
        self.latent_images = latent_images.to(self.device)
        self.origin["decoder"] = fingerprint(generator.decoder)
        generator.expansion.fit_basis(latent_images.flatten(0, 1).flatten(1))
        self.generator = generator.to(self.device).to(memory_format=torch.channels_last)
        self.autoguidance = autoguidance
        network = generator.autoguidance_unet if autoguidance else generator.unet
        assert network is not None
        self.velocity = copy.deepcopy(network)
        self.average = copy.deepcopy(self.velocity).eval().requires_grad_(False)
        self.networks = {"velocity": self.velocity, "average": self.average}
        optimiser = torch.optim.Adam(self.velocity.parameters(), config.learning_rate, (0.9, 0.98))
        self.optimisers = {"velocity": optimiser}

    def train_step(self) -> Sequence[Tensor]:
        """One step of the velocity network, then of its average."""
        config, rng = self.config, self.rng
        warmup = min(1.0, (self.images_seen + config.batch) / max(1, config.warmup))
        self.set_learning_rate(config.learning_rate * warmup)
        numbers = torch.from_numpy(self.batch_indices())
        labels = label_numbers([self.covers.entries[i] for i in numbers.tolist()], rng)
        labels = labels * (torch.rand(labels.shape, generator=rng) >= config.label_dropout)
        view = torch.randint(config.views, (config.batch,), generator=rng)
        noise = torch.randn((config.batch, *self.latent_images.shape[2:]), generator=rng)
        # Most of what there is to learn lies in the middle (Esser et al. 2024, https://arxiv.org/abs/2403.03206).
        t = torch.randn(config.batch, generator=rng).sigmoid()
        view, numbers, noise, t, labels = (
            drawn.to(self.device) for drawn in (view, numbers, noise, t, labels)
        )
        targets, noise = (
            maps.contiguous(memory_format=torch.channels_last)
            for maps in (self.latent_images[view, numbers], noise)
        )
        with self.autocast():
            mixed = torch.lerp(noise, targets, t[:, None, None, None])
            velocity = self.velocity(mixed, t, *labels.unbind(1))
        loss = mse_loss(velocity.float(), targets - noise)
        self.update(loss, "velocity")
        update_average(self.average, self.velocity, (1 - 1 / (1 + self.step)) ** (config.ema_power + 1))
        return (loss,)

    def painter(self) -> FlowGenerator:
        """The generator with averaged weights; the autoguidance network paints without guidance."""
        averaged = copy.deepcopy(self.generator)
        averaged.unet = copy.deepcopy(self.average)
        if self.autoguidance:
            averaged.autoguidance_unet = None
        return averaged.eval()


def begin(
    config: FlowConfig, autoencoder: Path, device: torch.device
) -> tuple[FlowGenerator, Encoder, dict[str, Any]]:
    """A generator with a finished decoder, its encoder, and what is to be known of these two.

    Raises:
        DataError: if the run of ``training.train_autoencoder`` cannot be used.
    """
    tensors, notes = read_state(autoencoder / STATE)
    torch.manual_seed(config.seed)
    try:
        was = notes["config"]
        for name in ("source", "held_out", "size"):
            if was[name] != getattr(config, name):
                raise DataError(f"{autoencoder} was trained with another {name} ({was[name]}).")
        if notes["left"]:
            raise DataError(
                f"{autoencoder} has {notes['left']} steps to go. Finish it by the command it began with."
            )
        generator = FlowGenerator(
            config.latent_size,
            was["latent_channels"],
            config.width,
            config.size,
            was["width"],
            steps=config.steps,
            autoguidance_scale=config.autoguidance_scale,
            guidance_scale=config.guidance_scale,
            autoguidance_start=config.autoguidance_start,
            autoguidance_width=config.autoguidance_width,
        )
        encoder = Encoder(was["latent_channels"])
        for part, network in (("decoder", generator.decoder), ("encoder", encoder)):
            network.load_state_dict({k: tensors[f"{part}/{k}"] for k in network.state_dict()})
        origin = {"autoencoder": was, "images_seen_before": notes["step"] * was["batch"]}
    except (KeyError, RuntimeError, TypeError) as error:
        raise DataError(f"{autoencoder} is no run of training.train_autoencoder ({error}).") from error
    generator.decoder.requires_grad_(False)
    return generator.to(device), encoder.to(device), origin


def run(given: Namespace, device: torch.device) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, FlowConfig())
    covers = covers_for(given, config)
    generator, encoder, origin = begin(config, given.autoencoder, device)
    latent_images = encode_all(encoder, covers, config, device)
    common = (covers, device, generator, latent_images, given.precision)
    if generator.autoguidance_unet is not None:
        brief = replace(config, epochs=config.autoguidance_epochs)
        smaller = FlowTrainer(brief, *common, autoguidance=True)
        if not train(smaller, given.out / "autoguidance"):
            return None
        generator.autoguidance_unet.load_state_dict(smaller.average.state_dict())
        origin["images_seen_before"] += smaller.images_seen
    trainer = FlowTrainer(config, *common)
    if not train_or_end(trainer, given):
        return None
    return trainer.finish(given.out, name=f"flow-{config.size}", preset="flow", **origin)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = training_parser("train_flow", __doc__, FlowConfig())
    parser.add_argument("--autoencoder", type=Path, required=True, help="run of training.train_autoencoder")
    return run_script(parser.parse_args(arguments), run)


if __name__ == "__main__":
    sys.exit(main())
