"""Let a jury grow up: eight judges with different lives on one ImageNet trunk.

    python -m training.train_jury --data ../shared/data/abstract --others ../shared/data/paintings \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/jury

Without ``--features`` torchvision downloads the ImageNet weights. ``--out`` then holds ``checkpoint/``, which
is what the exhibit loads, and the trunk's reports, which are computed once. How good such a jury is on
paintings that it never saw, ``training.benchmark_judge`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from albumjudge.models.jury import Jury
from training.data.abstract import load_paintings
from training.data.covers import DataError
from training.data.paintings import load_other_paintings
from training.engine.state import save_checkpoint
from training.judge.features import both_ways, imagenet_trunk, reports_of
from training.judge.jurors import LIVES, FittedJuror, JurorConfig, JuryConfig, fit_jury, read_others
from training.judge.kernel_regression import Matrix
from training.reports.model_card import write_card

SPREAD_FLOOR = 1e-3
"""Added to spreads, so that a map that is always silent stays silent. Reports are of the order of one."""


def with_readings(reports: Matrix, weights: Matrix, offsets: Matrix) -> Matrix:
    """Raw reports, ``(n, 4416)``, and what is read from them about other paintings, ``(n, 4416 + k)``."""
    return np.concatenate([reports, reports @ weights + offsets], 1)


def standardised(learnt: Matrix, *more: Matrix) -> list[Matrix]:
    """All with zero mean and unit spread over the first, which is learnt from; shapes stay."""
    centre, spread = learnt.mean(0), learnt.std(0) + SPREAD_FLOOR
    return [(each - centre) / spread for each in (learnt, *more)]


def build(
    size: int,
    features: torch.nn.Module,
    lives: Sequence[JurorConfig],
    fitted: Sequence[FittedJuror],
    reports: Matrix,
    weights: Matrix,
    offsets: Matrix,
) -> Jury:
    """Put the network together.

    Args:
        reports: of the paintings, raw, shape ``(n, 4416)``.
        weights, offsets: readings of raw reports, shapes ``(4416, k)`` and ``(k,)``.
    """
    jury = Jury(size, [life.name for life in lives], len(reports), weights.shape[1])
    jury.features.load_state_dict(features.state_dict())
    learnt = with_readings(reports, weights, offsets)
    centre, reading_centre = np.split(learnt.mean(0), [reports.shape[1]])
    spread, reading_spread = np.split(learnt.std(0) + SPREAD_FLOOR, [reports.shape[1]])
    content = {
        "feature_mean": centre,
        "feature_sd": spread,
        # From standardised reports to standardised readings in one step.
        "scale_head.weight": ((weights * spread[:, None]) / reading_spread).T,
        "scale_head.bias": (centre @ weights + offsets - reading_centre) / reading_spread,
        "painting_features": standardised(learnt)[0],
        "feature_weights": np.stack([juror.attention for juror in fitted]),
        "dual_coefficients": np.stack([juror.memory for juror in fitted]),
        "bias": np.stack([juror.leaning for juror in fitted]),
    }
    state = jury.state_dict()
    for name, value in content.items():
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return jury.eval()


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.train_jury", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--others", type=Path, required=True, help="folder of other paintings, metadata.csv")
    parser.add_argument("--features", type=Path, help="ImageNet's VGG16 trunk; default: download")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument("--size", type=int, default=JuryConfig.size)
    parser.add_argument("--seed", type=int, default=JuryConfig.seed)
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    config = JuryConfig(size=given.size, seed=given.seed)
    try:
        paintings, others = load_paintings(given.data), load_other_paintings(given.others)
        trunk = imagenet_trunk(config.size, given.features)
        reports = np.mean(both_ways(trunk, paintings.pixels, given.out), axis=0)
        weights, offsets, correlations = read_others(
            reports_of(trunk, others.pixels, cache=given.out), others.scores
        )
        print("Other people's feelings, predicted (leave-one-out correlation):")
        for column, correlation in zip(others.columns, correlations, strict=True):
            print(f"  {column:28s}{correlation:6.2f}")
        (learnt,) = standardised(with_readings(reports, weights, offsets))
        fitted = fit_jury(learnt, paintings.shares, config)
        for life, juror in zip(LIVES, fitted, strict=True):
            print(f"{life.name}: {juror.choice}")
        jury = build(config.size, trunk.features, LIVES, fitted, reports, weights, offsets)
        folder = given.out / "checkpoint"
        record: dict[str, object] = {
            "kind": "judge",
            "network": "Jury",
            "name": "vgg16-jury",
            "preset": "jury",
            "config": asdict(config),
            "paintings": len(paintings),
            "other_paintings": len(others.pixels),
            "lives": [
                asdict(life) | {"choice": asdict(juror.choice)}
                for life, juror in zip(LIVES, fitted, strict=True)
            ],
            "readings": {
                column: round(float(correlation), 4)
                for column, correlation in zip(others.columns, correlations, strict=True)
            },
        }
        save_checkpoint(jury, folder, record)
        write_card(folder)
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
