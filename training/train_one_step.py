"""Train the one-step painter: the flow painter's covers and better, from one network call instead of eighteen.

    python -m training.train_one_step --data ../shared/data/covers --teacher runs/flow/checkpoint \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/one-step
    python -m training.train_one_step ... --start-from ../shared/experiments/one_step --blend 0.9 --epochs 0

First a student is fitted to what the flow painter makes of random latent vectors (``regression/``), then student
and decoder learn on against critics of real covers, see :mod:`training.generator.one_step_trainer`.
``--start-from`` takes the place of the first stage: a checkpoint of a one-step painter, or a folder with the two
weight files of the experiment. With ``--blend`` below 1 the decoder begins between the teacher's and its own
(network interpolation, Wang et al. 2018, https://arxiv.org/abs/1809.00219).

A killed run is continued by the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit),
``samples/``, ``tensorboard/`` and ``state.safetensors``; ``--finish-now`` writes the checkpoint of a run
that has not ended.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.legacy import current_tensor
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.one_step import OneStepGenerator
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.distributed import Processes
from training.engine.hardware import choose_precision, hardware
from training.engine.script import add_options, chosen, run_script
from training.engine.state import read_state, save_checkpoint, write_json, write_state
from training.engine.trainer import STATE, fingerprint, train
from training.generator.one_step_trainer import (
    AdversarialTrainer,
    OneStepConfig,
    Pairs,
    RegressionTrainer,
    make_pairs,
)
from training.reports.model_card import write_card

PAIRS = "pairs.safetensors"
VELOCITY, DECODER = "sketcher.safetensors", "inker.safetensors"


def student_of(teacher: FlowGenerator) -> OneStepGenerator:
    """A one-step painter with the teacher's weights."""
    student = OneStepGenerator(
        teacher.latent_size, teacher.latent_channels, teacher.width, teacher.size, teacher.decoder.width
    )
    student.expansion.load_state_dict(teacher.expansion.state_dict())
    student.unet.load_state_dict(teacher.unet.state_dict())
    student.decoder.load_state_dict(teacher.decoder.state_dict())
    return student.eval().requires_grad_(False)


def started_from(folder: Path, teacher: FlowGenerator, blend: float) -> tuple[OneStepGenerator, str]:
    """A trained student, and what to call its origin.

    Args:
        folder: a checkpoint, or the two files ``VELOCITY`` and ``DECODER``.
        blend: 1 takes its decoder, 0 the teacher's, and what is between goes between.

    Raises:
        DataError: if the weights do not fit the teacher.
        CheckpointError: if the checkpoint cannot be read.
    """
    student, origin = student_of(teacher), folder.name
    decoder = {name: value.clone() for name, value in student.decoder.state_dict().items()}
    try:
        if (folder / DECODER).is_file():
            student.unet.load_state_dict(_named_now("unet", folder / VELOCITY))
            student.decoder.load_state_dict(_named_now("decoder", folder / DECODER))
        else:
            checkpoint = read_checkpoint(folder, "generator")
            student.load_state_dict(load_generator(checkpoint).state_dict())
            origin = checkpoint.revision
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(f"{folder} holds no weights for a student of this teacher ({error}).") from error
    for name, value in student.decoder.state_dict().items():
        value.copy_(torch.lerp(decoder[name], value, blend))
    return student, origin


def _named_now(part: str, file: Path) -> dict[str, Tensor]:
    """A part's tensors by their present names."""
    found = {
        current_tensor("OneStepGenerator", f"{part}.{key}"): value for key, value in load_file(file).items()
    }
    return {name.removeprefix(f"{part}."): value for name, value in found.items()}


def load_pairs(
    painter: FlowGenerator | OneStepGenerator, covers: CoverSet, path: Path, config: OneStepConfig
) -> Pairs:
    """A painter's pairs, made once and kept in a file."""
    key = {"pairs": config.pairs, "seed": config.seed, "painter": fingerprint(painter)}
    if path.is_file():
        tensors, notes = read_state(path)
        if notes == key:
            return Pairs(**tensors)
    pairs = make_pairs(painter, covers, config)
    write_state(path, vars(pairs), dict(key))
    return pairs


def finish(trainer: AdversarialTrainer, out: Path, origin: dict[str, object]) -> Path:
    """Write ``out/checkpoint``: weights in half precision, config, history, provenance and model card."""
    folder, config = out / "checkpoint", trainer.config
    record: dict[str, object] = {
        "kind": "generator",
        "network": "OneStepGenerator",
        "name": f"one-step-{config.size}",
        "preset": "one-step",
        "config": asdict(config),
        **origin,
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "precision": trainer.precision,
        "processes": trainer.processes.size,
        "hardware": hardware(trainer.device),
    }
    save_checkpoint(trainer.average, folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_one_step", description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="checkpoint of a flow painter")
    parser.add_argument("--start-from", type=Path, help="weights of a trained student")
    parser.add_argument("--blend", type=float, default=1.0, help="share of its decoder beside the teacher's")
    parser.add_argument("--features", type=Path, help="VGG16's weights; default: torchvision's download")
    parser.add_argument(
        "--finish-now", action="store_true", help="write the saved state's checkpoint and end"
    )
    add_options(parser, OneStepConfig())
    return parser.parse_args(arguments)


def run(given: argparse.Namespace, processes: Processes) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, OneStepConfig())
    checkpoint = read_checkpoint(given.teacher, "generator")
    teacher = load_generator(checkpoint)
    if not isinstance(teacher, FlowGenerator):
        raise DataError(f"{given.teacher} holds no flow painter.")
    teacher.to(processes.device)
    origin: dict[str, object] = {"teacher": checkpoint.revision}
    covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
    precision = choose_precision(given.precision, processes.device)
    if given.start_from:
        student, origin["start"] = started_from(given.start_from, teacher, given.blend)
        origin["blend"] = given.blend
        config = replace(config, regression_epochs=0)
    else:
        student = student_of(teacher)
    painter = teacher if config.velocity_rate or config.regression_epochs else student.to(processes.device)
    pairs = processes.from_first(lambda: load_pairs(painter, covers, given.out / PAIRS, config))
    if config.regression_epochs:
        first_stage = replace(config, epochs=config.regression_epochs)
        regression = RegressionTrainer(first_stage, covers, processes, student, pairs, precision)
        if not train(regression, given.out / "regression"):
            return None
        student = regression.average
        origin["images_seen_before"] = regression.images_seen
    trainer = AdversarialTrainer(
        config, covers, processes, student, pairs, teacher, given.features, precision
    )
    if given.finish_now:
        trainer.restore(*read_state(given.out / STATE))
    elif not train(trainer, given.out):
        return None
    return finish(trainer, given.out, origin) if processes.first else None


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    return run_script(given, lambda processes: run(given, processes))


if __name__ == "__main__":
    sys.exit(main())
