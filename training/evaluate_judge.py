"""Measure fine-tuned judges by their own cross-validation, in one table.

    python -m training.evaluate_judge --data ../shared/data/abstract --checkpoint checkpoints/judge-seed --write

Rows are computed from ``out_of_fold.json``, in which every painting was judged by a network that never saw it.
Beside them, on the same folds: the majority's emotion and the mean of the training folds. A table of its own
shows how well the finished judge fits the paintings that it was trained on, if its weights are there.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.inference.checkpoints import CheckpointError, load_judge, read_checkpoint
from albumjudge.inference.judge import JudgeNetwork
from training.data.abstract import PaintingSet, load_paintings
from training.data.images import DataError
from training.engine.state import merge_metrics, write_json
from training.judge import baselines
from training.judge.evaluation import finite
from training.metrics.distributions import Shares, table_row
from training.reports.model_card import write_card
from training.reports.tables import labelled, markdown_table
from training.train_judge import split


def baseline_shares(paintings: PaintingSet, places: NDArray[np.int64]) -> dict[str, Shares]:
    """Predictions that look at no picture, each fold's from the other folds, by row id.

    Args:
        places: fold of each painting, shape ``(n,)``.
    """
    found = {"mean_prediction": baselines.always_the_mean, "majority emotion": baselines.majority}
    shares = {name: np.empty_like(paintings.shares) for name in found}
    for fold in np.unique(places):
        train, test = places != fold, places == fold
        for name, method in found.items():
            shares[name][test] = method(
                paintings.shares[train], paintings.shares[test], paintings.shares[train]
            )
    return shares


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
def shares_by(network: JudgeNetwork, paintings: PaintingSet) -> Shares:
    """The network's distributions, shape ``(n, 8)``."""
    pixels = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2)
    parts = [network(part.float() / 255).double().softmax(1) for part in torch.split(pixels, 32)]
    shares: Shares = torch.cat(parts).numpy()
    return shares


def evaluate(paintings: PaintingSet, checkpoints: list[Path]) -> dict[str, dict[str, object]]:
    """The tables ``cross_validation`` and, if the first checkpoint has weights, ``fit``.

    Raises:
        DataError: if a checkpoint lacks a file or does not fit the paintings.
    """
    try:
        records = [json.loads((p / "training.json").read_text(encoding="utf-8")) for p in checkpoints]
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing; training.train_judge writes it.") from error
    config = records[0]["config"]
    if any((r["config"]["folds"], r["config"]["seed"]) != (config["folds"], config["seed"]) for r in records):
        raise DataError("These judges were cross-validated on different folds and cannot share a table.")
    true, clear = paintings.shares, paintings.clear
    predictions = baseline_shares(paintings, split(len(paintings), config["folds"], config["seed"]))
    for path, record in zip(checkpoints, records, strict=True):
        predictions[record["name"]] = read_out_of_fold(path, paintings)
    facts = {"seed": config["seed"], "date": datetime.now(UTC).date().isoformat()}
    tables: dict[str, dict[str, object]] = {
        "cross_validation": {
            "what": f"{config['folds']}-fold cross-validation on {len(paintings)} abstract paintings, "
            f"{int(paintings.votes.sum(1).mean().round())} votes each on average; top-1, top-2 and ECE on the "
            f"{int(clear.sum())} paintings with one clear top emotion. Every painting was judged by a "
            f"network that "
            "never saw it.",
            **facts,
            "rows": {name: finite(table_row(true, shares, clear)) for name, shares in predictions.items()},
        }
    }
    if (checkpoints[0] / "model.safetensors").is_file():
        network = load_judge(read_checkpoint(checkpoints[0], "judge", "directory"))
        tables["fit"] = {
            "what": "The finished judge on the very paintings it was trained on: how much it has memorised, "
            "not how "
            "good it is.",
            **facts,
            "rows": {records[0]["name"]: finite(table_row(true, shares_by(network, paintings), clear))},
        }
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/judge-seed"))
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="other judges for the same table")
    parser.add_argument("--json", type=Path, help="save the table here")
    parser.add_argument("--write", action="store_true", help="save it in the checkpoints' metrics and cards")
    given = parser.parse_args(arguments)
    try:
        tables = evaluate(load_paintings(given.data), [given.checkpoint, *given.also])
        for table in tables.values():
            print(f"{table['what']}\n\n{markdown_table(labelled(table['rows']))}\n")  # type: ignore[arg-type]
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
