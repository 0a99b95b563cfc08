"""Fine-tune VGG16 on people's votes on abstract paintings, as the 2019 project did.

    python -m training.train_judge --data ../shared/data/abstract --preset distribution \\
        --out runs/judge --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Without ``--features`` torchvision downloads the ImageNet weights. K-fold cross-validation comes first, then the
final fit on all paintings. A killed run is continued by the same command, fold by fold. ``runs/judge`` then holds
``folds/`` and ``checkpoint/``.

The head alone is a convex problem, solved first. From there the last blocks are fine-tuned together with it, on
mirrored and slightly cropped views of unchanged colours. Then the head is solved for anew. The frozen blocks see
every view just once.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.data.abstract import PaintingSet, load_paintings
from training.data.images import DataError
from training.engine.state import merge_metrics, save_checkpoint, write_json
from training.judge import baselines
from training.judge.evaluation import finite
from training.judge.fine_tuning import PRESETS, JudgeConfig, Views, compute_views, fit
from training.metrics.distributions import Shares, table_row
from training.metrics.imagenet import vgg16_features
from training.reports.model_card import write_card


def split(count: int, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each of ``count`` paintings, shape ``(count,)``, 0 to ``folds - 1``, as even as can be."""
    places: NDArray[np.int64] = np.empty(count, np.int64)
    places[np.random.default_rng(seed).permutation(count)] = np.arange(count) % folds
    return places


def cross_validate(
    start: VGG16EmotionClassifier, views: Views, paintings: PaintingSet, config: JudgeConfig, out: Path
) -> tuple[NDArray[np.float64], list[dict[str, float]]]:
    """Judge every painting by a network that never saw it; finished folds are read from ``out/folds``.

    Returns:
        shares, shape ``(n, 8)``, and the curves averaged over the folds.
    """
    places = split(len(paintings), config.folds, config.seed)
    shares = np.empty((len(paintings), len(NAMES)))
    curves: list[list[dict[str, float]]] = []
    for fold in range(config.folds):
        file = out / "folds" / f"{fold}.json"
        rows, held_out = (torch.from_numpy(np.flatnonzero(places != fold)), np.flatnonzero(places == fold))
        if file.is_file():
            kept = json.loads(file.read_text(encoding="utf-8"))
            shares[held_out], curve = np.array(kept["shares"]), kept["history"]
        else:
            title = f"fold {fold + 1} of {config.folds}"
            _, curve, predicted = fit(
                start, views, paintings, config, rows, torch.from_numpy(held_out), title
            )
            shares[held_out] = predicted
            write_json(file, {"shares": predicted.tolist(), "history": curve})
        print(f"fold {fold + 1}: held-out KL {curve[0]['held_out_KL']:.3f} -> {curve[-1]['held_out_KL']:.3f}")
        curves.append(curve)
    names = [name for name in curves[0][-1] if name != "epoch"]
    mean_curve = [
        {"epoch": lines[0]["epoch"]}
        | {
            name: round(float(np.mean([line[name] for line in lines])), 5)
            for name in names
            if name in lines[0]
        }
        for lines in zip(*curves, strict=True)
    ]
    return shares, mean_curve


def train(
    config: JudgeConfig, paintings: PaintingSet, features: Path | None, out: Path, *, preset: str = "custom"
) -> Path:
    """Cross-validate, fit on everything, and write ``out/checkpoint``.

    Raises:
        DataError: if ``out`` holds another run, or there are fewer paintings than folds.
    """
    if len(paintings) < config.folds:
        raise DataError(f"{len(paintings)} paintings cannot be split into {config.folds} folds.")
    settings = out / "config.json"
    if settings.is_file() and json.loads(settings.read_text(encoding="utf-8")) != asdict(config):
        raise DataError(f"{out} holds a run with other settings. Give another --out, or delete the old run.")
    write_json(settings, asdict(config))
    torch.manual_seed(config.seed)
    start = VGG16EmotionClassifier(size=config.size).eval()
    start.features.load_state_dict(vgg16_features(features).state_dict())
    views = compute_views(start, paintings, config)
    shares, curve = cross_validate(start, views, paintings, config, out)
    everything, nothing = torch.arange(len(paintings)), torch.empty(0, dtype=torch.long)
    network, _, _ = fit(start, views, paintings, config, everything, nothing, "all paintings")
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "judge",
        "name": f"vgg16-{preset}",
        "preset": preset,
        "config": asdict(config),
        "paintings": len(paintings),
        "images_seen": len(paintings) * config.epochs,
        "epochs_done": config.epochs,
        "planned_epochs": PRESETS[preset].epochs if preset in PRESETS else config.epochs,
    }
    save_checkpoint(network, folder, record)
    write_json(folder / "history.json", curve)
    named = zip(paintings.file_names, shares.round(5).tolist(), strict=True)
    write_json(folder / "out_of_fold.json", {"emotions": NAMES, "shares": dict(named)})
    merge_metrics(folder, {"cross_validation": cross_validation_table(paintings, config, shares, preset)})
    write_card(folder)
    return folder


def cross_validation_table(
    paintings: PaintingSet, config: JudgeConfig, shares: Shares, preset: str
) -> dict[str, object]:
    """Measures of out-of-fold shares, ``(n, 8)``, beside the mean and the majority of the training folds."""
    rows = {"mean_prediction": baselines.always_the_mean, "majority emotion": baselines.majority}
    predictions = {name: np.empty_like(shares) for name in rows}
    places = split(len(paintings), config.folds, config.seed)
    for fold in range(config.folds):
        train, test = paintings.shares[places != fold], paintings.shares[places == fold]
        for name, method in rows.items():
            predictions[name][places == fold] = method(train, test, train)
    predictions[f"vgg16-{preset}"] = shares
    return {
        "what": f"{config.folds}-fold cross-validation on {len(paintings)} abstract paintings, "
        f"{int(paintings.votes.sum(1).mean().round())} votes each on average; top-1, top-2 and ECE on the "
        f"{int(paintings.clear.sum())} paintings with one clear top emotion. Every painting was judged by a "
        f"network "
        "that never saw it.",
        "seed": config.seed,
        "date": datetime.now(UTC).date().isoformat(),
        "rows": {
            name: finite(table_row(paintings.shares, each, paintings.clear))
            for name, each in predictions.items()
        },
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument(
        "--features", type=Path, help="ImageNet's VGG16 convolutions as safetensors; default: download"
    )
    parser.add_argument("--preset", choices=sorted(PRESETS), default="distribution")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; an old run there is continued"
    )
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    for field in fields(JudgeConfig):
        parser.add_argument("--" + field.name.replace("_", "-"), type=type(field.default))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    names = [field.name for field in fields(JudgeConfig)]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        config = replace(PRESETS[given.preset], **changes)
        paintings = load_paintings(given.data)
        folder = train(config, paintings, given.features, given.out, preset=given.preset)
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
