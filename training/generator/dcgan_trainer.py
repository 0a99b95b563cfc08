"""The steps of training a generator: what is shown to whom, who learns from it, what a run remembers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from albumjudge.skipgan import SkipGenerator
from albumjudge.styled import StyledGenerator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.painter import GeneratorNetwork
from albumjudge.models.dcgan import Discriminator, Generator
from training.data.covers import CoverSet, DataError, label_numbers
from training.engine.cuda_graphs import Replay, adam, set_rate
from training.engine.distributed import Processes
from training.engine.hardware import peak_memory
from training.engine.sync_batchnorm import share_norms
from training.generator import losses
from training.generator.presets import GeneratorConfig
from training.metrics.efficientnet import LiteFeatures
from training.moments import Moments, soften
from training.projected import ProjectedDiscriminator, shift
from training.reading import Reading

SAMPLES = 64
ORDERS_HASTE = 10.0
"""How many times as fast as the rest ``styled`` learns what genres and decades mean."""
CALIBRATION_BATCHES = 4


class DcganTrainer:
    """One run: networks, optimisers and where it stands.

    In a crew of several processes each has all of this, with the same values; what differs is the part of each
    batch that it looks at. Every process must take every step.

    Args:
        device: where to compute; None is the CPU, or what the crew says.
        crew: the processes that train together; None for this one alone.

    Raises:
        DataError: if there are too few covers for a batch, or a batch cannot be shared out evenly.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        covers: CoverSet,
        *,
        device: torch.device | None = None,
        precision: str = "fp32",
        crew: Processes | None = None,
    ) -> None:
        crew = crew or Processes(device=device or torch.device("cpu"))
        if len(covers) < config.batch:
            raise DataError(
                f"{len(covers)} covers do not fill one batch of {config.batch}. Give more or --batch."
            )
        if config.batch % crew.size:
            raise DataError(
                f"A batch of {config.batch} covers cannot be shared evenly among {crew.size} processes. "
                f"Give --batch a multiple of {crew.size}, or start fewer."
            )
        self.config, self.covers, self.precision = config, covers, precision
        self.crew, self.device = crew, crew.device
        torch.manual_seed(config.seed)
        self.features: LiteFeatures | None = None
        self.generator: GeneratorNetwork
        self.discriminator: Discriminator | ProjectedDiscriminator
        self.moments: Moments | None = None
        self.reading: Reading | None = None
        if config.recipe in ("projected", "aided"):
            self.generator = SkipGenerator(config.latent_size, config.width, config.size)
            self.discriminator = ProjectedDiscriminator(
                config.size, config.feature_side, beside_dcgan=config.recipe == "aided"
            )
        elif config.recipe == "styled":
            self.generator = StyledGenerator(config.latent_size, config.width, config.size)
            self.discriminator = Discriminator(config.width, config.size)
            self.moments = Moments().to(self.device)
            self.reading = Reading().to(self.device)
        else:
            self.generator = Generator(config.latent_size, config.width, config.size)
            self.discriminator = Discriminator(config.width, config.size)
        if config.recipe != "dcgan":
            self.features = (
                LiteFeatures(config.feature_side).to(self.device).to(memory_format=torch.channels_last)
            )
        for network in (self.generator, self.discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        for network in (self.generator, self.discriminator):
            share_norms(network, crew)
        betas = (config.beta1, 0.99 if config.recipe == "projected" else 0.999)
        orders = set[Tensor]()
        if isinstance(self.generator, StyledGenerator):
            # Few covers are asked for any one genre, so what a genre means has to be learnt in fewer steps.
            orders = {self.generator.genre.weight, self.generator.decade.weight}
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self.generator.parameters() if p not in orders]}
        ]
        if orders:
            hasty = [p for p in self.generator.parameters() if p in orders]
            groups.append({"params": hasty, "haste": ORDERS_HASTE})
        self.generator_steps = adam(groups, config.generator_rate or config.learning_rate, betas, self.device)
        # What a discriminator keeps frozen (its random projection) stays so in every step.
        self.learning = [p for p in self.discriminator.parameters() if p.requires_grad]
        on_features = set[nn.Parameter]()
        if config.recipe == "aided":
            on_features = set(self.learning) - set(self.discriminator.pixels.parameters())  # type: ignore[union-attr]
        self.discriminator_steps = adam(
            [
                {"params": [p for p in self.learning if p not in on_features], "betas": betas},
                {"params": [p for p in self.learning if p in on_features], "betas": (0.0, 0.99)},
            ]
            if on_features
            else self.learning,
            config.learning_rate,
            betas,
            self.device,
        )
        # The others move covers about by chance as they look at them, or the generator only watches at first.
        steady = config.recipe == "dcgan" and not config.watch_first
        self.replay = Replay(self._learn, self.device, record=steady and crew.size == 1)
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
        """This process's part of each real batch, from where the run stands to its end.

        The order of an epoch depends on seed and epoch alone, so a resumed run sees what it would have seen.

        Yields:
            covers, uint8, shape ``(batch / processes, 3, size, size)``, and their labels, see :meth:`labels`.
        """
        while self.step < self.steps:
            epoch, start = divmod(self.step, self.steps_per_epoch)
            order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.covers))
            for step in range(start, self.steps_per_epoch):
                chosen = order[step * self.config.batch : (step + 1) * self.config.batch]
                labels = self.crew.share(self.labels(chosen))
                own = self.crew.share(torch.from_numpy(chosen)).numpy()
                yield torch.from_numpy(self.covers.pixels[own]), labels

    def prepare(self) -> None:
        """Let those who need to know real covers look at them, if they have not yet."""
        for pupil in (self.moments, self.reading):
            if pupil is not None and self.features is not None and not pupil.known:
                pupil.learn(self.features, self.covers)

    def begin_as(self, start: GeneratorNetwork) -> None:
        """Begin with another generator's weights; the discriminator begins anew.

        Raises:
            ValueError: if the two are of different shapes, or a DCGAN is to begin as a successor of its own.
        """
        for network in (self.generator, self.average):
            if isinstance(network, SkipGenerator | StyledGenerator) and isinstance(start, Generator):
                network.begin_as(start.to(self.device))
                continue
            if type(network) is not type(start):
                raise ValueError(
                    f"A {type(network).__name__} cannot begin with the weights of a {type(start).__name__}. "
                    "Give a checkpoint of a DCGAN, or of the same kind."
                )
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

    def latents(self) -> Tensor:
        """This process's part of a batch of latent vectors."""
        drawn = torch.randn(self.config.batch, self.config.latent_size, generator=self.chance)
        return self.crew.share(drawn).to(self.device)

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
        """What is shown to the discriminator: covers; moved a bit if features are at hand, with them if it looks
        through them."""
        if self.features is None:
            return [covers]
        moved = shift(covers, self.chance, rank=self.crew.rank, of=self.crew.size)
        return [moved] if self.moments is not None else [moved, *self.features(moved)]

    def realness(self, seen: list[Tensor], labels: Tensor) -> list[Tensor]:
        """Logits, float32, of what :meth:`look` saw, by each discriminator."""
        if len(seen) == 1:
            return [self.discriminator(seen[0]).float()]
        genre, decade = labels.to(self.device).unbind(1)
        return [logits.float() for logits in self.discriminator(seen, genre, decade)]

    def train_step(self, batch: Tensor, labels: Tensor) -> None:
        """One step of the discriminator, then one of the generator, then of its average.

        Args:
            batch, labels: this process's part, as from :meth:`batches`.
        """
        self._settle()
        if self.config.flip:
            drawn = self.crew.share(torch.rand(self.config.batch, generator=self.chance))
            batch = torch.where((drawn < 0.5)[:, None, None, None], batch.flip(3), batch)
        # Painted covers are asked for with labels of other real covers, in their natural proportions.
        if self.config.recipe == "dcgan":
            wanted = labels
        elif self.config.recipe == "styled":
            wanted = self.crew.share(self._orders())
        else:
            wanted = self.crew.share(self.labels(self._any_covers()))
        means = self.replay(batch, labels, self.latents(), wanted)
        self._follow(0.5 ** (self.config.batch / self.config.average_half_life))
        self.step += 1
        self.crew.average([means])
        # Apple's GPUs have no float64.
        self.totals += means.cpu().double()

    def _learn(self, batch: Tensor, labels: Tensor, latents: Tensor, wanted: Tensor) -> Tensor:
        """Let both networks learn; returns losses and scores, shape ``(4,)``."""
        real = batch.contiguous(memory_format=torch.channels_last).float().div_(127.5).sub_(1)
        with self.autocast():
            fake = self.paint(self.generator, latents, wanted)
            seen_fake = self.look(fake)
            with torch.no_grad():
                seen_real = self.look(real)
            real_logits = self.realness(seen_real, labels)
            fake_logits = self.realness([maps.detach() for maps in seen_fake], wanted)
        if self.config.recipe in ("dcgan", "styled"):
            loss_discriminator = losses.smoothed(real_logits[0], fake_logits[0], self.config.real_label)
        elif self.config.recipe == "projected":
            loss_discriminator = losses.hinge(real_logits, fake_logits)
        else:
            loss_discriminator = losses.smoothed(
                real_logits[0], fake_logits[0], self.config.real_label
            ) + losses.hinge(real_logits[1:], fake_logits[1:])
        self.discriminator_steps.zero_grad(set_to_none=True)
        loss_discriminator.backward()  # type: ignore[no-untyped-call]
        self._average_slopes(self.discriminator)
        self.discriminator_steps.step()

        self._let_learn(False)
        with self.autocast():
            fooled = self.realness(seen_fake, wanted)
        learns = self.images_seen >= self.config.watch_first
        if learns:
            self.generator_steps.zero_grad(set_to_none=True)
        if self.config.recipe == "styled":
            loss_generator = losses.fooled(fooled[0])
            if learns:
                fake.backward(self._guided(fake, loss_generator, wanted))  # type: ignore[no-untyped-call]
        elif self.config.recipe == "aided":
            loss_generator = losses.fooled(fooled[0])
            if learns:
                (by_pixels,) = torch.autograd.grad(loss_generator, fake, retain_graph=True)
                (by_features,) = torch.autograd.grad(losses.hinge_fooled(fooled[1:]), fake)
                lengths = self.crew.length(by_pixels), self.crew.length(by_features).clamp(min=1e-12)
                say = self.config.features_say * lengths[0] / lengths[1]
                fake.backward(by_pixels + say * by_features)  # type: ignore[no-untyped-call]
        else:
            dcgan = self.config.recipe == "dcgan"
            loss_generator = losses.fooled(fooled[0]) if dcgan else losses.hinge_fooled(fooled)
            if learns:
                loss_generator.backward()  # type: ignore[no-untyped-call]
        if learns:
            self._average_slopes(self.generator)
            self.generator_steps.step()
        self._let_learn(True)

        seen = [
            loss_discriminator,
            loss_generator,
            torch.cat([logits.flatten() for logits in real_logits]).sigmoid().mean(),
            torch.cat([logits.flatten() for logits in fake_logits]).sigmoid().mean(),
        ]
        return torch.stack(seen).detach()

    def _guided(self, fake: Tensor, loss: Tensor, wanted: Tensor) -> Tensor:
        """Where painted covers should move: for the critic, for the crowd's moments and for the reader.

        Each direction is as long as the configuration says, in lengths of the critic's.
        """
        assert self.features is not None and self.moments is not None and self.reading is not None
        (slopes,) = torch.autograd.grad(loss, fake)
        with self.autocast():
            maps = self.features(soften(fake))
            wishes = (
                (self.config.features_say, self.moments(maps, self.crew)),
                (self.config.reading_say, self.reading.unclear(maps, wanted.to(self.device))),
            )
        total, length = slopes, self.crew.length(slopes)
        for number, (say, unmet) in enumerate(wishes):
            (other,) = torch.autograd.grad(unmet, fake, retain_graph=number + 1 < len(wishes))
            total = total + say * length / self.crew.length(other).clamp(min=1e-12) * other
        return total

    def _settle(self) -> None:
        """Set the learning rates that this step is due."""
        left = 1.0
        if self.config.settle:
            left = (self.steps - self.step) / (self.config.settle * self.steps)
        for optimiser, rate in (
            (self.generator_steps, self.config.generator_rate or self.config.learning_rate),
            (self.discriminator_steps, self.config.learning_rate),
        ):
            for group in optimiser.param_groups:
                set_rate(group, rate * group.get("haste", 1.0) * min(1.0, left))

    def _orders(self) -> Tensor:
        """Genres and decades for a whole batch, int64 ``(batch, 2)``: half of them open, else each as often.

        The moments see to it that painted covers are as mixed as real ones all the same.
        """
        count = self.config.batch
        drawn = [
            torch.randint(1, n + 1, (count,), generator=self.chance) for n in (len(GENRES), len(DECADES))
        ]
        asked = torch.rand(count, 2, generator=self.chance) < 0.5
        return torch.stack(drawn, 1) * asked

    def _any_covers(self) -> NDArray[np.int64]:
        """A whole batch of covers, of all processes, by number."""
        drawn = torch.randint(len(self.covers), (self.config.batch,), generator=self.chance)
        chosen: NDArray[np.int64] = drawn.numpy()
        return chosen

    def _average_slopes(self, network: nn.Module) -> None:
        """Give all processes the mean of their gradients: that of the whole batch, since all hold as much of it.

        By hand instead of by DistributedDataParallel: here a network is run several times before it learns,
        the discriminator learns every second time only, and its spectral norms change with every run.
        """
        self.crew.average([p.grad for p in network.parameters() if p.grad is not None])

    def _let_learn(self, learn: bool) -> None:
        for parameter in self.learning:
            parameter.requires_grad_(learn)

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        # Early on the average would remember the random start for long; the ramp lets it forget sooner.
        decay = min(decay, (1 + self.step) / (10 + self.step))
        slow: list[Tensor] = [*self.average.parameters()]
        fast: list[Tensor] = [*self.generator.parameters()]
        torch._foreach_lerp_(slow, fast, 1 - decay)

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
    def paint_samples(self, folder: Path) -> NDArray[np.uint8]:
        """Paint the run's fixed latents, save them as ``folder/<covers seen>.png`` and return that sheet."""
        covers = self.paint(self.averaged_generator(), self.sample_latents, self.sample_labels).cpu()
        folder.mkdir(parents=True, exist_ok=True)
        sheet = contact_sheet(covers)
        Image.fromarray(sheet).save(folder / f"{self.images_seen:08d}.png")
        return sheet

    def close_epoch(self, seconds: float, images: int) -> dict[str, float]:
        """Note the means of the epoch that has just ended, and what it took, and return them.

        Args:
            seconds: for which the run has been busy with this epoch since it was started or continued.
            images: covers that it has seen in this time, those of all processes.
        """
        names = ("loss_discriminator", "loss_generator", "real_score", "fake_score")
        means = (self.totals / self.steps_per_epoch).tolist()
        line: dict[str, float] = {"epoch": self.step // self.steps_per_epoch, "images_seen": self.images_seen}
        line |= {name: round(mean, 5) for name, mean in zip(names, means, strict=True)}
        line["seconds"] = round(seconds, 1)
        line["covers_per_second"] = round(images / seconds, 2)
        line["peak_memory_gb"] = round(self.crew.largest(peak_memory(self.device)), 3)
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
        networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        return networks | {
            name: pupil
            for name, pupil in (("moments", self.moments), ("reading", self.reading))
            if pupil is not None
        }

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator_adam": self.generator_steps, "discriminator_adam": self.discriminator_steps}


def contact_sheet(covers: Tensor, columns: int = 8) -> NDArray[np.uint8]:
    """Lay covers out in rows: ``(n, 3, s, s)`` in [-1, 1] to uint8 ``(rows * s, columns * s, 3)``."""
    size, rows = covers.shape[-1], math.ceil(len(covers) / columns)
    pixels = (covers.float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).numpy()
    sheet = np.zeros((rows * columns, 3, size, size), np.uint8)
    sheet[: len(pixels)] = pixels
    return sheet.reshape(rows, columns, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(rows * size, -1, 3)
