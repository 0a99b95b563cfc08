"""Say how good judges are, in one table.

    python -m training.evaluate_judge --data ../shared/data/abstract --checkpoint checkpoints/judge \\
        --also checkpoints/judge-seed --json judge.json --write

The rows of a judge are computed from ``out_of_fold.json``, which its cross-validation wrote: every painting
was judged by a network that never saw it. Beside them, on the same folds: always the majority's emotion, and
always the mean of the training folds. The finished judge itself was fitted on all paintings; its row on them
is marked as such and shows only how much it has learnt by heart.
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

from albumjudge.emotions import NAMES
from albumjudge.vgg import EmotionVGG
from training.cards import write_card
from training.cover_data import DataError
from training.judge_metrics import Shares, table_row
from training.painting_data import PaintingSet, load_paintings
from training.runs import merge_metrics, write_json
from training.train_judge import split

Table = dict[str, dict[str, float]]


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
    return {"majority emotion": majority, "predict the mean": mean}


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
def shares_by(network: EmotionVGG, paintings: PaintingSet) -> Shares:
    """The network's distributions, shape ``(n, 8)``."""
    pixels = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2)
    parts = [network(part.float() / 255).double().softmax(1) for part in torch.split(pixels, 32)]
    shares: Shares = torch.cat(parts).numpy()
    return shares


def evaluate(paintings: PaintingSet, checkpoint: Path, also: list[Path]) -> tuple[Table, dict[str, object]]:
    """Build the table, and what there is to say about it.

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
    if (checkpoint / "model.safetensors").is_file():
        network = EmotionVGG.from_pretrained(str(checkpoint)).eval()
        title = f"{records[0]['name']}, on paintings it has seen"
        rows[title] = table_row(true, shares_by(network, paintings), clear)
    facts: dict[str, object] = {
        "what": (
            f"{config['folds']}-fold cross-validation on {len(paintings)} abstract paintings, "
            f"{int(paintings.votes.sum(1).mean().round())} votes each on average; "
            f"top-1, top-2 and ECE on the {int(clear.sum())} paintings with one clear top emotion"
        ),
        "seed": config["seed"],
        "date": datetime.now(UTC).date().isoformat(),
    }
    return rows, facts


def as_text(rows: Table) -> str:
    """The table for a terminal, three decimals."""
    columns = list(next(iter(rows.values())))
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{column:>14}" for column in columns)]
    for name, row in rows.items():
        lines.append(f"{name:<{width}}" + "".join(f"{row[column]:14.3f}" for column in columns))
    return "\n".join(lines)


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
        rows, facts = evaluate(load_paintings(given.data), given.checkpoint, given.also)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(facts["what"], as_text(rows), sep="\n")
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()}
    content: dict[str, object] = {"cross_validation": facts | {"rows": rounded}}
    if given.json:
        write_json(given.json, content)
    if given.write:
        for folder in (given.checkpoint, *given.also):
            merge_metrics(folder, content)
            write_card(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
