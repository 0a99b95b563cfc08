"""Train a DCGAN.

    python -m training.train_dcgan --data ../shared/data/covers --preset seed --out runs/seed

A run killed at any moment is continued by the same command, from the last saved state, to the same weights.
Then ``runs/seed`` holds ``checkpoint/`` (for the exhibit), ``samples/`` (the same latents painted along the way,
file names count the covers seen), ``tensorboard/`` (``tensorboard --logdir runs``) and ``state.safetensors``.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import torch

from training.engine.script import chosen, covers_for, run_script, train_or_end, training_parser
from training.generator.dcgan_trainer import PRESETS, DcganTrainer


def run(given: Namespace, device: torch.device) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, PRESETS[given.preset])
    trainer = DcganTrainer(config, covers_for(given, config), device, given.precision)
    if not train_or_end(trainer, given):
        return None
    planned = PRESETS[given.preset].epochs
    return trainer.finish(
        given.out, name=f"dcgan-{given.preset}", preset=given.preset, planned_epochs=planned
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = training_parser("train_dcgan", __doc__, PRESETS["seed"])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="seed")
    return run_script(parser.parse_args(arguments), run)


if __name__ == "__main__":
    sys.exit(main())
