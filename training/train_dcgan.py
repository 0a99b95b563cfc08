"""Train a DCGAN.

    python -m training.train_dcgan --data ../shared/data/covers --preset seed --out runs/seed
    accelerate launch --num_processes 4 -m training.train_dcgan --data ... --preset plain --out ...

The second command shares each batch out to four processes with a GPU each, on several machines, too
(``accelerate config`` asks for their addresses); ``accelerate launch --multi_gpu --num_processes 2`` with
``--device cpu`` does so on CPUs, where each process normalises its own part of a batch.

A run killed at any moment is continued by the same command, from the last saved state, to the same weights.
Then ``runs/seed`` holds ``checkpoint/`` (for the exhibit), ``samples/`` (the same latents painted along the way,
file names count the covers seen), ``tensorboard/`` (``tensorboard --logdir runs``) and ``state.safetensors``.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from training.engine.distributed import Processes
from training.engine.script import chosen, covers_for, run_script, train_or_end, training_parser
from training.generator.dcgan_trainer import PRESETS, DcganTrainer


def run(given: Namespace, processes: Processes) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, PRESETS[given.preset])
    trainer = DcganTrainer(config, covers_for(given, config), processes, given.precision)
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
