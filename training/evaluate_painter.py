"""Measure painters, one or several side by side, on covers that none of them learned from.

    python -m training.evaluate_painter --data ../shared/data/covers --out runs/benchmark-painters \\
        --checkpoints checkpoints/generator-plain checkpoints/generator --cache runs/features \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --write

Writes ``benchmark.json`` (by the ids of albumjudge/metrics.py), ``benchmark.md`` (which says what columns mean),
``spectrum.png`` and contact sheets of 128 covers; with --write also ``metrics.json`` and the model card of each
checkpoint. One row per painter, and two to read them by: other real covers, and a network before any training.

Distances come first, and tables are written anew with every row. Features are kept in --cache as soon as some
hundred covers are done, so a killed run is continued by the same command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.folders import Checkpoint
from albumjudge.metrics import row_label
from training.data.command import command_parser, exit_status
from training.data.covers import CoverSet, DataError, hold_out, read_metadata
from training.engine.hardware import hardware
from training.engine.state import merge_metrics, write_json, write_text
from training.metrics.features import FeatureExtractor, Pixels
from training.metrics.painter_benchmark import PainterBenchmark, RealCovers, load_real_covers
from training.metrics.samples import paint, untrained
from training.metrics.spectrum import power_spectrum
from training.reports.model_card import write_card
from training.reports.painter_page import as_markdown, as_metrics, spectrum_picture
from training.reports.sheets import save_sheets
from training.reports.tables import number

REAL, UNTRAINED, HELD_OUT = "real_covers", "untrained", "held_out_covers"


def covers_seen(checkpoint: Checkpoint) -> int:
    """Covers shown in training, those included that the networks it began with had been shown."""
    record = checkpoint.training
    return int(record.get("images_seen", 0)) + int(record.get("images_seen_before", 0))


def origin(checkpoint: Checkpoint) -> dict[str, Any]:
    """Where a painter comes from, as its training noted."""
    record = checkpoint.training
    config = record.get("config", {})
    return {
        "preset": record.get("preset"),
        "covers_seen": covers_seen(checkpoint),
        "began_with": record.get("start", config.get("start")),
        "training_covers": record.get("covers"),
        "epochs": record.get("epochs_done"),
        "seed": config.get("seed"),
        "precision": record.get("precision"),
        "date": record.get("date"),
        "hardware": record.get("hardware"),
    }


def reference_learned(checkpoint: Checkpoint, data: Path, reference: CoverSet) -> int:
    """How many covers of the reference a painter was trained on; 0 is fair."""
    config = checkpoint.training.get("config", {})
    source, held_out = config.get("source"), config.get("held_out", 0)
    entries = [entry for entry in read_metadata(data) if source in (None, entry.source)]
    learned = {entry.file_name for entry in hold_out(entries, held_out)[0]}
    return sum(entry.file_name in learned for entry in reference.entries)


def described(
    given: argparse.Namespace, real: RealCovers, count: int, checkpoints: Sequence[Checkpoint]
) -> dict[str, Any]:
    """What was measured, how and when; rows are still to come."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": given.seed,
        "count": count,
        "reference": f"{given.data.name}, {given.held_out} held out, source {given.source}, "
        f"{real.dropped} left out that look like a training cover; {len(real.sample):,} of "
        f"{len(real.training):,} training covers in the sample",
        "hardware": hardware(torch.device("cpu")),
        "precision": given.precision,
        "checkpoints": {checkpoint.revision: origin(checkpoint) for checkpoint in checkpoints},
        "rows": {},
    }


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything that ``benchmark.json`` holds; files are written on the way.

    Raises:
        CheckpointError: if a checkpoint cannot be used.
        DataError: if covers or weights cannot.
    """
    checkpoints = [read_checkpoint(folder, "generator") for folder in given.checkpoints]
    generators = {checkpoint.revision: load_generator(checkpoint) for checkpoint in checkpoints}
    first = next(iter(generators.values()))
    if len(sizes := {generator.size for generator in generators.values()}) > 1:
        raise DataError(f"Covers of {sorted(sizes)} pixels cannot stand in one table. Measure them apart.")
    real = load_real_covers(
        given.data,
        size=first.size,
        source=None if given.source == "all" else given.source,
        held_out=given.held_out,
        count=given.count,
        seed=given.seed,
        sample=given.training_sample,
    )
    extractor = FeatureExtractor(given.features, given.cache, halved=given.precision == "bf16")
    bench = PainterBenchmark(real, extractor, seed=given.seed)
    seeds, labels = bench.requests()
    painted: dict[str, Pixels] = {REAL: real.others}
    for name, generator in generators.items():
        painted[name] = paint(generator, seeds, labels)
        save_sheets(generator, name, given.out)
    spectra = {row_label(name): power_spectrum(covers) for name, covers in painted.items()}
    spectrum_picture(bench.spectrum, spectra).save(given.out / "spectrum.png")
    found = described(given, real, bench.count, checkpoints)

    def note(name: str, measured: Mapping[str, float]) -> None:
        rounded = {id: v if isinstance(v, int) else float(f"{v:.5g}") for id, v in measured.items()}
        found["rows"][name] = found["rows"].get(name, {}) | rounded
        write_json(given.out / "benchmark.json", found)
        write_text(given.out / "benchmark.md", as_markdown(found))

    for name, covers in painted.items():
        note(name, bench.distances(covers, name))
        print(f"{name}: Frechet {number(found['rows'][name]['frechet_vgg16_pooled'])}", flush=True)
    for checkpoint in checkpoints:
        name = checkpoint.revision
        learned = reference_learned(checkpoint, given.data, real.reference)
        note(name, {"covers_seen": covers_seen(checkpoint), "reference_learned": learned})
        note(name, bench.smoothness(generators[name]))
    note(HELD_OUT, bench.reference_row())
    for name, generator in generators.items():
        note(name, bench.copying(painted[name], name))
        note(name, bench.conditioning(generator, name))
    start = paint(untrained(first, seed=given.seed), seeds, labels)
    note(UNTRAINED, {"covers_seen": 0, **bench.distances(start, UNTRAINED)})
    return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser("training.evaluate_painter", __doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of real covers and metadata.csv")
    add("--checkpoints", type=Path, nargs="+", required=True, help="folders with painters")
    add("--out", type=Path, required=True, help="folder for tables and sheets")
    add("--count", type=int, default=1500, help="most covers in each row (default 1500)")
    add("--seed", type=int, default=0)
    add("--features", type=Path, help="VGG16's weights; default: torchvision's download")
    add("--cache", type=Path, help="keep features in this folder; repeats take seconds")
    add("--precision", choices=("fp32", "bf16"), default="fp32", help="of VGG16 (default fp32)")
    add("--held-out", type=int, default=1500, help="covers that training holds out (default 1500)")
    add("--source", default="all", help="real covers of this source only (default all)")
    add("--training-sample", type=int, help="training covers to compute features of (default all)")
    add("--write", action="store_true", help="put the tables into the checkpoints' metrics and cards")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    given.out.mkdir(parents=True, exist_ok=True)

    def body() -> str:
        found = measure(given)
        for checkpoint in given.checkpoints if given.write else ():
            merge_metrics(checkpoint, as_metrics(found))
            write_card(checkpoint)
        return as_markdown(found)

    return exit_status(body)


if __name__ == "__main__":
    sys.exit(main())
