"""Train the flow painter: a velocity network that leads from noise to latent images, which a decoder paints.

    python -m training.train_flow --data ../shared/data/covers --autoencoder runs/autoencoder --out runs/flow

Flow matching (Lipman et al. 2022, https://arxiv.org/abs/2210.02747) in the latent space of
``training.train_autoencoder``: from any mixture of a cover's latent image and noise, the network learns the
velocity towards the latent image. A smaller network for autoguidance (Karras et al. 2024) learns first, briefly.
A killed run is continued by the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit),
``samples/``, ``tensorboard/`` and ``state.safetensors``, and ``autoguidance/`` the same of the smaller network.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import mse_loss, pad
from tqdm import tqdm

from albumjudge.models.autoencoder import Encoder
from albumjudge.models.flow import FlowGenerator
from training.data.covers import CoverSet, DataError, label_numbers, load_covers
from training.engine.distributed import Processes
from training.engine.hardware import choose_precision, hardware
from training.engine.script import add_options, chosen, run_script
from training.engine.state import read_state, save_checkpoint, write_json
from training.engine.trainer import STATE, Trainer, fingerprint, train, update_average
from training.generator.dcgan_trainer import contact_sheet
from training.generator.sample_labels import sample_labels
from training.reports.model_card import write_card

SAMPLES, ENCODED_AT_ONCE = 64, 64


@dataclass(frozen=True)
class FlowConfig:
    """Settings of a run.

    Attributes:
        source, held_out, size, epochs, batch, learning_rate, lr_decay, latent_size, seed, recipe: as in
            :class:`training.generator.presets.GeneratorConfig`.
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

    source: str | None = None
    held_out: int = 1500
    size: int = 64
    epochs: int = 90
    batch: int = 32
    learning_rate: float = 1e-3
    warmup: int = 9_600
    lr_decay: float = 0.3
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
    seed: int = 2019
    recipe: str = "flow"


def shift(pictures: Tensor, rng: torch.Generator, share: float = 0.125) -> Tensor:
    """Move each picture by up to ``share`` of its side, the border filled by reflection."""
    side = pictures.shape[-1]
    reach = round(share * side)
    padded = pad(pictures, (reach,) * 4, mode="reflect")
    moves = torch.randint(0, 2 * reach + 1, (len(pictures), 2), generator=rng).tolist()
    return torch.stack([p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, moves, strict=True)])


@torch.no_grad()
def encode_all(encoder: nn.Module, covers: CoverSet, config: FlowConfig, processes: Processes) -> Tensor:
    """Latent images of all covers in several views, float, ``(views, n, latent_channels, side, side)``, on
    the CPU.

    Each process encodes its part; all get the whole.
    """
    encoder.eval()
    rng = torch.Generator().manual_seed(config.seed + 4)
    views = []
    for view in range(config.views):
        encoded = []
        bar = tqdm(range(0, len(covers), ENCODED_AT_ONCE), desc=f"encoding, view {view + 1}", disable=None)
        for start in bar:
            pixels = torch.from_numpy(covers.pixels[start : start + ENCODED_AT_ONCE])
            pictures = pixels.float().div_(127.5).sub_(1)
            own = processes.local(shift(pictures, rng) if view else pictures)
            found = encoder(own.to(processes.device, memory_format=torch.channels_last))
            rows = torch.zeros(len(pictures), *found.shape[1:], device=processes.device)
            rows[processes.rank :: processes.size] = found * processes.size
            encoded.append(rows)
        whole = torch.cat(encoded)
        processes.average([whole])
        views.append(whole.cpu())
    return torch.stack(views)


