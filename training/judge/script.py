"""What the judge's scripts share: options, errors as sentences, tables for ``metrics.json``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.folders import CheckpointError
from albumjudge.inference.painter import Painter
from training.data.command import command_parser
from training.data.images import DataError
from training.engine.state import merge_metrics
from training.reports.model_card import write_card
from training.reports.tables import labelled, markdown_table

Table = dict[str, object]


def parser_of(module: str, text: str | None) -> argparse.ArgumentParser:
    """A parser that shows the module's docstring, with ``--threads``."""
    parser = command_parser(module, text)
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    return parser


def add_data(parser: argparse.ArgumentParser, *, others: bool = True) -> None:
    """Add ``--data``, ``--features`` and ``--others``."""
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--features", type=Path, help="ImageNet's VGG16 convolutions; default: download")
    if others:
        parser.add_argument("--others", type=Path, required=True, help="other paintings, with metadata.csv")


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Add ``--judge``, ``--generator`` and ``--write``."""
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--generator", type=Path, default=Path("checkpoints/generator"))
    parser.add_argument(
        "--write", action="store_true", help="save the tables in the judge's metrics and card"
    )


def run(given: argparse.Namespace, body: Callable[[], object]) -> int:
    """Run a script's body; returns the exit status, 1 after a sentence on standard error."""
    try:
        if given.threads:
            torch.set_num_threads(given.threads)
        body()
    except (CheckpointError, DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def open_painter(folder: Path) -> Painter:
    """The painter of a checkpoint's folder."""
    checkpoint = read_checkpoint(folder, "generator", "directory")
    return Painter(load_generator(checkpoint), checkpoint.revision)


def table(what: str, rows: Mapping[str, Mapping[str, float]], seed: int, **facts: object) -> Table:
    """A table of ``metrics.json``, dated today."""
    return {"what": what, "seed": seed, "date": datetime.now(UTC).date().isoformat(), **facts, "rows": rows}


def as_text(found: Mapping[str, Table]) -> str:
    """Tables for a terminal: what each is, and its rows as Markdown."""
    return "\n".join(
        f"{each['what']}\n\n{markdown_table(labelled(each['rows']))}\n"  # type: ignore[arg-type]
        for each in found.values()
    )


def report(found: Mapping[str, Table], checkpoint: Path | None) -> None:
    """Print tables; keep them in the checkpoint's metrics and model card, where one is given."""
    print(as_text(found))
    if checkpoint is not None:
        merge_metrics(checkpoint, dict(found))
        write_card(checkpoint)
