"""Train the jury: eight kernel classifiers on ImageNet's VGG16, taught by two data sets of paintings.

    python -m training.train_jury --data ../shared/data/abstract --others ../shared/data/paintings \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/jury

Without ``--features`` torchvision downloads the ImageNet weights. ``--out`` then holds ``checkpoint/``, which is
what the exhibit loads, and the features, which are computed once. The fifth of the other paintings that
``training.benchmark_judge`` measures on is not trained on here either.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from albumjudge.models.multitask_jury import MultitaskJury
from training.data.abstract import load_paintings
from training.data.command import exit_status
from training.data.paintings import load_other_paintings
from training.engine.state import save_checkpoint
from training.judge.features import imagenet_backbone
from training.judge.jurors import JURORS, FittedJury, JurorConfig, JuryConfig, fit_jury
from training.judge.pictures import Pictures, gather_pictures
from training.judge.script import add_data, parser_of
from training.reports.model_card import write_card


def build(
    size: int, features: nn.Module, configs: Sequence[JurorConfig], fitted: FittedJury, pictures: Pictures
) -> MultitaskJury:
    """Put the network together from what was fitted."""
    rows = fitted.rows
    components = [basis.shape[1] for basis in pictures.projection.bases]
    scales = pictures.train_scales.shape[1]
    jury = MultitaskJury(size, [c.name for c in configs], len(rows), scales, components)
    jury.features.load_state_dict(features.state_dict())
    scale_weights = np.zeros((len(rows), scales))
    scale_weights[np.searchsorted(rows, pictures.train_others)] = pictures.scale_fit.weights
    domain = fitted.domain
    content = {
        "centre": pictures.projection.centre,
        **{f"basis{i}": basis for i, basis in enumerate(pictures.projection.bases)},
        "landmarks": pictures.coordinates[rows],
        "landmark_scales": pictures.train_scales[rows],
        "is_abstract": (rows < pictures.count).astype(float),
        "scale_attention": pictures.scale_attention,
        "domain_attention": pictures.domain_attention,
        "scale_weights": scale_weights,
        "scale_bias": pictures.scale_fit.bias,
        # Two classes' logits to the one of a sigmoid.
        "domain_weights": domain.weights[:, :1] - domain.weights[:, 1:],
        "domain_bias": domain.bias[:1] - domain.bias[1:],
        "attention": np.stack([juror.attention for juror in fitted.jurors]),
        "separation": np.array([juror.separation for juror in fitted.jurors]),
        "valence_shift": np.array([juror.valence_shift for juror in fitted.jurors]),
        "weights": np.stack([juror.fit.weights for juror in fitted.jurors]),
        "bias": np.stack([juror.fit.bias for juror in fitted.jurors]),
        "juror_weights": fitted.weights,
    }
    state = jury.state_dict()
    for name, value in content.items():
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return jury.eval()


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("training.train_jury", __doc__)
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", type=int, default=JuryConfig.size)
    parser.add_argument("--seed", type=int, default=JuryConfig.seed)
    given = parser.parse_args(arguments)
    config = JuryConfig(size=given.size, seed=given.seed)

    def body() -> str:
        paintings, others = load_paintings(given.data), load_other_paintings(given.others)
        backbone = imagenet_backbone(config.size, given.features)
        pictures = gather_pictures(paintings, others, backbone, given.out)
        fitted = fit_jury(pictures, np.arange(pictures.count), config)
        weights = fitted.weights.round(3).T.tolist()
        record: dict[str, object] = {
            "kind": "judge",
            "network": "MultitaskJury",
            "name": "vgg16-jury",
            "preset": "jury",
            "config": asdict(config),
            "paintings": len(paintings),
            "other_paintings": len(pictures.train_others),
            "held_out_paintings": len(pictures.test_others),
            "jurors": [asdict(juror) | {"weights": w} for juror, w in zip(JURORS, weights, strict=True)],
        }
        folder = given.out / "checkpoint"
        save_checkpoint(build(config.size, backbone.features, JURORS, fitted, pictures), folder, record)
        write_card(folder)
        return f"Wrote {folder}."

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
