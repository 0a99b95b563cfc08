"""Teach a sketcher to make sketches of covers that nobody has drawn; with its inker it is a painter.

    python -m training.train_flow --data ../shared/data/covers --inker runs/inker --out runs/sketched
    accelerate launch --multi_gpu --num_processes 2 -m training.train_flow ... --device cpu

Flow matching (Lipman et al. 2022, https://arxiv.org/abs/2210.02747) on the sketches that ``training.train_autoencoder``
learnt to trace: from any mixture of a traced sketch and noise, the sketcher learns which way the sketch lies.
Sketches hold a sixteenth of a cover's numbers, so it sees several times as many in the same time as a network on
pixels; there is no critic that could be fooled, and nothing to collapse. A novice, who is smaller and soon sent
away, learns first: the painter goes further wherever the sketcher departs from it. A killed run is continued by
the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit), ``samples/``, ``tensorboard/`` and
``state.safetensors``, and ``novice/`` the last three of the novice.
"""

from __future__ import annotations

import argparse
import copy
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss
from tqdm import tqdm

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.models.flow import FlowGenerator
from training.data.covers import CoverSet, DataError, label_numbers, load_covers
from training.engine.cuda_graphs import Replay, adam
from training.engine.distributed import Processes, join_processes, leave_processes
from training.engine.hardware import choose_precision, hardware
from training.engine.state import read_state, save_checkpoint, write_json
from training.engine.trainer import STATE, Trainer, add_options, chosen, fingerprint, teach
from training.generator.autoencoder_loss import Encoder
from training.generator.dcgan_trainer import contact_sheet
from training.projected import shift
from training.reports.model_card import write_card

SAMPLES, TRACED_AT_ONCE = 64, 64


@dataclass(frozen=True)
class FlowConfig:
    """Settings of a run.

    Attributes:
        source, held_out, size: as in :class:`training.generator.presets.GeneratorConfig`.
        epochs, batch, learning_rate: of Adam; the rate rises during the first ``warm`` covers, and over the last
            ``settle`` of the run it falls to zero.
        latent_size: of the painter; a sketch begins as what it unfolds to. The sketcher learns from any noise.
        width: of the sketcher.
        steps, guidance, insistence, patience: of :class:`albumjudge.models.flow.FlowGenerator`; nothing that is
            learnt.
        novice, novice_epochs: width of the novice, 0 for none, and how long it learns.
        views: tracings of each cover, each but the first after moving it a bit.
        forget_label: share of known labels that are forgotten, so that the sketcher knows the way without, too.
        average_power: of the average of the sketcher's states: a state counts as how long ago it was, as a share
            of the run so far, says to this power (Karras et al. 2023, https://arxiv.org/abs/2312.02696).
        seed: of initialisation, data order and noise.
        recipe: what the run is called where several are shown; there is but one.
    """

    source: str | None = None
    held_out: int = 1500
    size: int = 64
    epochs: int = 90
    batch: int = 32
    learning_rate: float = 1e-3
    warm: int = 9_600
    settle: float = 0.3
    latent_size: int = 100
    width: int = 128
    steps: int = 6
    guidance: float = 3.0
    insistence: float = 5.0
    patience: float = 0.3
    novice: int = 64
    novice_epochs: int = 6
    views: int = 4
    forget_label: float = 0.12
    average_power: float = 7.0
    seed: int = 2019
    recipe: str = "sketched"


@torch.no_grad()
def trace_all(tracer: Encoder, covers: CoverSet, config: FlowConfig, crew: Processes) -> Tensor:
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


def mixed(sketches: Tensor, noise: Tensor, moments: Tensor) -> Tensor:
    """Half-finished sketches: on the straight line from noise, at moment 0, to the sketch, at moment 1.

    Args:
        sketches, noise: ``(n, depth, side, side)``.
        moments: ``(n,)``.
    """
    return torch.lerp(noise, sketches, moments[:, None, None, None])


