"""Say how good judges are, in one table.

    python -m training.evaluate_judge --data ../shared/data/abstract --checkpoint checkpoints/judge \\
        --also checkpoints/judge-seed --json judge.json --write

The rows of a judge are computed from ``out_of_fold.json``, which its cross-validation wrote: every painting
was judged by a network that never saw it. Beside them, on the same folds: always the majority's emotion, and
always the mean of the training folds. The finished judge itself was fitted on all paintings; a table of its
own shows how well it fits them, which says how much it has learnt by heart and not how good it is.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import CheckpointError, load_judge, read_checkpoint
from albumjudge.models.jury import Jury
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.data.abstract import PaintingSet, load_paintings
from training.data.covers import DataError
from training.engine.state import merge_metrics, write_json
from training.metrics.distributions import Shares, table_row
from training.reports.model_card import write_card
from training.reports.tables import markdown_table
from training.train_judge import split


def baselines(paintings: PaintingSet, places: NDArray[np.int64]) -> dict[str, Shares]:
    """Predictions that look at no picture, fold by fold, from the other folds alone.

    Args:
        places: fold of each painting, shape ``(n,)``.

    Returns:
        ``majority emotion`` (all on the one that most often comes first) and ``predict the mean``, each
        of shape ``(n, 8)``.
    """
    shares = paintings.shares
    mean, majority = np.empty_like(shares), np.zeros_like(shares)
    for fold in np.unique(places):
        learnt, asked = shares[places != fold], places == fold
        mean[asked] = learnt.mean(0)
        most = np.bincount(learnt.argmax(1), minlength=len(NAMES)).argmax()
        majority[asked, most] = 1
    return {"predict the mean": mean, "majority emotion": majority}


def read_out_of_fold(checkpoint: Path, paintings: PaintingSet) -> Shares:
    """Out-of-fold shares in the order of the paintings, shape ``(n, 8)``.

    Raises:
        DataError: if the file is missing or speaks of other paintings.
    """
    path = checkpoint / "out_of_fold.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["shares"]
        shares = np.array([kept[name] for name in paintings.file_names], float)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; training.train_judge writes it.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} does not fit these paintings ({error}). Train again on them.") from error
    normalised: Shares = shares / shares.sum(1, keepdims=True)
    return normalised


@torch.inference_mode()
def shares_by(network: VGG16EmotionClassifier | Jury, paintings: PaintingSet) -> Shares:
    """The network's distributions, shape ``(n, 8)``."""
    pixels = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2)
    parts = [network(part.float() / 255).double().softmax(1) for part in torch.split(pixels, 32)]
    shares: Shares = torch.cat(parts).numpy()
    return shares


def evaluate(paintings: PaintingSet, checkpoint: Path, also: list[Path]) -> dict[str, dict[str, object]]:
    """Build the tables, as they stand in ``metrics.json``.

    Returns:
        ``cross_validation`` and, if the checkpoint has weights, ``fit``: each with ``what``, ``seed``,
        ``date`` and ``rows``. A measure that is infinite (the KL divergence of a prediction that rules out
        what people felt) is left out of its row.

    Raises:
        DataError: if a checkpoint lacks a file or does not fit the paintings.
    """
    try:
        records = [json.loads((p / "training.json").read_text(encoding="utf-8")) for p in (checkpoint, *also)]
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing; training.train_judge writes it.") from error
    config = records[0]["config"]
    if any((r["config"]["folds"], r["config"]["seed"]) != (config["folds"], config["seed"]) for r in records):
        raise DataError("These judges were cross-validated on different folds and cannot share a table.")
    true, clear = paintings.shares, paintings.clear
    places = split(len(paintings), config["folds"], config["seed"])
    rows = {name: table_row(true, shares, clear) for name, shares in baselines(paintings, places).items()}
    for path, record in zip((checkpoint, *also), records, strict=True):
        rows[record["name"]] = table_row(true, read_out_of_fold(path, paintings), clear)
    facts = {"seed": config["seed"], "date": datetime.now(UTC).date().isoformat()}
    tables: dict[str, dict[str, object]] = {
        "cross_validation": {
            "what": (
                f"{config['folds']}-fold cross-validation on {len(paintings)} abstract paintings, "
                f"{int(paintings.votes.sum(1).mean().round())} votes each on average; "
                f"top-1, top-2 and ECE on the {int(clear.sum())} paintings with one clear top emotion. "
                "Every painting was judged by a network that never saw it."
            ),
            **facts,
            "rows": {name: _finite(row) for name, row in rows.items()},
        }
    }
    if (checkpoint / "model.safetensors").is_file():
        network = load_judge(read_checkpoint(checkpoint, "judge", "directory"))
        tables["fit"] = {
            "what": (
                "The finished judge on the very paintings it was fitted on. This says how much it has learnt "
                "by heart, not how good it is."
            ),
            **facts,
            "rows": {records[0]["name"]: _finite(table_row(true, shares_by(network, paintings), clear))},
        }
    return tables


def _finite(row: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in row.items() if math.isfinite(value)}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="other judges for the same table")
    parser.add_argument("--json", type=Path, help="save the table here")
    parser.add_argument("--write", action="store_true", help="save it in the checkpoints' metrics and cards")
    given = parser.parse_args(arguments)
    try:
        tables = evaluate(load_paintings(given.data), given.checkpoint, given.also)
        for table in tables.values():
            print(f"{table['what']}\n\n{markdown_table(table['rows'])}\n")  # type: ignore[arg-type]
        if given.json:
            write_json(given.json, tables)
        if given.write:
            merge_metrics(given.checkpoint, dict(tables))
            for folder in given.also:
                merge_metrics(folder, {"cross_validation": tables["cross_validation"]})
            for folder in (given.checkpoint, *given.also):
                write_card(folder)
    except (DataError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
