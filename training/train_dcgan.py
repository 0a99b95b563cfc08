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

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from training.data.covers import load_covers
from training.engine.distributed import Processes
from training.engine.hardware import choose_precision, hardware
from training.engine.script import add_options, chosen, run_script
from training.engine.state import read_state, save_checkpoint, write_json
from training.engine.trainer import STATE, train
from training.generator.dcgan_trainer import DcganTrainer
from training.generator.presets import PRESETS
from training.reports.model_card import write_card


def finish(trainer: DcganTrainer, out: Path, preset: str, seen_before: int = 0) -> Path:
    """Write ``out/checkpoint``: weights in half precision, config, history, provenance and model card."""
    folder = out / "checkpoint"
    record: dict[str, object] = {
        "kind": "generator",
        "network": "Generator",
        "name": f"dcgan-{preset}",
        "preset": preset,
        "config": asdict(trainer.config),
        "planned_epochs": PRESETS[preset].epochs,
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "precision": trainer.precision,
        "processes": trainer.processes.size,
        "hardware": hardware(trainer.device),
    }
    if seen_before:
        record["images_seen_before"] = seen_before
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_dcgan", description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="seed")
    parser.add_argument("--start-from", type=Path, help="checkpoint of a DCGAN to begin with")
    parser.add_argument(
        "--finish-now", action="store_true", help="write the saved state's checkpoint and end"
    )
    add_options(parser, PRESETS["seed"])
    return parser.parse_args(arguments)


def run(given: argparse.Namespace, processes: Processes) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config, start, seen_before = chosen(given, PRESETS[given.preset]), None, 0
    if given.start_from:
        checkpoint = read_checkpoint(given.start_from, "generator")
        start, config = load_generator(checkpoint), replace(config, start=checkpoint.revision)
        record = checkpoint.training
        seen_before = int(record.get("images_seen", 0)) + int(record.get("images_seen_before", 0))
    covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
    precision = choose_precision(given.precision, processes.device)
    trainer = DcganTrainer(config, covers, processes, precision, start)
    if given.finish_now:
        trainer.restore(*read_state(given.out / STATE))
    elif not train(trainer, given.out):
        return None
    return finish(trainer, given.out, given.preset, seen_before) if processes.first else None


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    return run_script(given, lambda processes: run(given, processes))


if __name__ == "__main__":
    sys.exit(main())
