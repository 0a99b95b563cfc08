"""One training loop for all networks that paint: resumable and logged, on one device."""

from __future__ import annotations

import hashlib
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.tensorboard.writer import SummaryWriter
from tqdm import tqdm

from training.data.covers import CoverSet, DataError
from training.engine.hardware import choose_precision
from training.engine.state import read_state, write_json, write_state

STATE = "state.safetensors"
MIN_SHEETS = 24
"""A run of more epochs leaves samples at the ends of this many of them, or up to twice as many."""


@dataclass(frozen=True)
class TrainerConfig:
    """Settings that every run has; with the data they decide its weights.

    Attributes:
        source: train on covers of this ``source`` only; None takes all.
        held_out: number of covers never trained on, see :func:`training.data.covers.hold_out`.
        size: side of a cover in pixels.
        epochs, batch: passes through the data, and covers per step. An incomplete last batch is left out.
        lr_decay: over this last share of the run the learning rate falls to zero.
        seed: of initialisation, data order and latents.
    """

    source: str | None = None
    held_out: int = 1500
    size: int = 64
    epochs: int = 1
    batch: int = 32
    lr_decay: float = 0.0
    seed: int = 2019


C = TypeVar("C", bound=TrainerConfig)


class Trainer(ABC, Generic[C]):
    """Networks, optimisers and the state of a run.

    Subclasses fill ``networks`` and ``optimisers``, whose states are saved, and add to ``origin`` whatever else
    a run depends on, so that it is not continued with another.

    Raises:
        DataError: if there are too few covers for a batch.
    """

    metrics: ClassVar[tuple[str, ...]]
    """Names of the scalars that :meth:`train_step` returns."""
    changeable: ClassVar[frozenset[str]] = frozenset({"epochs"})
    """Settings that may change in the middle of a run."""

    def __init__(self, config: C, covers: CoverSet, device: torch.device, precision: str = "fp32") -> None:
        if len(covers) < config.batch:
            raise DataError(
                f"{len(covers)} covers are too few for a batch of {config.batch}. Give another --batch."
            )
        self.config, self.covers, self.device = config, covers, device
        self.precision = choose_precision(precision, device)
        torch.manual_seed(config.seed)
        self.rng = torch.Generator().manual_seed(config.seed + 1)
        self.step = 0
        self.totals = torch.zeros(len(self.metrics), device=device)
        self.history: list[dict[str, float]] = []
        content = repr(covers.entries).encode() + covers.pixels.tobytes()
        self.origin = {"covers": hashlib.sha256(content).hexdigest()[:16]}
        self.networks: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}

    @property
    def steps_per_epoch(self) -> int:
        return len(self.covers) // self.config.batch

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    @property
    def images_seen(self) -> int:
        return self.step * self.config.batch

    def autocast(self) -> torch.autocast:
        """What forward passes are wrapped in: bf16 or nothing; weights, gradients and losses are float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    @abstractmethod
    def train_step(self) -> Sequence[Tensor]:
        """Learn from one batch; returns a scalar for each of ``metrics``."""

    @abstractmethod
    def samples(self) -> tuple[str, Image.Image]:
        """A picture of what has been learnt, and what to add to its file's name."""

    def batch_indices(self) -> NDArray[np.int64]:
        """Numbers of this step's covers; they depend on seed and epoch alone."""
        epoch, place = divmod(self.step, self.steps_per_epoch)
        order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.covers))
        size = self.config.batch
        return order[place * size : (place + 1) * size]

    def covers_at(self, indices: NDArray[np.int64] | Tensor) -> Tensor:
        """Covers by number, float, ``(n, 3, s, s)`` in [-1, 1], on the device."""
        pixels = torch.from_numpy(self.covers.pixels[np.asarray(indices)]).to(self.device)
        return pixels.contiguous(memory_format=torch.channels_last).float().div_(127.5).sub_(1)

    def set_learning_rate(self, rate: float, *optimisers: str) -> None:
        """Set the rate that this step is due: over the last ``lr_decay`` of the run it falls to zero.

        Args:
            optimisers: names; all where none is given.
        """
        if self.config.lr_decay:
            rate *= min(1.0, (self.steps - self.step) / (self.config.lr_decay * self.steps))
        for name in optimisers or self.optimisers:
            for group in self.optimisers[name].param_groups:
                group["lr"] = rate

    def update(self, loss: Tensor, *names: str) -> None:
        """One step of these optimisers."""
        optimisers = [self.optimisers[name] for name in names]
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser in optimisers:
            optimiser.step()

    def advance(self) -> bool:
        """Take one step and note its metrics; returns whether an epoch has ended."""
        self.totals += torch.stack([value.detach().float() for value in self.train_step()])
        self.step += 1
        ended = self.step % self.steps_per_epoch == 0
        if ended:
            means_of_epoch = [round(mean, 5) for mean in (self.totals / self.steps_per_epoch).tolist()]
            epoch = {"epoch": self.step // self.steps_per_epoch, "images_seen": self.images_seen}
            self.history.append(epoch | dict(zip(self.metrics, means_of_epoch, strict=True)))
            self.totals.zero_()
        return ended

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """All that the rest of the run depends on: tensors, and what fits in JSON."""
        tensors = {"rng": self.rng.get_state(), "totals": self.totals}
        for name, network in self.networks.items():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in self.optimisers.items():
            for index, values in optimiser.state_dict()["state"].items():
                tensors |= {f"{name} adam/{index}/{key}": value for key, value in values.items()}
        return tensors, {
            "step": self.step,
            "left": self.steps - self.step,
            "history": self.history,
            "config": asdict(self.config),
            "origin": self.origin,
        }

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Stand where :meth:`state` was called.

        Raises:
            DataError: if the state is of a run with other settings (but ``changeable``) or lacks something.
        """
        try:
            now, was = asdict(self.config), dict(notes["config"])
            differing = sorted(key for key in now if key not in self.changeable and was.get(key) != now[key])
            differing += sorted(key for key in self.origin if notes["origin"].get(key) != self.origin[key])
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
                        _, index, kind = key.split("/")
                        found.setdefault(int(index), {})[kind] = value
                optimiser.load_state_dict(optimiser.state_dict() | {"state": found})
            self.rng.set_state(tensors["rng"])
            self.totals.copy_(tensors["totals"])
            self.step, self.history = int(notes["step"]), list(notes["history"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(
                f"The saved state is incomplete or of other networks ({error}). Delete it to start anew."
            ) from error


def ema_decay(half_life: float, batch: int, step: int) -> float:
    """Decay of an average that halves what was before after so many covers; less in the first steps, so that it
    does not remember the random start for long.
    """
    return min(float(0.5 ** (batch / half_life)), (1 + step) / (10 + step))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an exponential moving average of weights (EMA) on by one step."""
    torch._foreach_lerp_([*average.parameters()], [*network.parameters()], 1 - decay)


def train(
    trainer: Trainer[Any], out: Path, *, save_every: float = 60.0, stop_after: int | None = None
) -> bool:
    """Train, or go on training, in ``out``; Ctrl-C and SIGTERM end it after a step, with the state saved.

    There are ``state.safetensors``, ``history.json``, ``samples/`` and ``tensorboard/`` then.

    Args:
        save_every: seconds between saves of the state, which is what a killed run loses at most.
        stop_after: end early after so many steps, as a signal would.

    Returns:
        whether the run has come to its end.

    Raises:
        DataError: if ``out`` holds another run.
    """
    if (out / STATE).is_file():
        trainer.restore(*read_state(out / STATE))
    # Curves of what a kill lost are hidden, since they are drawn again.
    purged = trainer.images_seen + 1 if trainer.step else 0
    bar = tqdm(
        total=trainer.steps * trainer.config.batch,
        initial=trainer.images_seen,
        unit="img",
        mininterval=0.5 if sys.stderr.isatty() else 60,
        maxinterval=120,
    )
    with SummaryWriter(out / "tensorboard", purge_step=purged) as board, _stop_signals() as asked, bar:
        if not trainer.step:
            _save_samples(trainer, out)
        saved = time.monotonic()
        while trainer.step < trainer.steps:
            ended = trainer.advance()
            bar.update(trainer.config.batch)
            if ended:
                line = trainer.history[-1]
                tqdm.write("  ".join(f"{key} {value:g}" for key, value in line.items()))
                for key in trainer.metrics:
                    board.add_scalar(key, line[key], trainer.images_seen)
            if _is_sample_step(trainer):
                _save_samples(trainer, out)
            stopping = bool(asked) or trainer.step == stop_after
            if stopping or trainer.step == trainer.steps or time.monotonic() - saved >= save_every:
                board.flush()  # Before the state is saved, or a kill leaves a gap in the curves.
                write_state(out / STATE, *trainer.state())
                write_json(out / "history.json", trainer.history)
                saved = time.monotonic()
            if stopping and trainer.step < trainer.steps:
                tqdm.write(
                    f"Stopped after {trainer.images_seen:,} covers; the same command goes on from here."
                )
                return False
    return True


def _save_samples(trainer: Trainer[Any], out: Path) -> None:
    suffix, picture = trainer.samples()
    (out / "samples").mkdir(parents=True, exist_ok=True)
    picture.save(out / "samples" / f"{trainer.images_seen:08d}{suffix}.png")


def _is_sample_step(trainer: Trainer[Any]) -> bool:
    """In the first steps often, later at the end of some epochs."""
    epoch, within = divmod(trainer.step, trainer.steps_per_epoch)
    if within or epoch % max(1, trainer.config.epochs // MIN_SHEETS):
        return trainer.step == trainer.steps or (trainer.step >= 16 and trainer.step.bit_count() == 1)
    return True


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM so far, for the loop to look at between two steps."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda found, _frame: asked.append(found))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def fingerprint(network: nn.Module) -> str:
    """Eight hex digits of a hash of the weights."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]
