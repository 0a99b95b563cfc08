"""What the judge's scripts share: options, and tables for ``metrics.json``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.painter import Painter
from training.data.command import command_parser
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


def open_painter(folder: Path) -> Painter:
    """The painter of a checkpoint's folder."""
    checkpoint = read_checkpoint(folder, "generator", "directory")
    return Painter(load_generator(checkpoint), checkpoint.revision)


def table(what: str, rows: Mapping[str, Mapping[str, float]], seed: int, **facts: object) -> Table:
    """A table of ``metrics.json``, dated today."""
    return {"what": what, "seed": seed, "date": datetime.now(UTC).date().isoformat(), **facts, "rows": rows}


def report(found: Mapping[str, Table], checkpoint: Path | None) -> None:
    """Print tables; keep them in the checkpoint's metrics and model card, where one is given."""
    for each in found.values():
        print(f"{each['what']}\n\n{markdown_table(labelled(each['rows']))}\n")  # type: ignore[arg-type]
    if checkpoint is not None:
        merge_metrics(checkpoint, dict(found))
        write_card(checkpoint)