class FlowTrainer(Trainer):
    """One run: sketcher, its average, optimiser and where it stands.

    Args:
        painter: a generator whose inker is finished.
        sketches: of the covers, see :func:`trace_all`.
        novice: whether it is the painter's novice who learns.
    """

    # What the novice has learnt is only looked at in samples.
    free = Trainer.free | {"steps", "guidance", "insistence", "patience", "novice", "novice_epochs"}

    def __init__(
        self,
        config: FlowConfig,
        covers: CoverSet,
        crew: Processes,
        painter: FlowGenerator,
        sketches: Tensor,
        *,
        novice: bool = False,
    ) -> None:
        super().__init__(config, covers, crew, ("loss_generator",))
        self.config, self.sketches = config, sketches.to(crew.device)
        self.given["inker"] = fingerprint(painter.inker)
        painter.unfolding.face(sketches.flatten(0, 1).flatten(1))
        self.painter = painter.to(crew.device).to(memory_format=torch.channels_last)
        learner = painter.novice if novice else painter.sketcher
        assert learner is not None
        self.is_novice, self.sketcher = novice, copy.deepcopy(learner)
        self.average = copy.deepcopy(self.sketcher).eval().requires_grad_(False)
        self.networks = {"sketcher": self.sketcher, "average": self.average}
        learning = adam(self.sketcher.parameters(), config.learning_rate, (0.9, 0.98), crew.device)
        self.optimisers = {"sketcher": learning}
        self.replay = Replay(self._learn, crew.device, record=crew.size == 1)
        chance = torch.Generator().manual_seed(config.seed + 2)
        self.sample_latents = torch.randn(SAMPLES, painter.latent_size, generator=chance)
        half = SAMPLES // 2
        genres = [0] * half + [1 + k % len(GENRES) for k in range(half)]
        decades = [0] * half + [1 + k // 4 % len(DECADES) for k in range(half)]
        self.sample_labels = torch.tensor([genres, decades]).T.contiguous()

    def train_step(self) -> None:
        """One step of the sketcher, then of its average."""
        config = self.config
        self.settle(config.learning_rate * min(1.0, (self.images_seen + config.batch) / max(1, config.warm)))
        numbers = torch.from_numpy(self.batch())
        labels = label_numbers([self.covers.entries[i] for i in numbers.tolist()], self.chance)
        labels = labels * (torch.rand(labels.shape, generator=self.chance) >= config.forget_label)
        view = torch.randint(config.views, (config.batch,), generator=self.chance)
        noise = torch.randn((config.batch, *self.sketches.shape[2:]), generator=self.chance)
        # Most of what there is to learn lies in the middle (Esser et al. 2024, https://arxiv.org/abs/2403.03206).
        moments = torch.randn(config.batch, generator=self.chance).sigmoid()
        loss = self.replay(
            *(self.crew.share(each) for each in (view, numbers, noise, moments, labels)),
        )
        self._follow((1 - 1 / (1 + self.step)) ** (config.average_power + 1))
        self.note(loss)

    def _learn(self, view: Tensor, numbers: Tensor, noise: Tensor, moments: Tensor, labels: Tensor) -> Tensor:
        traced, noise = (
            each.contiguous(memory_format=torch.channels_last)
            for each in (self.sketches[view, numbers], noise)
        )
        with self.autocast():
            ways = self.sketcher(mixed(traced, noise, moments), moments, *labels.unbind(1))
        loss = mse_loss(ways.float(), traced - noise)
        self.learn(loss, "sketcher")
        return loss.detach()

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        slow: list[Tensor] = [*self.average.parameters()]
        fast: list[Tensor] = [*self.sketcher.parameters()]
        torch._foreach_lerp_(slow, fast, 1 - decay)

    def averaged_generator(self) -> FlowGenerator:
        """The painter with the average of its sketcher; a novice paints on its own."""
        averaged = copy.deepcopy(self.painter)
        averaged.sketcher = copy.deepcopy(self.average)
        if self.is_novice:
            averaged.novice = None
        return averaged.eval()

    @torch.no_grad()
    def sheet(self) -> tuple[str, Image.Image]:
        """The run's fixed latents, painted."""
        given = (self.sample_latents, *self.sample_labels.unbind(1))
        painted = self.averaged_generator()(*(each.to(self.crew.device) for each in given))
        return "", Image.fromarray(contact_sheet(painted.cpu()))


def begin(config: FlowConfig, inker: Path, device: torch.device) -> tuple[FlowGenerator, Encoder, int]:
    """A painter with a finished inker, who traces for it, and the covers that these two were shown.

    Raises:
        DataError: if the run of ``training.train_autoencoder`` cannot be used.
    """
    tensors, notes = read_state(inker / STATE)
    torch.manual_seed(config.seed)
    try:
        told: dict[str, Any] = dict(notes["config"])  # type: ignore[call-overload]
        for name in ("source", "held_out", "size"):
            if told[name] != getattr(config, name):
                raise DataError(f"{inker} was taught with another {name} ({told[name]}).")
        painter = FlowGenerator(
            config.latent_size,
            told["depth"],
            config.width,
            config.size,
            told["width"],
            steps=config.steps,
            guidance=config.guidance,
            insistence=config.insistence,
            patience=config.patience,
            novice=config.novice,
        )
        tracer = Encoder(told["depth"])
        for name, network in (("inker", painter.inker), ("tracer", tracer)):
            network.load_state_dict({k: tensors[f"{name}/{k}"] for k in network.state_dict()})
        shown = int(notes["step"]) * int(told["batch"])  # type: ignore[call-overload]
        if notes["left"]:
            raise DataError(
                f"{inker} has {notes['left']} steps to go. Finish it by the command it began with."
            )
    except (KeyError, RuntimeError, TypeError) as error:
        raise DataError(f"{inker} is no run of training.train_autoencoder ({error}).") from error
    painter.inker.requires_grad_(False)
    return painter.to(device), tracer.to(device), shown


def finish(trainer: FlowTrainer, out: Path, inker: Path, before: int) -> Path:
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
        "precision": trainer.precision,
        "processes": trainer.crew.size,
        "hardware": hardware(trainer.crew.device),
    }
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_flow", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--inker", type=Path, required=True, help="run of training.train_autoencoder")
    add_options(parser, FlowConfig())
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
        config = chosen(given, FlowConfig())
        covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
        painter, tracer, before = begin(config, given.inker, crew.device)
        with crew.together():
            sketches = trace_all(tracer, covers, config, crew)
            precision = choose_precision(given.precision, crew.device)
            if painter.novice is not None:
                lesson = replace(config, epochs=config.novice_epochs)
                novice = FlowTrainer(lesson, covers, crew, painter, sketches, novice=True)
                novice.precision = precision
                teach(novice, given.out / "novice")
                painter.novice.load_state_dict(novice.average.state_dict())
                before += novice.images_seen
            trainer = FlowTrainer(config, covers, crew, painter, sketches)
            trainer.precision = precision
            ended = teach(trainer, given.out)
        if ended and crew.first:
            print(f"Wrote {finish(trainer, given.out, given.inker, before)}.")
    except (DataError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        torch.set_flush_denormal(False)
        leave_processes(crew)
    return 0


if __name__ == "__main__":
    sys.exit(main())
