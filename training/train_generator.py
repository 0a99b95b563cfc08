"""Train a DCGAN on album covers.

    python -m training.train_generator --data ../shared/data/covers --preset seed --out runs/seed

A run killed at any moment is continued by the same command: it goes on from the last saved state and ends in
the same weights as if nothing had happened. Then ``runs/seed`` holds ``checkpoint/`` (for the exhibit),
``samples/`` (the same latents painted along the way, file names count the covers seen) and
``state.safetensors``.
"""

from __future__ import annotations

import argparse
import copy
import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from albumjudge.checkpoints import CheckpointError, load_generator, read_checkpoint
from albumjudge.conditions import DECADES, GENRES
from albumjudge.covers import GeneratorNetwork
from albumjudge.dcgan import Discriminator, Generator
from albumjudge.skipgan import SkipGenerator
from training import losses
from training.cards import write_card
from training.cover_data import CoverSet, DataError, label_numbers, load_covers
from training.lite_features import LiteFeatures
from training.projected import ProjectedDiscriminator, shift
from training.runs import read_state, save_checkpoint, write_json, write_state

SAMPLES = 64
CALIBRATION_BATCHES = 4
RECIPES = ("dcgan", "projected", "aided")


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything that decides the weights of a run, together with the data.

    Attributes:
        recipe: ``dcgan`` as in 2015, or ``projected``: a conditional generator with skip-layer excitation
            against discriminators on frozen features, see :mod:`training.projected`; or ``aided``: the same with
            a DCGAN's discriminator on the pixels and its loss, each of the two sides heard as loudly as
            ``features_say`` says (after Vision-aided GAN, Kumari et al. 2022). Best begun with a trained DCGAN:
            from scratch, features alone end in a few patterns that please them.
        source: train on covers of this ``source`` only; None takes all.
        held_out: so many covers are never trained on, see :func:`training.cover_data.load_covers`.
        size: side of a cover in pixels.
        epochs: passes through the data.
        batch: covers per step. Small, since on few thousand covers the number of steps counts for more than
            their smoothness. An incomplete last batch is left out: batch norm would suffer from it.
        learning_rate, beta1: of both Adam optimisers.
        generator_rate: the generator's own learning rate, where it differs.
        real_label: the discriminator's target for real covers; below one, so that it does not grow
            overconfident (one-sided label smoothing, Salimans et al. 2016).
        latent_size, width: of the networks, see :mod:`albumjudge.dcgan`.
        start: revision of the checkpoint whose weights the generator begins with, see ``--start-from``.
        watch_first: the generator learns nothing until its critics have seen so many covers.
        feature_side: side at which the frozen features of ``projected`` look at covers, in pixels.
        forget_label: share of known genres and decades that are passed as unknown, so that "unknown" means
            any cover and not only the unlabelled ones.
        average_half_life: the exponential moving average of the generator halves the weight of the past after
            so many covers (Karras et al. 2018).
        features_say: in ``aided``, the length of the gradient that comes to a painted cover through the features,
            in lengths of the one that comes from its pixels.
        settle: over so large a last share of the run all learning rates fall to zero, evenly.
        flip: mirror half of the covers; off where lettering matters.
        seed: of initialisation, data order and latents.
    """

    recipe: str = "dcgan"
    source: str | None = "shawheen_wcd"
    held_out: int = 0
    size: int = 64
    epochs: int = 70
    batch: int = 16
    learning_rate: float = 2e-4
    generator_rate: float | None = None
    beta1: float = 0.5
    real_label: float = 0.9
    latent_size: int = 100
    width: int = 64
    start: str | None = None
    watch_first: int = 0
    feature_side: int = 96
    forget_label: float = 0.1
    average_half_life: int = 10_000
    features_say: float = 1.0
    settle: float = 0.0
    flip: bool = False
    seed: int = 2019

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"Recipes are {', '.join(map(repr, RECIPES))}, not {self.recipe!r}.")


PRESETS: dict[str, GeneratorConfig] = {
    "seed": GeneratorConfig(),
    "plain": GeneratorConfig(source=None, held_out=1500, epochs=24),
    "projected": GeneratorConfig(
        recipe="projected",
        source=None,
        held_out=1500,
        epochs=24,
        beta1=0.0,
        generator_rate=1e-4,
        watch_first=1600,
        average_half_life=5_000,
    ),
    "aided": GeneratorConfig(
        recipe="aided",
        source=None,
        held_out=1500,
        epochs=14,
        watch_first=3200,
        average_half_life=10_000,
        settle=0.4,
    ),
    "tiny": GeneratorConfig(source=None, size=16, epochs=2, batch=8, latent_size=8, width=4),
}


class Trainer:
    """One run: networks, optimisers and where it stands. ``run`` is all that a script needs."""

    def __init__(
        self, config: GeneratorConfig, covers: CoverSet, *, device: torch.device, precision: str = "fp32"
    ) -> None:
        if len(covers) < config.batch:
            raise DataError(
                f"{len(covers)} covers do not fill one batch of {config.batch}. Give more or --batch."
            )
        self.config, self.covers, self.device, self.precision = config, covers, device, precision
        torch.manual_seed(config.seed)
        self.features: LiteFeatures | None = None
        self.generator: GeneratorNetwork
        self.discriminator: Discriminator | ProjectedDiscriminator
        if config.recipe != "dcgan":
            self.generator = SkipGenerator(config.latent_size, config.width, config.size)
            self.discriminator = ProjectedDiscriminator(
                config.size, config.feature_side, beside_dcgan=config.recipe == "aided"
            )
            self.features = LiteFeatures(config.feature_side).to(device).to(memory_format=torch.channels_last)
        else:
            self.generator = Generator(config.latent_size, config.width, config.size)
            self.discriminator = Discriminator(config.width, config.size)
        for network in (self.generator, self.discriminator):
            network.to(device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        betas = (config.beta1, 0.99 if config.recipe == "projected" else 0.999)
        self.generator_steps = torch.optim.Adam(
            self.generator.parameters(), config.generator_rate or config.learning_rate, betas
        )
        # What a discriminator keeps frozen (its random projection) stays so in every step.
        self.learning = [p for p in self.discriminator.parameters() if p.requires_grad]
        on_features = set[nn.Parameter]()
        if config.recipe == "aided":
            on_features = set(self.learning) - set(self.discriminator.pixels.parameters())  # type: ignore[union-attr]
        self.discriminator_steps = torch.optim.Adam(
            [
                {"params": [p for p in self.learning if p not in on_features], "betas": betas},
                {"params": [p for p in self.learning if p in on_features], "betas": (0.0, 0.99)},
            ]
            if on_features
            else self.learning,
            config.learning_rate,
            betas,
        )
        self.chance = torch.Generator().manual_seed(config.seed + 1)
        self.sample_latents = torch.randn(
            SAMPLES, config.latent_size, generator=torch.Generator().manual_seed(config.seed + 2)
        )
        self.sample_labels = self._sample_labels()
        self.step = 0
        self.totals = torch.zeros(4, dtype=torch.float64)
        self.history: list[dict[str, float]] = []

    @property
    def steps_per_epoch(self) -> int:
        return len(self.covers) // self.config.batch

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.config.epochs

    @property
    def images_seen(self) -> int:
        return self.step * self.config.batch

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Real batches from where the run stands to its end.

        The order of an epoch depends on seed and epoch alone, so a resumed run sees what it would have seen.

        Yields:
            covers, uint8, shape ``(batch, 3, size, size)``, and their labels, see :meth:`labels`.
        """
        while self.step < self.steps:
            epoch, start = divmod(self.step, self.steps_per_epoch)
            order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.covers))
            for step in range(start, self.steps_per_epoch):
                chosen = order[step * self.config.batch : (step + 1) * self.config.batch]
                yield torch.from_numpy(self.covers.pixels[chosen]), self.labels(chosen)

    def begin_as(self, start: GeneratorNetwork) -> None:
        """Begin with another generator's weights; the discriminator begins anew.

        Raises:
            ValueError: if the two are of different shapes, or a DCGAN is to begin as a successor of its own.
        """
        for network in (self.generator, self.average):
            if isinstance(network, SkipGenerator) and isinstance(start, Generator):
                network.begin_as(start.to(self.device))
                continue
            if isinstance(network, Generator) and isinstance(start, SkipGenerator):
                raise ValueError("A DCGAN can begin with the weights of a DCGAN only.")
            for name in ("latent_size", "width", "size"):
                if getattr(network, name) != getattr(start, name):
                    raise ValueError(
                        f"A network with {name} {getattr(network, name)} cannot begin as one with "
                        f"{getattr(start, name)}."
                    )
            network.load_state_dict(start.state_dict())

    def autocast(self) -> AbstractContextManager[object]:
        if self.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def latents(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent_size, generator=self.chance).to(self.device)

    def labels(self, chosen: NDArray[np.int64]) -> Tensor:
        """Genre and decade of covers, int64, shape ``(n, 2)``, 0 for unknown.

        Of several genres one is drawn; some known labels are forgotten.
        """
        if self.config.recipe == "dcgan":
            return torch.zeros(len(chosen), 2, dtype=torch.long)
        known = label_numbers([self.covers.entries[i] for i in chosen], self.chance)
        kept = torch.rand(known.shape, generator=self.chance) >= self.config.forget_label
        return known * kept

    def _sample_labels(self) -> Tensor:
        """Labels of the fixed samples, int64 ``(SAMPLES, 2)``: half unknown, then each genre and decade."""
        genres = [0] * (SAMPLES // 2) + [1 + k % len(GENRES) for k in range(SAMPLES // 2)]
        decades = [0] * (SAMPLES // 2) + [k // 4 % len(DECADES) + 1 for k in range(SAMPLES // 2)]
        return torch.tensor([genres, decades]).T.contiguous()

    def paint(self, generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
        """Covers, ``(n, 3, size, size)``, from latents and labels (which a plain DCGAN does not heed)."""
        given = (latents,) if self.config.recipe == "dcgan" else (latents, labels[:, 0], labels[:, 1])
        painted: Tensor = generator(*(tensor.to(self.device) for tensor in given))
        return painted

    def look(self, covers: Tensor) -> list[Tensor]:
        """What is shown to the discriminator: covers; moved a bit and with features, if it looks at those."""
        if self.features is None:
            return [covers]
        moved = shift(covers, self.chance)
        return [moved, *self.features(moved)]

    def realness(self, seen: list[Tensor], labels: Tensor) -> list[Tensor]:
        """Logits, float32, of what :meth:`look` saw, by each discriminator."""
        if self.features is None:
            return [self.discriminator(seen[0]).float()]
        genre, decade = labels.to(self.device).unbind(1)
        return [logits.float() for logits in self.discriminator(seen, genre, decade)]

    def train_step(self, batch: Tensor, labels: Tensor) -> None:
        """One step of the discriminator, then one of the generator, then of its average."""
        if self.config.settle:
            left = (self.steps - self.step) / (self.config.settle * self.steps)
            for optimiser, rate in (
                (self.generator_steps, self.config.generator_rate or self.config.learning_rate),
                (self.discriminator_steps, self.config.learning_rate),
            ):
                for group in optimiser.param_groups:
                    group["lr"] = rate * min(1.0, left)
        real = batch.to(self.device, memory_format=torch.channels_last).float().div_(127.5).sub_(1)
        if self.config.flip:
            mirrored = torch.rand(len(real), generator=self.chance).to(self.device) < 0.5
            real = torch.where(mirrored[:, None, None, None], real.flip(3), real)
        # Painted covers are asked for with labels of other real covers, in their natural proportions.
        wanted = labels if self.config.recipe == "dcgan" else self.labels(self._any_covers(len(real)))
        with self.autocast():
            fake = self.paint(self.generator, self.latents(len(real)), wanted)
            seen_fake = self.look(fake)
            with torch.no_grad():
                seen_real = self.look(real)
            real_logits = self.realness(seen_real, labels)
            fake_logits = self.realness([maps.detach() for maps in seen_fake], wanted)
        if self.config.recipe == "dcgan":
            loss_discriminator = losses.smoothed(real_logits[0], fake_logits[0], self.config.real_label)
        elif self.config.recipe == "projected":
            loss_discriminator = losses.hinge(real_logits, fake_logits)
        else:
            loss_discriminator = losses.smoothed(
                real_logits[0], fake_logits[0], self.config.real_label
            ) + losses.hinge(real_logits[1:], fake_logits[1:])
        self.discriminator_steps.zero_grad(set_to_none=True)
        loss_discriminator.backward()  # type: ignore[no-untyped-call]
        self.discriminator_steps.step()

        self._let_learn(False)
        with self.autocast():
            fooled = self.realness(seen_fake, wanted)
        learns = self.images_seen >= self.config.watch_first
        if learns:
            self.generator_steps.zero_grad(set_to_none=True)
        if self.config.recipe == "aided":
            loss_generator = losses.fooled(fooled[0])
            if learns:
                (by_pixels,) = torch.autograd.grad(loss_generator, fake, retain_graph=True)
                (by_features,) = torch.autograd.grad(losses.hinge_fooled(fooled[1:]), fake)
                say = self.config.features_say * by_pixels.norm() / by_features.norm().clamp(min=1e-12)
                fake.backward(by_pixels + say * by_features)  # type: ignore[no-untyped-call]
        else:
            dcgan = self.config.recipe == "dcgan"
            loss_generator = losses.fooled(fooled[0]) if dcgan else losses.hinge_fooled(fooled)
            if learns:
                loss_generator.backward()  # type: ignore[no-untyped-call]
        if learns:
            self.generator_steps.step()
        self._let_learn(True)

        self._follow(0.5 ** (self.config.batch / self.config.average_half_life))
        self.step += 1
        with torch.no_grad():
            seen = [
                loss_discriminator,
                loss_generator,
                torch.cat([logits.flatten() for logits in real_logits]).sigmoid().mean(),
                torch.cat([logits.flatten() for logits in fake_logits]).sigmoid().mean(),
            ]
            self.totals += torch.stack(seen).double().cpu()

    def _any_covers(self, count: int) -> NDArray[np.int64]:
        chosen: NDArray[np.int64] = torch.randint(len(self.covers), (count,), generator=self.chance).numpy()
        return chosen

    def _let_learn(self, learn: bool) -> None:
        for parameter in self.learning:
            parameter.requires_grad_(learn)

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        # Early on the average would remember the random start for long; the ramp lets it forget sooner.
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for slow, fast in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)

    @torch.no_grad()
    def averaged_generator(self) -> GeneratorNetwork:
        """The moving average, with batch-norm statistics of its own.

        Statistics gathered for the fast weights do not fit the slow ones, so they are measured anew, always
        on the same latents.
        """
        averaged = copy.deepcopy(self.average)
        for module in averaged.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        chance = torch.Generator().manual_seed(self.config.seed + 3)
        averaged.train()
        for _ in range(CALIBRATION_BATCHES):
            latents = torch.randn(128, self.config.latent_size, generator=chance)
            # A DCGAN heeds no label; drawing none keeps its latents those of runs from before there were any.
            labels = torch.zeros(128, 2, dtype=torch.long)
            if self.config.recipe != "dcgan":
                chosen = torch.randint(len(self.covers), (128,), generator=chance).tolist()
                labels = label_numbers([self.covers.entries[i] for i in chosen], chance)
            self.paint(averaged, latents, labels)
        return averaged.eval()

    @torch.no_grad()
    def paint_samples(self, folder: Path) -> None:
        """Paint the run's fixed latents and save them as ``folder/<covers seen>.png``."""
        covers = self.paint(self.averaged_generator(), self.sample_latents, self.sample_labels).cpu()
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(contact_sheet(covers)).save(folder / f"{self.images_seen:08d}.png")

    def close_epoch(self, seconds: float) -> dict[str, float]:
        """Note the means of the epoch that has just ended and return them."""
        names = ("loss_discriminator", "loss_generator", "real_score", "fake_score")
        means = (self.totals / self.steps_per_epoch).tolist()
        line: dict[str, float] = {"epoch": self.step // self.steps_per_epoch, "images_seen": self.images_seen}
        line |= {name: round(mean, 5) for name, mean in zip(names, means, strict=True)}
        line["seconds"] = round(seconds, 1)
        self.history.append(line)
        self.totals.zero_()
        return line

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """All that the rest of the run depends on: tensors, and what fits in JSON."""
        tensors: dict[str, Tensor] = {"chance": self.chance.get_state(), "totals": self.totals}
        for name, network in self._networks().items():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        for name, optimiser in self._optimisers().items():
            for index, moments in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}/{index}/{key}": value for key, value in moments.items()}
        return tensors, {"step": self.step, "history": self.history, "config": asdict(self.config)}

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, object]) -> None:
        """Stand where :meth:`state` was called.

        Raises:
            DataError: if the state belongs to a run with another configuration (epochs may differ) or lacks
                something.
        """
        try:
            self._restore(tensors, notes)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(
                f"The saved state is incomplete or of other networks ({error}). Delete it to start anew."
            ) from error

    def _restore(self, tensors: dict[str, Tensor], notes: dict[str, object]) -> None:
        was, now = dict(notes["config"]), asdict(self.config)  # type: ignore[call-overload]
        # A state from before a setting existed was trained with what is its default now.
        was = asdict(GeneratorConfig()) | was
        differing = sorted(key for key in now if key != "epochs" and was[key] != now[key])
        if differing:
            raise DataError(
                f"The saved state is of a run with other settings ({', '.join(differing)}). "
                "Give another --out, or delete the old run."
            )
        for name, network in self._networks().items():
            network.load_state_dict({k: tensors[f"{name}/{k}"] for k in network.state_dict()})
        for name, optimiser in self._optimisers().items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"{name}/"):
                    _, index, moment = key.split("/")
                    moments.setdefault(int(index), {})[moment] = value
            optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
        self.chance.set_state(tensors["chance"])
        self.totals.copy_(tensors["totals"])
        self.step, self.history = int(notes["step"]), list(notes["history"])  # type: ignore[call-overload]

    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "average": self.average}

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator_adam": self.generator_steps, "discriminator_adam": self.discriminator_steps}


