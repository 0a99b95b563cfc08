"""Measure generators side by side, on covers that none of them learned from.

    python -m training.benchmark_painters --data ../shared/data/covers --out runs/benchmark-painters \\
        --checkpoints runs/plain/checkpoint runs/ours/checkpoint --cache runs/features \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Writes ``benchmark.json`` and ``benchmark.md``, one row per checkpoint and two to read them by: other real covers
(the floor) and a network before any training. Beside them come contact sheets of 128 covers. The reference
are the covers that training holds out, less those of which a training cover is a near-duplicate; all rows have
equally many covers. What the columns mean stands in ``benchmark.md``.

Distances come first, and the tables are written anew with every row. Everything seen is kept in ``--cache`` as
soon as some hundred covers are described, so a killed run is continued by the same command.
``--show-neighbours`` also lays generated covers beside their nearest training covers: those are other people's
works, so keep that sheet to yourself.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchmetrics.image.fid import FrechetInceptionDistance

from albumjudge.domain.cover import LAST_SEED
from albumjudge.inference.checkpoints import Checkpoint, CheckpointError, load_generator, read_checkpoint
from albumjudge.inference.painter import GeneratorNetwork
from training.data.covers import CoverSet, DataError, hold_out, label_numbers, load_covers, read_metadata
from training.engine.hardware import hardware
from training.engine.state import merge_metrics, write_json, write_text
from training.evaluate_painter import SEEN_SIZE, frechet_distance, kernel_distance, paint, untrained
from training.metrics.condition_classifier import QUESTIONS, Reader
from training.metrics.extractors import Described, Features, Looker, Pixels, load_extractors
from training.metrics.near_duplicates import Print, fingerprint, similar_pairs
from training.metrics.precision_recall import K, closer_than, nearest, overlap
from training.reports.model_card import write_card
from training.reports.sheets import SHEET_COLUMNS, SHEET_COVERS, save_sheets, sheet
from training.reports.tables import markdown_table, number

REAL, UNTRAINED = "other real covers", "before training"
HELD = "held-out covers"
PER_ANSWER = 50
NEIGHBOUR_ROWS, NEIGHBOUR_COUNT = 8, 4
VERY_CLOSE = 0.01

SEEN, LEARNT = "images seen", "reference covers it learned from"
TABLES: dict[str, tuple[str, ...]] = {
    "Distance from real covers": (
        SEEN,
        "VGG16 Frechet",
        "VGG16 kernel",
        "sd",
        "VGG16 Frechet, before pooling",
        "VGG16 Frechet, before ReLU",
        "lite0 Frechet",
        "lite0 kernel",
        "Inception FID",
    ),
    "Fidelity, variety and copying": (
        "precision",
        "recall",
        "density",
        "coverage",
        "LPIPS between covers",
        "repeats",
        "copies",
        "to nearest training cover",
        "of that very close",
        LEARNT,
    ),
    "Does it paint what it is asked for?": (
        *(f"{question.name} read back" for question in QUESTIONS),
        *(f"chance, {question.name}" for question in QUESTIONS),
    ),
}
WHAT = f"""\
Lower is better for distances, higher for precision, recall, density, coverage and what is read back. All rows
have equally many covers, because a Frechet distance falls with their number.

- **VGG16**: an ImageNet VGG16, its last convolution (conv5_3) averaged over the picture (512 numbers), covers
  enlarged to {SEEN_SIZE} pixels. All is measured after its ReLU and the 2x2 maximum that end torchvision's
  `features`, unless the heading says "before pooling" (as training.evaluate_painter does) or "before ReLU".
- **lite0**: the last stage of an ImageNet EfficientNet-lite0 (320 numbers) at {SEEN_SIZE} pixels. Recipes with
  discriminators on frozen features learn through this very network, so for them it is no independent witness;
  VGG16 is.
- **Frechet** (Heusel et al. 2017) and **kernel** distance (squared MMD, cubic kernel, Binkowski et al. 2018; sd
  over random subsets) are the ideas of FID and KID in other networks: not comparable with published values.
