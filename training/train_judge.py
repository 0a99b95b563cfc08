"""Train a judge as the 2019 project did: VGG16's last block fine-tuned on votes on abstract paintings.

    python -m training.train_judge --data ../shared/data/abstract --out runs/judge \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Without ``--features`` torchvision downloads the ImageNet weights. ``runs/judge/checkpoint`` is then a network
trained on all paintings; ``training.benchmark_judge`` measures the recipe on paintings that it never saw.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import torch

from training.data.abstract import load_paintings
from training.data.command import exit_status
from training.engine.state import save_checkpoint
from training.judge.script import add_data, parser_of
from training.judge.seed_recipe import RecipeConfig, SeedRecipe
from training.metrics.imagenet import vgg16_features
from training.reports.model_card import write_card


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("training.train_judge", __doc__)
    add_data(parser, others=False)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", type=int, default=RecipeConfig.size)
    parser.add_argument("--epochs", type=int, default=RecipeConfig.epochs)
    given = parser.parse_args(arguments)
    config = RecipeConfig(size=given.size, epochs=given.epochs)

    def body() -> str:
        paintings = load_paintings(given.data)
        network = SeedRecipe(vgg16_features(given.features), paintings, config).fit(
            torch.arange(len(paintings))
        )
        record: dict[str, object] = {
            "kind": "judge",
            "name": "vgg16-seed",
            "preset": "seed",
            "config": {"labels": "argmax", **asdict(config)},
            "paintings": len(paintings),
            "images_seen": len(paintings) * config.epochs,
            "epochs_done": config.epochs,
            "planned_epochs": config.epochs,
        }
        folder = given.out / "checkpoint"
        save_checkpoint(network, folder, record)
        write_card(folder)
        return f"Wrote {folder}."

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
