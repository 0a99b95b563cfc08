"""Teach a sketcher to dream up sketches of covers that nobody has drawn; with its inker it is a painter.

    python -m training.train_sketcher --data ../shared/data/covers --inker runs/inker --out runs/sketched
    accelerate launch --multi_gpu --num_processes 2 -m training.train_sketcher ... --device cpu

A generative adversarial network on the sketches that ``training.train_inker`` learnt to trace. They hold
a sixteenth of a cover's numbers, so it sees several times as many in the same time. A killed run is continued by
the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit), ``samples/`` and ``state.safetensors``.
"""

from __future__ import annotations

import argparse
import copy
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from albumjudge.conditions import DECADES, GENRES
from albumjudge.sketched import GRAIN, SketchGenerator
from training.cards import write_card
from training.cover_data import CoverSet, DataError, label_numbers, load_covers
from training.crew import Crew, dismiss, muster
from training.dreaming import Layout, SketchCritic, disturb, lead, steepness
from training.generator_trainer import contact_sheet
from training.projected import shift
from training.pupils import STATE, Pupil, add_options, chosen, fingerprint, teach
from training.reading import CLEAR
from training.runs import read_state, save_checkpoint, write_json
from training.shared_norm import share_norms
from training.tracing import Tracer

SAMPLES, CALIBRATION_BATCHES, TRACED_AT_ONCE = 64, 8, 64


@dataclass(frozen=True)
class SketcherConfig:
    """Settings of a run.

    Attributes:
        source, held_out, size: as in :class:`training.presets.GeneratorConfig`.
        epochs, batch, learning_rate: of Adam, without momentum; over the last ``settle`` the rate falls to zero.
        latent_size, width: of the sketcher.
        views: tracings of each cover, each but the first after moving it a bit.
        steep_say, steep_last, steep_every: how much the critic's steepness is penalised at first and from the
            middle of the run on, and at every how-manieth step: early on a steep critic ruins the sketcher, later
            a flat one teaches it nothing.
        noise: deviation of what is added to sketches before the critic sees them.
        covered: share of sketches of which a square is hidden from the critic.
        layout_first: covers during which the sketcher learns nothing but :class:`training.dreaming.Layout`.
        layout_say: how much that counts afterwards, beside what the critic says.
        read_say: how much it counts, in both losses, that genres and decades can be read.
        forget_label: share of known labels that are forgotten.
        average_half_life: covers after which an old state of the sketcher counts half in its average.
        seed: of initialisation, data order and latents.
        recipe: what the run is called where several are shown; there is but one.
    """

    source: str | None = None
    held_out: int = 1500
    size: int = 64
    epochs: int = 18
    batch: int = 32
    learning_rate: float = 2e-4
    settle: float = 0.4
    latent_size: int = 100
    width: int = 192
    views: int = 2
    steep_say: float = 0.5
    steep_last: float = 0.01
    steep_every: int = 4
    noise: float = 0.2
    covered: float = 0.5
    layout_first: int = 4_800
    layout_say: float = 0.1
    read_say: float = 0.2
    forget_label: float = 0.1
    average_half_life: int = 10_000
    seed: int = 2019
    recipe: str = "sketched"


@torch.no_grad()
def trace_all(tracer: Tracer, covers: CoverSet, config: SketcherConfig, crew: Crew) -> Tensor:
    """Sketches of all covers in several views, float, ``(views, n, depth, side, side)``, on the CPU.

    Each process of a crew traces its part; all get the whole.
    """
    tracer.eval()
    chance = torch.Generator().manual_seed(config.seed + 4)
    views = []
    for view in range(config.views):
        traced = []
        bar = tqdm(range(0, len(covers), TRACED_AT_ONCE), desc=f"sketches, view {view + 1}", disable=None)
        for start in bar:
            pixels = torch.from_numpy(covers.pixels[start : start + TRACED_AT_ONCE])
            pictures = pixels.float().div_(127.5).sub_(1)
            own = crew.share(shift(pictures, chance) if view else pictures)
            found = tracer(own.to(crew.device, memory_format=torch.channels_last))
            rows = torch.zeros(len(pictures), *found.shape[1:], device=crew.device)
            rows[crew.rank :: crew.size] = found * crew.size
            traced.append(rows)
        whole = torch.cat(traced)
        crew.average([whole])
        views.append(whole.cpu())
    return torch.stack(views)


