"""What the halves of the recipe ``sketched`` have in common as they learn: where they stand, how they go on."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from training.data.covers import CoverSet, DataError
from training.engine.cuda_graphs import set_rate
from training.engine.distributed import Processes
from training.engine.hardware import peak_memory
from training.engine.state import read_state, write_json, write_state
from training.engine.tensorboard import Board

STATE = "state.safetensors"
MOST_NOTED = 256
MOST_SAVING = 0.1
"""Share of the time that may go into saving the state at the ends of epochs."""
FEWEST_SHEETS = 24
"""A run of more epochs leaves a sheet of samples at the ends of so many of them, or up to twice as many."""


class TrainerConfig(Protocol):
    """Settings that every pupil has; they are a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def epochs(self) -> int: ...
    @property
    def batch(self) -> int: ...
    @property
    def settle(self) -> float: ...
    @property
    def seed(self) -> int: ...


L = TypeVar("L", bound=TrainerConfig)


class Trainer(ABC):
    """A run: networks, optimisers and where it stands. In a crew every process takes every step.

    Subclasses fill ``networks`` and ``optimisers``, whose states are kept, and add to ``given`` whatever else a
    run depends on, so that it is not continued with another.

    Args:
        names: of what :meth:`note` is told.

    Raises:
        DataError: if there are too few covers for a batch, or a batch cannot be shared out evenly.
    """

    free: ClassVar[frozenset[str]] = frozenset({"epochs"})
    """Settings that may change in the middle of a run."""
    precision = "fp32"
    """What networks compute in, ``fp32`` or ``bf16``; weights, slopes and losses are of single precision."""

    def __init__(
        self, config: TrainerConfig, covers: CoverSet, crew: Processes, names: Sequence[str]
    ) -> None:
        if len(covers) < config.batch or config.batch % crew.size:
            raise DataError(
                f"{len(covers)} covers and {crew.size} processes do not go with batches of {config.batch}. "
                "Give another --batch."
            )
        self.lesson, self.covers, self.crew, self.names = config, covers, crew, tuple(names)
        torch.manual_seed(config.seed)
        self.chance = torch.Generator().manual_seed(config.seed + 1)
        self.step = 0
        self.totals = torch.zeros(len(names), dtype=torch.float64)
        self._noted: list[Tensor] = []
        self.history: list[dict[str, float]] = []
        entries = repr(covers.entries).encode() + covers.pixels.tobytes()
        self.given = {"covers": hashlib.sha256(entries).hexdigest()[:16]}
        self.networks: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

    @property
    def steps_per_epoch(self) -> int:
        return len(self.covers) // self.lesson.batch

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.lesson.epochs

    @property
    def images_seen(self) -> int:
        return self.step * self.lesson.batch

    def autocast(self) -> torch.autocast:
        """What forward passes are wrapped in."""
        return torch.autocast(self.crew.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    @abstractmethod
    def train_step(self) -> None:
        """Look at one batch and learn from it."""

    @abstractmethod
    def sheet(self) -> tuple[str, Image.Image]:
        """A picture of what has been learnt, and what to add to its file's name."""

    def batch(self) -> NDArray[np.int64]:
        """The numbers of this step's covers, of all processes; they depend on seed and epoch alone."""
        epoch, place = divmod(self.step, self.steps_per_epoch)
        order = np.random.default_rng([self.lesson.seed, epoch]).permutation(len(self.covers))
        size = self.lesson.batch
        return order[place * size : (place + 1) * size]

    def as_input(self, numbers: NDArray[np.int64]) -> Tensor:
        """Covers by number, float, ``(n, 3, s, s)`` in [-1, 1]."""
        return self.as_covers(torch.from_numpy(self.covers.pixels[numbers]).to(self.crew.device))

    @staticmethod
    def as_covers(pixels: Tensor) -> Tensor:
        """Uint8, ``(n, 3, s, s)``, to float in [-1, 1]."""
        return pixels.contiguous(memory_format=torch.channels_last).float().div_(127.5).sub_(1)

    def settle(self, rate: float) -> None:
        """Set the learning rate that this step is due: over the last ``settle`` of the run it falls to zero."""
        left = 1.0
        if self.lesson.settle:
            left = min(1.0, (self.steps - self.step) / (self.lesson.settle * self.steps))
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                set_rate(group, rate * left)

    def learn(self, loss: Tensor, optimiser: str) -> None:
        """One step of an optimiser, by the mean of all processes' slopes."""
        steps = self.optimisers[optimiser]
        steps.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in steps.param_groups for p in group["params"]]
        self.crew.average([p.grad for p in parameters if p.grad is not None])
        steps.step()

    def note(self, *seen: Tensor) -> None:
        """End the step, remembering scalars for the history."""
        self.step += 1
        means = torch.stack([value.detach().float() for value in seen])
        self.crew.average([means])
        self._noted.append(means)
        ended = self.step % self.steps_per_epoch == 0
        if ended or len(self._noted) >= MOST_NOTED:
            self._add_up()
        if ended:
            line: dict[str, float] = {
                "epoch": self.step // self.steps_per_epoch,
                "images_seen": self.images_seen,
            }
            found = (self.totals / self.steps_per_epoch).tolist()
            self.history.append(
                line | {name: round(mean, 5) for name, mean in zip(self.names, found, strict=True)}
            )
            self.totals.zero_()

    def _add_up(self) -> None:
        """Asking a GPU for what it found makes it idle, so it is asked rarely."""
        if self._noted:
            # One by one, so that a run that was interrupted adds up to exactly the same.
            for means in torch.stack(self._noted).cpu().double():
                self.totals += means
        self._noted.clear()

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """All that the rest of the run depends on: tensors, and what fits in JSON."""
        self._add_up()
        tensors = {"chance": self.chance.get_state(), "totals": self.totals}
        for name, network in self.networks.items():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"{name} adam/{index}/{key}": value for key, value in moments.items()}
        config = asdict(self.lesson)
        return tensors, {
            "step": self.step,
            "left": self.steps - self.step,
            "history": self.history,
            "config": config,
            "given": self.given,
        }

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Stand where :meth:`state` was called.

        Raises:
            DataError: if the state is of a run with other settings (but ``free``) or lacks something.
        """
        try:
            now = asdict(self.lesson)
            was = dict(notes["config"])
            differing = sorted(key for key in now if key not in self.free and was.get(key) != now[key])
            differing += sorted(key for key in self.given if notes["given"].get(key) != self.given[key])
            if differing:
                raise DataError(
                    f"The saved state is of a run with other settings ({', '.join(differing)}). "
                    "Give another --out, or delete the old run."
                )
            for name, network in self.networks.items():
                network.load_state_dict({k: tensors[f"{name}/{k}"] for k in network.state_dict()})
            for name, optimiser in self.optimisers.items():
                found: dict[int, dict[str, Tensor]] = {}
                for key, value in tensors.items():
                    if key.startswith(f"{name} adam/"):
                        _, index, moment = key.split("/")
                        found.setdefault(int(index), {})[moment] = value
                optimiser.load_state_dict(optimiser.state_dict() | {"state": found})
            self.chance.set_state(tensors["chance"])
            self.totals.copy_(tensors["totals"])
            self.step, self.history = int(notes["step"]), list(notes["history"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(
                f"The saved state is incomplete or of other networks ({error}). Delete it to start anew."
            ) from error


def teach(pupil: Trainer, out: Path, *, save_every: float = 300.0, stop_after: int | None = None) -> bool:
    """Train, or go on training, in ``out``.

    There are ``state.safetensors``, ``history.json``, ``samples/`` and ``tensorboard/`` then.

    Args:
        save_every: seconds between saves of the state. It is saved at the end of an epoch, too, as long as saving
            takes but a small part of the time.
        stop_after: end early after so many steps, with the state saved.

    Returns:
        whether the run has come to its end.

    Raises:
        DataError: if ``out`` holds another run.
    """
    crew = pupil.crew
    crew.agree(repr((pupil.lesson, pupil.given)), "settings or covers")

    def first() -> tuple[dict[str, Tensor], dict[str, object]]:
        if (out / STATE).is_file():
            pupil.restore(*read_state(out / STATE))
        return pupil.state()

    state = crew.from_first(first)
    if not crew.first:
        pupil.restore(*state)
    with ExitStack() as at_the_end:
        log = at_the_end.enter_context(closing(_Log(pupil, out))) if crew.first else None
        if log and not pupil.step:
            log.hang()
        bar = tqdm(
            total=pupil.steps * pupil.lesson.batch,
            initial=pupil.images_seen,
            unit="img",
            mininterval=0.5 if sys.stderr.isatty() else 60,
            maxinterval=120,
            disable=not crew.first,
        )
        at_the_end.enter_context(bar)
        started = saved = time.monotonic()
        saving = 0.0
        while pupil.step < pupil.steps:
            pupil.train_step()
            bar.update(pupil.lesson.batch)
            ended, stopping = pupil.step % pupil.steps_per_epoch == 0, pupil.step == stop_after
            memory = crew.largest(peak_memory(crew.device)) if ended else 0.0
            if log and ended:
                log.tell(memory)
            if log and _worth_a_look(pupil):
                log.hang()
            now = time.monotonic()
            due = now - saved > save_every or (ended and saving <= MOST_SAVING * (now - started))
            if log and (due or stopping or pupil.step == pupil.steps):
                log.board.flush()
                write_state(out / STATE, *pupil.state())
                write_json(out / "history.json", pupil.history)
                saved = time.monotonic()
                saving += saved - now
            if stopping and pupil.step < pupil.steps:
                return False
    return True


class _Log:
    """What the first process tells of a run: a line an epoch, curves and samples.

    How fast it was stands there alone, since a run that was interrupted has the same history as any other.
    """

    def __init__(self, pupil: Trainer, out: Path) -> None:
        self.pupil, self.samples = pupil, out / "samples"
        self.board = Board(out / "tensorboard", seen=pupil.images_seen)
        self._since, self._from = time.monotonic(), pupil.images_seen

    def tell(self, memory: float) -> None:
        """Of the epoch that has just ended.

        Args:
            memory: the most that any process has held so far, in GB.
        """
        now, seen = time.monotonic(), self.pupil.images_seen
        line = self.pupil.history[-1] | {
            "covers_per_second": round((seen - self._from) / max(1e-9, now - self._since), 2),
            "peak_memory_gb": round(memory, 3),
        }
        tqdm.write("  ".join(f"{key} {value:g}" for key, value in line.items()))
        self.board.add_epoch(line)
        self._since, self._from = now, seen

    def hang(self) -> None:
        """Keep samples of this moment."""
        kind, picture = self.pupil.sheet()
        self.samples.mkdir(parents=True, exist_ok=True)
        picture.save(self.samples / f"{self.pupil.images_seen:08d}{kind}.png")
        self.board.add_samples(np.asarray(picture), self.pupil.images_seen)

    def close(self) -> None:
        self.board.close()


def _worth_a_look(pupil: Trainer) -> bool:
    """Whether to keep samples of this moment: in the first steps often, later at the end of some epochs."""
    epoch, within = divmod(pupil.step, pupil.steps_per_epoch)
    if within or epoch % max(1, pupil.lesson.epochs // FEWEST_SHEETS):
        return pupil.step == pupil.steps or (pupil.step >= 16 and pupil.step.bit_count() == 1)
    return True


def fingerprint(network: nn.Module) -> str:
    """Eight hex digits that other weights do not share."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def add_options(parser: argparse.ArgumentParser, usual: TrainerConfig) -> None:
    """Add what a script for a pupil takes: data, place, device, and every setting."""
    parser.add_argument("--data", type=Path, required=True, help="folder with images and metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an old one is continued")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    for field in fields(usual):
        if field.name == "recipe":
            continue
        kind = str if field.default is None else type(field.default)
        parser.add_argument("--" + field.name.replace("_", "-"), type=kind)


def chosen(given: argparse.Namespace, usual: L) -> L:
    """Settings with what was asked for on the command line."""
    names = [field.name for field in fields(usual) if field.name != "recipe"]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return replace(usual, **changes)