def contact_sheet(covers: Tensor, columns: int = 8) -> NDArray[np.uint8]:
    """Lay covers out in rows: ``(n, 3, s, s)`` in [-1, 1] to uint8 ``(rows * s, columns * s, 3)``."""
    size, rows = covers.shape[-1], math.ceil(len(covers) / columns)
    pixels = (covers.float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).numpy()
    sheet = np.zeros((rows * columns, 3, size, size), np.uint8)
    sheet[: len(pixels)] = pixels
    return sheet.reshape(rows, columns, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(rows * size, -1, 3)


def train(
    config: GeneratorConfig,
    covers: CoverSet,
    out: Path,
    *,
    preset: str = "custom",
    device: torch.device | None = None,
    precision: str = "fp32",
    start: GeneratorNetwork | None = None,
    save_every: float = 300.0,
    stop_after: int | None = None,
) -> Path | None:
    """Train, or go on training, in ``out``.

    Args:
        start: a generator to begin with.
        save_every: seconds between saves of the state; it is saved at the end of every epoch, too.
        stop_after: end early after so many steps, as a kill would, but with the state saved.

    Returns:
        The folder of the finished checkpoint, or None if the run ended early.

    Raises:
        DataError: if there are too few covers or ``out`` holds another run.
    """
    trainer = Trainer(config, covers, device=device or torch.device("cpu"), precision=precision)
    state_file = out / "state.safetensors"
    if state_file.is_file():
        trainer.restore(*read_state(state_file))
        print(f"Going on after {trainer.images_seen:,} covers seen.")
    else:
        if start is not None:
            trainer.begin_as(start)
        trainer.paint_samples(out / "samples")
    stop = _StopSignal()
    started = saved = epoch_started = time.monotonic()
    bar = tqdm(
        total=trainer.steps * config.batch,
        initial=trainer.images_seen,
        unit="img",
        unit_scale=True,
        mininterval=0.5 if sys.stderr.isatty() else 60,
        maxinterval=120,
        desc=f"{preset}, {config.epochs} epochs",
    )
    with stop, bar:
        for batch in trainer.batches():
            trainer.train_step(*batch)
            bar.update(config.batch)
            now = time.monotonic()
            ended = trainer.step % trainer.steps_per_epoch == 0
            if ended:
                line = trainer.close_epoch(now - epoch_started)
                tqdm.write("  ".join(f"{key} {value:g}" for key, value in line.items()))
                epoch_started = now
            if ended or (trainer.step >= 16 and trainer.step.bit_count() == 1):
                trainer.paint_samples(out / "samples")
            stopping = stop.asked or trainer.step == stop_after
            if ended or stopping or now - saved > save_every:
                write_state(state_file, *trainer.state())
                saved = now
            if stopping and trainer.step < trainer.steps:
                print(f"Stopped after {trainer.images_seen:,} covers; the same command goes on from here.")
                return None
    minutes = (time.monotonic() - started) / 60
    print(f"Done in {minutes:.1f} minutes since this start.")
    return finish(trainer, out, preset)


def finish(trainer: Trainer, out: Path, preset: str) -> Path:
    """Write ``out/checkpoint``: half-precision weights, config, curves, how they came about, and a card."""
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "generator",
        "network": type(trainer.generator).__name__,
        "name": f"dcgan-{preset}" if trainer.config.recipe == "dcgan" else f"{preset}-{trainer.config.size}",
        "preset": preset,
        "config": asdict(trainer.config),
        "planned_epochs": PRESETS[preset].epochs if preset in PRESETS else trainer.config.epochs,
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "precision": trainer.precision,
    }
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