class SketcherTrainer(Pupil):
    """One run: sketcher, critic, optimisers and where it stands.

    Args:
        painter: a generator whose inker is finished.
        sketches: of the covers, see :func:`trace_all`.
    """

    def __init__(
        self,
        config: SketcherConfig,
        covers: CoverSet,
        crew: Crew,
        painter: SketchGenerator,
        sketches: Tensor,
    ) -> None:
        names = (
            "loss_discriminator",
            "loss_generator",
            "real_score",
            "fake_score",
            "steepness",
            "layout",
            "misread",
            "unmet",
        )
        super().__init__(config, covers, crew, names)
        self.config, self.sketches = config, sketches
        self.given["inker"] = fingerprint(painter.inker)
        self.painter = painter.to(crew.device).to(memory_format=torch.channels_last)
        self.sketcher = copy.deepcopy(painter.sketcher)
        depth, side = sketches.shape[2], sketches.shape[3]
        self.critic = SketchCritic(depth, side=side).to(crew.device).to(memory_format=torch.channels_last)
        self.layout = Layout(sketches.flatten(0, 1), config.latent_size).to(crew.device)
        self.average = copy.deepcopy(self.sketcher).eval().requires_grad_(False)
        share_norms(self.sketcher, crew)
        self.networks = {"sketcher": self.sketcher, "critic": self.critic, "average": self.average}
        self.optimisers = {
            name: torch.optim.Adam(self.networks[name].parameters(), config.learning_rate, (0.0, 0.99))
            for name in ("sketcher", "critic")
        }
        chance = torch.Generator().manual_seed(config.seed + 2)
        self.sample_latents = torch.randn(SAMPLES, config.latent_size, generator=chance)
        half = SAMPLES // 2
        genres = [0] * half + [1 + k % len(GENRES) for k in range(half)]
        decades = [0] * half + [1 + k // 4 % len(DECADES) for k in range(half)]
        self.sample_labels = torch.tensor([genres, decades]).T.contiguous()

    def steep_say(self) -> float:
        """How much the critic's steepness counts at this step: it falls evenly on a logarithmic scale."""
        config, way = self.config, min(1.0, 2 * self.step / self.steps)
        say: float = config.steep_say * (config.steep_last / config.steep_say) ** way
        return say

    def seen(self, sketches: Tensor) -> Tensor:
        """Sketches as they are shown to the critic: this process's part of a batch."""
        count, side = self.config.batch, sketches.shape[-1]
        noise = torch.randn((count, *sketches.shape[1:]), generator=self.chance) * self.config.noise
        moves = torch.randint(-1, 2, (count, 2), generator=self.chance)
        corners = torch.randint(1 - side // 2, side, (count, 2), generator=self.chance)
        hidden = torch.rand(count, 1, generator=self.chance) < self.config.covered
        drawn = (noise, moves, torch.where(hidden, corners, 2 * side))
        return disturb(sketches, *(self.crew.share(each).to(sketches.device) for each in drawn))

    def train_step(self) -> None:
        """One step of the critic, then one of the sketcher, then of its average."""
        config, device = self.config, self.crew.device
        self.settle(config.learning_rate)
        numbers = torch.from_numpy(self.batch())
        labels = label_numbers([self.covers.entries[i] for i in numbers.tolist()], self.chance)
        labels = labels * (torch.rand(labels.shape, generator=self.chance) >= config.forget_label)
        view = torch.randint(config.views, (config.batch,), generator=self.chance)
        real = self.crew.share(self.sketches[view, numbers]).to(device, memory_format=torch.channels_last)
        # Real and dreamt sketches are compared in pairs that were asked for the same.
        genre, decade = self.crew.share(labels).to(device).unbind(1)
        wish = (genre, decade)
        latents = torch.randn(config.batch, config.latent_size, generator=self.chance)
        latents = self.crew.share(latents).to(device)
        dreamt = self.sketcher(latents, *wish)

        steep = self.step % config.steep_every == 0
        shown = [self.seen(each).detach().requires_grad_(steep) for each in (real, dreamt)]
        described = [self.critic.describe(each) for each in shown]
        logits = [self.critic.realness(each, *wish) for each in described]
        loss_critic = lead(*logits)
        # Who reads genres and decades learns from real covers alone, so that the two cannot agree on signs.
        misread = self.critic.misread(described[0], *wish)
        penalty = torch.zeros((), device=device)
        if steep:
            penalty = sum(
                (steepness(*pair) for pair in zip(logits, shown, strict=True)), torch.zeros((), device=device)
            )
        loss = loss_critic + config.read_say * misread
        say = self.steep_say() / 2 * config.steep_every
        self.learn(loss + say * penalty, "critic")

        self.critic.requires_grad_(False)
        with torch.no_grad():
            against = self.critic(shown[0], *wish)
        dreams = self.critic.describe(self.seen(dreamt))
        loss_sketcher = lead(self.critic.realness(dreams, *wish), against)
        unmet = self.critic.misread(dreams, *wish, clear=CLEAR)
        layout = self.layout(dreamt, latents)
        if self.images_seen < config.layout_first:
            self.learn(layout, "sketcher")
        else:
            self.learn(loss_sketcher + config.layout_say * layout + config.read_say * unmet, "sketcher")
        self.critic.requires_grad_(True)

        self._follow(0.5 ** (config.batch / config.average_half_life))
        scores = [each.mean() for each in logits]
        self.note(loss_critic, loss_sketcher, *scores, penalty * config.steep_every, layout, misread, unmet)

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for slow, fast in zip(self.average.parameters(), self.sketcher.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)

    @torch.no_grad()
    def averaged_generator(self) -> SketchGenerator:
        """The painter with the average of its sketcher, whose batch norms are measured anew."""
        averaged = copy.deepcopy(self.painter)
        averaged.sketcher.load_state_dict(self.average.state_dict())
        for module in averaged.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        chance = torch.Generator().manual_seed(self.config.seed + 3)
        averaged.sketcher.train()
        for _ in range(CALIBRATION_BATCHES):
            latents = torch.randn(128, self.config.latent_size, generator=chance)
            drawn = torch.randint(len(self.covers), (128,), generator=chance).tolist()
            labels = label_numbers([self.covers.entries[i] for i in drawn], chance)
            averaged.sketcher(*(each.to(self.crew.device) for each in (latents, *labels.unbind(1))))
        return averaged.eval()

    @torch.no_grad()
    def sheet(self) -> tuple[str, Image.Image]:
        """The run's fixed latents, painted."""
        given = (self.sample_latents, *self.sample_labels.unbind(1))
        painted = self.averaged_generator()(*(each.to(self.crew.device) for each in given))
        return "", Image.fromarray(contact_sheet(painted.cpu()))


def begin(config: SketcherConfig, inker: Path, device: torch.device) -> tuple[SketchGenerator, Tracer, int]:
    """A painter with a finished inker, who traces for it, and the covers that these two were shown.

    Raises:
        DataError: if the run of ``training.train_inker`` cannot be used.
    """
    tensors, notes = read_state(inker / STATE)
    torch.manual_seed(config.seed)
    try:
        told: dict[str, Any] = dict(notes["config"])  # type: ignore[call-overload]
        for name in ("source", "held_out", "size"):
            if told[name] != getattr(config, name):
                raise DataError(f"{inker} was taught with another {name} ({told[name]}).")
        painter = SketchGenerator(
            config.latent_size, config.width, config.size, depth=told["depth"], ink=told["width"]
        )
        tracer = Tracer(told["depth"])
        for name, network in (("inker", painter.inker), ("tracer", tracer)):
            network.load_state_dict({k: tensors[f"{name}/{k}"] for k in network.state_dict()})
        shown = int(notes["step"]) * int(told["batch"])  # type: ignore[call-overload]
    except (KeyError, RuntimeError, TypeError) as error:
        raise DataError(f"{inker} is no run of training.train_inker ({error}).") from error
    if config.latent_size > told["depth"] * (config.size // GRAIN) ** 2:
        raise DataError(
            f"A sketch has fewer numbers than a latent vector of {config.latent_size}. "
            "Give a smaller --latent-size."
        )
    painter.inker.requires_grad_(False)
    return painter.to(device), tracer.to(device), shown


def finish(trainer: SketcherTrainer, out: Path, inker: Path, before: int) -> Path:
    """Write ``out/checkpoint``: half-precision weights, config, curves, how they came about, and a card."""
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "generator",
        "network": type(trainer.painter).__name__,
        "name": f"sketched-{trainer.config.size}",
        "preset": "sketched",
        "config": asdict(trainer.config),
        "inker": read_state(inker / STATE)[1]["config"],
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "images_seen_before": before,
        "precision": "fp32",
        "processes": trainer.crew.size,
    }
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_sketcher", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--inker", type=Path, required=True, help="run of training.train_inker")
    add_options(parser, SketcherConfig())
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    crew = Crew()
    try:
        torch.set_flush_denormal(True)
        crew = muster(given.device)
        if given.threads:
            torch.set_num_threads(given.threads)
        config = chosen(given, SketcherConfig())
        covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
        painter, tracer, before = begin(config, given.inker, crew.device)
        with crew.together():
            sketches = trace_all(tracer, covers, config, crew)
            trainer = SketcherTrainer(config, covers, crew, painter, sketches)
            ended = teach(trainer, given.out)
        if ended and crew.first:
            print(f"Wrote {finish(trainer, given.out, given.inker, before)}.")
    except (DataError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        torch.set_flush_denormal(False)
        dismiss(crew)
    return 0


if __name__ == "__main__":
    sys.exit(main())