class FlowTrainer(Trainer):
    """A velocity network and its moving average.

    Args:
        generator: whose decoder is finished.
        latent_images: of the covers, see :func:`encode_all`.
        autoguidance: train the generator's autoguidance network instead.
    """

    # What autoguidance does is only looked at in samples.
    changeable = Trainer.changeable | {
        "steps",
        "guidance_scale",
        "autoguidance_scale",
        "autoguidance_start",
        "autoguidance_width",
        "autoguidance_epochs",
    }

    def __init__(
        self,
        config: FlowConfig,
        covers: CoverSet,
        processes: Processes,
        generator: FlowGenerator,
        latent_images: Tensor,
        precision: str = "fp32",
        *,
        autoguidance: bool = False,
    ) -> None:
        super().__init__(config, covers, processes, ("loss_velocity",), precision)
        self.config, self.latent_images = config, latent_images.to(self.device)
        self.origin["decoder"] = fingerprint(generator.decoder)
        generator.expansion.fit_basis(latent_images.flatten(0, 1).flatten(1))
        self.generator = generator.to(self.device).to(memory_format=torch.channels_last)
        self.autoguidance = autoguidance
        network = generator.autoguidance_unet if autoguidance else generator.unet
        assert network is not None
        self.velocity = copy.deepcopy(network)
        self.average = copy.deepcopy(self.velocity).eval().requires_grad_(False)
        self.networks = {"velocity": self.velocity, "average": self.average}
        self.optimisers = {
            "velocity": torch.optim.Adam(self.velocity.parameters(), config.learning_rate, (0.9, 0.98))
        }
        fixed = torch.Generator().manual_seed(config.seed + 2)
        self.sample_latents = torch.randn(SAMPLES, generator.latent_size, generator=fixed)
        self.sample_labels = sample_labels(SAMPLES)

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
            self.processes.local(drawn).to(self.device) for drawn in (view, numbers, noise, t, labels)
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

    def averaged_generator(self) -> FlowGenerator:
        """The generator with averaged weights; the autoguidance network paints without guidance."""
        averaged = copy.deepcopy(self.generator)
        averaged.unet = copy.deepcopy(self.average)
        if self.autoguidance:
            averaged.autoguidance_unet = None
        return averaged.eval()

    @torch.no_grad()
    def samples(self) -> tuple[str, Image.Image]:
        """The run's fixed latents, painted."""
        inputs = (self.sample_latents, *self.sample_labels.unbind(1))
        painted = self.averaged_generator()(*(each.to(self.device) for each in inputs))
        return "", Image.fromarray(contact_sheet(painted.cpu()))


def begin(config: FlowConfig, autoencoder: Path, device: torch.device) -> tuple[FlowGenerator, Encoder, int]:
    """A generator with a finished decoder, its encoder, and the covers that these two were shown.

    Raises:
        DataError: if the run of ``training.train_autoencoder`` cannot be used.
    """
    tensors, notes = read_state(autoencoder / STATE)
    torch.manual_seed(config.seed)
    try:
        was: dict[str, Any] = dict(notes["config"])  # type: ignore[call-overload]
        for name in ("source", "held_out", "size"):
            if was[name] != getattr(config, name):
                raise DataError(f"{autoencoder} was trained with another {name} ({was[name]}).")
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
        for name, network in (("decoder", generator.decoder), ("encoder", encoder)):
            network.load_state_dict({k: tensors[f"{name}/{k}"] for k in network.state_dict()})
        shown = int(notes["step"]) * int(was["batch"])  # type: ignore[call-overload]
        if notes["left"]:
            raise DataError(
                f"{autoencoder} has {notes['left']} steps to go. Finish it by the command it began with."
            )
    except (KeyError, RuntimeError, TypeError) as error:
        raise DataError(f"{autoencoder} is no run of training.train_autoencoder ({error}).") from error
    generator.decoder.requires_grad_(False)
    return generator.to(device), encoder.to(device), shown


def finish(trainer: FlowTrainer, out: Path, autoencoder: Path, seen_before: int) -> Path:
    """Write ``out/checkpoint``: weights in half precision, config, history, provenance and model card."""
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "generator",
        "network": "FlowGenerator",
        "name": f"flow-{trainer.config.size}",
        "preset": "flow",
        "config": asdict(trainer.config),
        "autoencoder": read_state(autoencoder / STATE)[1]["config"],
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "images_seen_before": seen_before,
        "precision": trainer.precision,
        "processes": trainer.processes.size,
        "hardware": hardware(trainer.device),
    }
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_flow", description=__doc__)
    parser.add_argument("--autoencoder", type=Path, required=True, help="run of training.train_autoencoder")
    add_options(parser, FlowConfig())
    return parser.parse_args(arguments)


def run(given: argparse.Namespace, processes: Processes) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, FlowConfig())
    covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
    generator, encoder, seen_before = begin(config, given.autoencoder, processes.device)
    latent_images = encode_all(encoder, covers, config, processes)
    precision = choose_precision(given.precision, processes.device)
    common = (covers, processes, generator, latent_images, precision)
    if generator.autoguidance_unet is not None:
        brief = replace(config, epochs=config.autoguidance_epochs)
        trainer = FlowTrainer(brief, *common, autoguidance=True)
        if not train(trainer, given.out / "autoguidance"):
            return None
        generator.autoguidance_unet.load_state_dict(trainer.average.state_dict())
        seen_before += trainer.images_seen
    trainer = FlowTrainer(config, *common)
    if not train(trainer, given.out):
        return None
    return finish(trainer, given.out, given.autoencoder, seen_before) if processes.first else None


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    return run_script(given, lambda processes: run(given, processes))


if __name__ == "__main__":
    sys.exit(main())