class _StopSignal:
    """Turns Ctrl-C and SIGTERM into a wish that the loop heeds between two steps."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> None:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def choose_device(name: str) -> torch.device:
    """``auto`` takes CUDA, else Apple's MPS, else the CPU; anything else is passed to torch."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes bf16 where the hardware multiplies in it; emulated bf16 is slower than fp32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported() else "fp32"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_generator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with images and metadata.csv")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="seed")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; an old run there is continued"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument(
        "--finish-now", action="store_true", help="write the checkpoint of the saved state and end"
    )
    for field in fields(GeneratorConfig):
        option = "--" + field.name.replace("_", "-")
        if field.name == "start":
            parser.add_argument("--start-from", type=Path, help="checkpoint of a generator to begin with")
        elif field.name == "source":
            parser.add_argument(option, help="train on this source only; 'all' takes all")
        elif field.name == "flip":
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(option, type=float if field.default is None else type(field.default))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    names = [field.name for field in fields(GeneratorConfig) if field.name != "start"]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if changes.get("source") == "all":
        changes["source"] = None
    start: GeneratorNetwork | None = None
    if given.threads:
        torch.set_num_threads(given.threads)
    device = choose_device(given.device)
    try:
        if given.start_from:
            checkpoint = read_checkpoint(given.start_from, "generator", "directory")
            start, changes["start"] = load_generator(checkpoint), checkpoint.revision
        config = replace(PRESETS[given.preset], **changes)
        covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
        precision = choose_precision(given.precision, device)
        if given.finish_now:
            trainer = Trainer(config, covers, device=device, precision=precision)
            trainer.restore(*read_state(given.out / "state.safetensors"))
            print(f"Wrote {finish(trainer, given.out, given.preset)}.")
            return 0
        print(f"{len(covers):,} covers, {device}, {precision}; runs are kept in {given.out}.")
        folder = train(
            config, covers, given.out, preset=given.preset, device=device, precision=precision, start=start
        )
    except (CheckpointError, DataError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if folder:
        print(f"Wrote {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