- **precision, recall** (Kynkäänniemi et al. 2019), **density, coverage** (Naeem et al. 2020): VGG16, k = {K}.
  Precision and density alone also praise dull pictures in the middle of the cloud (see the row before training):
  read them together with recall and coverage.
- **LPIPS between covers**: mean LPIPS 0.1 (VGG16, at the covers' own size) of random pairs within the row; as
  varied as real covers is good, more is not better. **repeats**: share of covers with a near-duplicate (by
  perceptual hash) in the row.
- **copies**: share of covers that are near-duplicates of a training cover. **to nearest training cover**: median
  distance in VGG16's features over the same median of the held-out covers. **of that very close**: share nearer
  to a training cover than all but {VERY_CLOSE:.0%} of the held-out covers are; who copies is far above that.
- **read back**: {PER_ANSWER} covers asked for each genre (of any decade) and each decade (of any genre), as a
  logistic regression on both networks' features, taught by the real training covers, reads them; mean over
  answers. The row of held-out covers says how well it reads real ones. Decades often come from re-issues.
"""


@dataclass(frozen=True)
class Ground:
    """Real covers that all rows are compared with, and what was made of them.

    Attributes:
        reference: held-out covers unlike all training covers.
        training: covers of the other side.
        studied: those of them that are looked at, for the nearest ones and to teach who reads labels.
        prints: of the training covers.
        rivals: training covers in random order, as many as the reference, for the floor.
        dropped: held-out covers left out since a training cover looks the same.
    """

    reference: CoverSet
    training: CoverSet
    studied: CoverSet
    prints: list[Print]
    rivals: Pixels
    dropped: int


def lay_ground(
    data: Path,
    *,
    size: int,
    source: str | None,
    held_out: int,
    count: int,
    seed: int,
    studied: int | None = None,
) -> Ground:
    """Load and clean the real covers.

    Args:
        size, source, held_out: as in training.
        count: most covers in the reference.
        seed: of the choice of rivals, and of the reference where more than ``count`` are left.
        studied: most training covers that are looked at; None takes all.

    Raises:
        DataError: if covers cannot be used or none is left.
    """
    training = load_covers(data, size=size, source=source, held_out=held_out)
    held = load_covers(data, size=size, source=source, held_out=held_out, held=True)
    prints = prints_of(training.pixels)
    kept = np.flatnonzero(~like_any(prints_of(held.pixels), prints))
    dropped = len(held) - len(kept)
    chance = np.random.default_rng(seed)
    kept = np.sort(chance.permutation(kept)[:count])
    if not len(kept):
        raise DataError("All held-out covers look like training covers, so there is nothing to measure with.")
    if len(training) < len(kept):
        raise DataError(
            f"{len(training)} training covers are fewer than the {len(kept)} held-out ones. Lower --count."
        )
    rivals = training.pixels[chance.permutation(len(training))[: len(kept)]]
    reference = CoverSet(held.pixels[kept], tuple(held.entries[i] for i in kept))
    looked_at = np.sort(chance.permutation(len(training))[:studied])
    some = CoverSet(training.pixels[looked_at], tuple(training.entries[i] for i in looked_at))
    return Ground(reference, training, some, prints, rivals, dropped)


def prints_of(covers: Pixels) -> list[Print]:
    """What near-duplicates are found by, for uint8 covers ``(n, 3, s, s)``."""
    return [fingerprint(Image.fromarray(cover)) for cover in covers.transpose(0, 2, 3, 1)]


def like_any(prints: list[Print], others: list[Print]) -> NDArray[np.bool_]:
    """Which pictures have a near-duplicate among the others, bool, shape ``(len(prints),)``."""
    pairs = similar_pairs([*prints, *others])
    across = pairs[(pairs[:, 0] < len(prints)) & (pairs[:, 1] >= len(prints))]
    found = np.zeros(len(prints), bool)
    found[across[:, 0]] = True
    return found


def repeats(prints: list[Print]) -> float:
    """Share of pictures that have a near-duplicate among the rest."""
    return len(np.unique(similar_pairs(prints))) / len(prints)


class Bench:
    """Measures rows: everything is compared with the same reference.

    Raises:
        DataError: if there are too few covers for a Frechet distance.
    """

    def __init__(self, ground: Ground, looker: Looker, *, seed: int) -> None:
        self.ground, self.looker, self.seed = ground, looker, seed
        self.count = len(ground.reference)
        widest = max(looker.eyes.vgg.num_features // 3, looker.eyes.lite_last)
        if self.count <= widest:
            raise DataError(
                f"{self.count} held-out covers are too few: {widest} features need more than {widest}. Hold "
                "more out, or give a larger --count."
            )
        self.reference = looker.describe(ground.reference.pixels, HELD)

    # All training covers take longest to look at, so whoever watches gets the distances first.

    @cached_property
    def training(self) -> Described:
        """Features of the training covers that are looked at."""
        return self.looker.describe(self.ground.studied.pixels, "training covers")

    @cached_property
    def usual(self) -> Features:
        """Distances of the held-out covers to their nearest training covers, shape ``(n,)``."""
        return nearest(self.reference.pooled, self.training.pooled)[0][:, 0]

    @cached_property
    def readers(self) -> list[Reader]:
        """One for each question, taught by the training covers."""
        known = self.training.joined(), self.ground.studied.entries
        return [Reader(question, *known) for question in QUESTIONS]

    def held_row(self) -> dict[str, float]:
        """What is known of the reference itself: how varied it is, and how well labels are read off it."""
        ground = self.ground
        row: dict[str, float] = {
            "LPIPS between covers": self.looker.diversity(_shuffled(ground.reference.pixels, self.seed)),
            "repeats": repeats(prints_of(ground.reference.pixels)),
            "copies": 0.0,
            "to nearest training cover": 1.0,
            "of that very close": closer_than(self.usual, self.usual, VERY_CLOSE),
        }
        for reader in self.readers:
            right = [reader.question.right(entry) for entry in ground.reference.entries]
            row[f"{reader.question.name} read back"] = reader.accuracy(self.reference.joined(), right)
            row[f"chance, {reader.question.name}"] = reader.chance
        return row

    def row(self, covers: Pixels, name: str) -> dict[str, float]:
        """Distances from the reference, overlap with it, and variety, of as many covers."""
        found, reference = self.looker.describe(covers, name), self.reference
        size = self.looker.eyes.lite_last
        kernel, spread = kernel_distance(*_tensors(reference.pooled, found.pooled), seed=self.seed)
        lite = _tensors(reference.lite[:, -size:], found.lite[:, -size:])
        row: dict[str, float] = {
            "VGG16 Frechet": frechet_distance(*_tensors(reference.pooled, found.pooled)),
            "VGG16 kernel": kernel,
            "sd": spread,
            "VGG16 Frechet, before pooling": frechet_distance(*_tensors(reference.after, found.after)),
            "VGG16 Frechet, before ReLU": frechet_distance(*_tensors(reference.before, found.before)),
            "lite0 Frechet": frechet_distance(*lite),
            "lite0 kernel": kernel_distance(*lite, seed=self.seed)[0],
        }
        names = ("precision", "recall", "density", "coverage")
        row |= dict(zip(names, astuple(overlap(reference.pooled, found.pooled)), strict=True))
        row |= {"LPIPS between covers": self.looker.diversity(covers), "repeats": repeats(prints_of(covers))}
        return row

    def copying(self, covers: Pixels, name: str) -> dict[str, float]:
        """How near covers are to those that training saw; senseless for these themselves."""
        distances = nearest(self.looker.describe(covers, name).pooled, self.training.pooled)[0][:, 0]
        return {
            "copies": float(like_any(prints_of(covers), self.ground.prints).mean()),
            "to nearest training cover": float(np.median(distances) / np.median(self.usual)),
            "of that very close": closer_than(distances, self.usual, VERY_CLOSE),
        }

    def read_back(self, generator: GeneratorNetwork, name: str) -> dict[str, float]:
        """How often genre and decade asked for are read off painted covers."""
        row = {}
        for column, reader in enumerate(self.readers):
            answers = reader.question.answers
            asked = [answer for answer in reader.answers for _ in range(PER_ANSWER)]
            labels = torch.zeros(len(asked), 2, dtype=torch.long)
            labels[:, column] = torch.tensor([1 + answers.index(answer) for answer in asked])
            covers = paint(generator, range(len(asked)), labels)
            seen = self.looker.describe(covers, f"{name}, asked for a {reader.question.name}").joined()
            row[f"{reader.question.name} read back"] = reader.accuracy(seen, [(a,) for a in asked])
            row[f"chance, {reader.question.name}"] = reader.chance
        return row


def _tensors(*clouds: Features) -> tuple[Tensor, Tensor]:
    one, other = (torch.from_numpy(np.ascontiguousarray(cloud)) for cloud in clouds)
    return one, other


def _shuffled(covers: Pixels, seed: int) -> Pixels:
    shuffled: Pixels = covers[np.random.default_rng(seed).permutation(len(covers))]
    return shuffled


def save_neighbours(covers: Pixels, name: str, bench: Bench, out: Path) -> None:
    """The first covers, each with the training covers nearest to it in VGG16's features.

    The neighbours are other people's works: for the eyes of whoever measures, never to be published.
    """
    chosen = covers[:NEIGHBOUR_ROWS]
    found = bench.looker.describe(covers, name).pooled[: len(chosen)]
    _, places = nearest(found, bench.training.pooled, NEIGHBOUR_COUNT)
    neighbours = bench.ground.studied.pixels[places]
    laid = np.concatenate([chosen[:, None], neighbours], axis=1).reshape(-1, *chosen.shape[1:])
    out.mkdir(parents=True, exist_ok=True)
    sheet(laid, neighbours.shape[1] + 1, 3).save(out / f"{name}-neighbours-private.png")


def inception_distance(real: Pixels, other: Pixels) -> float:
    """FID as published, through Inception-v3 with the weights that torch-fidelity downloads.

    Raises:
        DataError: if package or weights cannot be had.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metric = FrechetInceptionDistance(feature=2048)
            for covers, is_real in ((real, True), (other, False)):
                for start in range(0, len(covers), 50):
                    part = torch.from_numpy(np.ascontiguousarray(covers[start : start + 50]))
                    metric.update(part, real=is_real)
            return float(metric.compute())
    except (ImportError, OSError, RuntimeError) as error:
        raise DataError(
            "Standard Inception FID was not measured: its package or weights cannot be had here "
            f"({str(error).splitlines()[0]}). With internet: pip install torch-fidelity, and run again."
        ) from error


def seen_in_all(checkpoint: Checkpoint) -> int:
    """Covers shown in training, those included that the network it began with had been shown."""
    record = checkpoint.training
    return int(record.get("images_seen", 0)) + int(record.get("images_seen_before", 0))


def as_metrics(found: Mapping[str, Any]) -> dict[str, object]:
    """The tables as they lie beside a checkpoint, one entry a table."""
    told = {key: found[key] for key in ("seed", "date", "count", "reference", "precision")}
    metrics: dict[str, object] = {}
    for title, columns in TABLES.items():
        rows = {
            name: kept
            for name, row in found["rows"].items()
            if (kept := {c: row[c] for c in columns if c in row}) and set(kept) != {SEEN}
        }
        if rows:
            metrics[title] = {
                "what": f"{title}, {found['count']:,} covers in each row.",
                **told,
                "rows": rows,
            }
    return metrics


def about(checkpoint: Checkpoint) -> dict[str, Any]:
    """Where a generator comes from, as its training noted."""
    record = checkpoint.training
    config = record.get("config", {})
    return {
        "preset": record.get("preset"),
        "recipe": config.get("recipe", "dcgan"),
        SEEN: seen_in_all(checkpoint),
        "began with": config.get("start"),
        "training covers": record.get("covers"),
        "seed": config.get("seed"),
        "precision": record.get("precision"),
        "date": record.get("date"),
        "hardware": record.get("hardware", record.get("machine")),
    }


def learned_from(checkpoint: Checkpoint, data: Path, reference: CoverSet) -> int:
    """How many covers of the reference a generator has been trained on; 0 is fair."""
    config = checkpoint.training.get("config", {})
    source, held_out = config.get("source"), config.get("held_out", 0)
    entries = [entry for entry in read_metadata(data) if source in (None, entry.source)]
    if not entries:
        return 0
    learnt = {entry.file_name for entry in hold_out(entries, held_out)[0]}
    return sum(entry.file_name in learnt for entry in reference.entries)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """All that the script writes as JSON; sheets, and tables as far as they are known, are written on the way.

    Raises:
        CheckpointError: if a checkpoint cannot be used.
        DataError: if covers or weights cannot.
    """
    checkpoints = [read_checkpoint(folder, "generator") for folder in given.checkpoints]
    generators = [load_generator(checkpoint) for checkpoint in checkpoints]
    if len(sizes := {generator.size for generator in generators}) > 1:
        raise DataError(
            f"Covers of {sorted(sizes)} pixels cannot stand in one table. Measure them one by one."
        )
    source = None if given.source == "all" else given.source
    ground = lay_ground(
        given.data,
        size=generators[0].size,
        source=source,
        held_out=given.held_out,
        count=given.count,
        seed=given.seed,
        studied=given.study,
    )
    eyes = load_extractors(given.features, halved=given.precision == "bf16")
    bench = Bench(ground, Looker(eyes, given.cache), seed=given.seed)
    chance = np.random.default_rng(given.seed)
    seeds = chance.choice(LAST_SEED + 1, bench.count, replace=False).tolist()
    # Asked for as covers of the training set are labelled, so that a generator to order meets what it learned.
    lots = chance.integers(0, len(ground.training), bench.count)
    labels = label_numbers(
        [ground.training.entries[i] for i in lots], torch.Generator().manual_seed(given.seed)
    )
    painted: dict[str, Pixels] = {REAL: ground.rivals}
    for checkpoint, generator in zip(checkpoints, generators, strict=True):
        painted[checkpoint.revision] = paint(generator, seeds, labels)
        save_sheets(generator, checkpoint.revision, given.out)
    painted[UNTRAINED] = paint(untrained(generators[0], seed=given.seed), seeds, labels)
    found: dict[str, Any] = {
        "what": WHAT,
        "date": datetime.now(UTC).date().isoformat(),
        "seed": given.seed,
        "count": bench.count,
        "reference": f"{given.data.name}, {given.held_out} held out, source {given.source}, "
        f"{ground.dropped} left out that look like a training cover; {len(ground.studied):,} of "
        f"{len(ground.training):,} training covers looked at",
        "hardware": hardware(torch.device("cpu")),
        "precision": given.precision,
        "sheets": f"seeds 0 to {SHEET_COVERS - 1} in reading order; by genre and decade, seeds 0 to "
        f"{SHEET_COLUMNS - 1} in every row",
        "remarks": [],
        "checkpoints": {checkpoint.revision: about(checkpoint) for checkpoint in checkpoints},
        "rows": {},
    }

    def note(name: str, measured: Mapping[str, float]) -> None:
        found["rows"][name] = found["rows"].get(name, {}) | _rounded(measured)
        save(found, given.out)

    for name, covers in painted.items():
        note(name, bench.row(covers, name))
        print(f"{name}: VGG16 Frechet {number(found['rows'][name]['VGG16 Frechet'])}", flush=True)
    note(UNTRAINED, {SEEN: 0})
    for checkpoint in checkpoints:
        learnt = learned_from(checkpoint, given.data, ground.reference)
        note(checkpoint.revision, {SEEN: seen_in_all(checkpoint), LEARNT: learnt})
    note(HELD, bench.held_row())
    for checkpoint, generator in zip(checkpoints, generators, strict=True):
        name = checkpoint.revision
        note(name, bench.copying(painted[name], name))
        if isinstance(generator, CONDITIONAL):
            note(name, bench.read_back(generator, name))
        if given.show_neighbours:
            save_neighbours(painted[name], name, bench, given.out)
    if given.inception:
        try:
            for name, covers in painted.items():
                note(name, {"Inception FID": inception_distance(ground.reference.pixels, covers)})
        except DataError as error:
            found["remarks"].append(str(error))
            save(found, given.out)
    return found


def save(found: Mapping[str, Any], out: Path) -> None:
    """Write ``benchmark.json`` and ``benchmark.md``."""
    write_json(out / "benchmark.json", {"generators": found})
    write_text(out / "benchmark.md", as_markdown(found))


def _rounded(row: Mapping[str, float]) -> dict[str, float]:
    return {key: value if isinstance(value, int) else float(f"{value:.5g}") for key, value in row.items()}


def as_markdown(found: Mapping[str, Any]) -> str:
    """The page that goes with the JSON: three tables, where each row comes from, and what columns mean."""
    lines = [
        "# Generators side by side",
        "",
        f"{found['date']}, seed {found['seed']}, {found['count']:,} covers in each row. Reference: "
        f"{found['reference']}. Measured on {found['hardware']}, VGG16 in "
        f"{found['precision']}.",
        "",
    ]
    for title, columns in TABLES.items():
        rows = {
            name: kept
            for name, row in found["rows"].items()
            if (kept := {c: row[c] for c in columns if c in row}) and set(kept) != {SEEN}
        }
        if rows:
            lines += [f"## {title}", "", markdown_table(rows, order=columns), ""]
    lines += ["## Where the rows come from", ""]
    for name, origin in found["checkpoints"].items():
        said = ", ".join(
            f"{key} {number(value) if key in (SEEN, 'training covers') else value}"
            for key, value in origin.items()
            if value is not None
        )
        lines.append(f"- `{name}`: {said}")
    lines += [f"- {REAL}: training covers, taken at random", f"- contact sheets: {found['sheets']}", ""]
    lines += ["## What the columns mean", "", found["what"]]
    lines += [f"{remark}\n" for remark in found["remarks"]]
    return "\n".join(lines)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.benchmark_painters", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder of real covers and metadata.csv")
    parser.add_argument("--checkpoints", type=Path, nargs="+", required=True, help="folders with generators")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and sheets")
    parser.add_argument("--count", type=int, default=1500, help="most covers on each side (default 1500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--features", type=Path, help="safetensors with VGG16's convolutions; default: torchvision's download"
    )
    parser.add_argument("--cache", type=Path, help="keep features in this folder; repeats take seconds")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), default="fp32", help="VGG16 describes in it (default fp32)"
    )
    parser.add_argument(
        "--held-out", type=int, default=1500, help="covers that training holds out (default 1500)"
    )
    parser.add_argument("--source", default="all", help="real covers of this source only (default all)")
    parser.add_argument(
        "--study",
        type=int,
        help="look at so many training covers only, for nearest ones and reading back (default all)",
    )
    parser.add_argument(
        "--show-neighbours", action="store_true", help="private sheets of the nearest training covers"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the tables into the checkpoints' metrics and cards"
    )
    parser.add_argument("--inception", action="store_true", help="also the published FID; downloads weights")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    try:
        found = measure(given)
        page = as_markdown(found)
        if given.write:
            for checkpoint in given.checkpoints:
                merge_metrics(checkpoint, as_metrics(found))
                write_card(checkpoint)
    except (DataError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 1
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
