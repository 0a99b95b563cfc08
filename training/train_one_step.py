"""Train the one-step painter: the flow painter's covers and better, from one network call instead of eighteen.

    python -m training.train_one_step --data ../shared/data/covers --teacher runs/flow/checkpoint \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/one-step
    python -m training.train_one_step ... --start-from checkpoints/generator

First a student is fitted to what the flow painter makes of random latent vectors (``regression/``), then student
and decoder learn on against critics of real covers, see :mod:`training.generator.one_step_trainer`.
``--start-from``, a checkpoint of a one-step painter, takes the place of the first stage. With ``--blend`` below 1
its decoder begins between the teacher's and its own (network interpolation, Wang et al. 2018,
https://arxiv.org/abs/1809.00219).

A killed run is continued by the same command. Then ``--out`` holds ``checkpoint/`` (for the exhibit),
``samples/``, ``tensorboard/`` and ``state.safetensors``; ``--finish-now`` writes the checkpoint of a run
that has not ended.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import torch

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.one_step import OneStepGenerator
from training.data.covers import CoverSet, DataError
from training.engine.script import chosen, covers_for, run_script, train_or_end, training_parser
from training.engine.state import read_state, write_state
from training.engine.trainer import fingerprint, train
from training.generator.one_step_trainer import (
    AdversarialTrainer,
    OneStepConfig,
    Pairs,
    RegressionTrainer,
    make_pairs,
)

PAIRS = "pairs.safetensors"


def student_of(teacher: FlowGenerator) -> OneStepGenerator:
    """A one-step painter with the teacher's weights."""
    student = OneStepGenerator(
        teacher.latent_size, teacher.latent_channels, teacher.width, teacher.size, teacher.decoder.width
    )
    for part in ("expansion", "unet", "decoder"):
        student.get_submodule(part).load_state_dict(teacher.get_submodule(part).state_dict())
    return student.eval().requires_grad_(False)


def started_from(folder: Path, teacher: FlowGenerator, blend: float) -> tuple[OneStepGenerator, str]:
    """The student of a checkpoint, and the checkpoint's revision.

    Args:
        blend: 1 takes its decoder, 0 the teacher's, and what is between goes between.

    Raises:
        DataError: if the weights do not fit the teacher.
        CheckpointError: if the checkpoint cannot be read.
    """
    student, checkpoint = student_of(teacher), read_checkpoint(folder, "generator")
    decoder = student_of(teacher).decoder.state_dict()
    try:
        student.load_state_dict(load_generator(checkpoint).state_dict())
    except RuntimeError as error:
        raise DataError(f"{folder} holds no weights for a student of this teacher ({error}).") from error
    for name, value in student.decoder.state_dict().items():
        value.copy_(torch.lerp(decoder[name], value, blend))
    return student, checkpoint.revision


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


def run(given: Namespace, device: torch.device) -> Path | None:
    """Train as the command line says; returns the folder of the finished checkpoint."""
    config = chosen(given, OneStepConfig())
    checkpoint = read_checkpoint(given.teacher, "generator")
    teacher = load_generator(checkpoint)
    if not isinstance(teacher, FlowGenerator):
        raise DataError(f"{given.teacher} holds no flow painter.")
    teacher.to(device)
    origin: dict[str, object] = {"teacher": checkpoint.revision}
    covers = covers_for(given, config)
    if given.start_from:
        student, start = started_from(given.start_from, teacher, given.blend)
        origin |= {"start": start, "blend": given.blend}
        config = replace(config, regression_epochs=0)
    else:
        student = student_of(teacher)
    painter = teacher if config.velocity_rate or config.regression_epochs else student.to(device)
    pairs = load_pairs(painter, covers, given.out / PAIRS, config)
    if config.regression_epochs:
        first_stage = replace(config, epochs=config.regression_epochs)
        regression = RegressionTrainer(first_stage, covers, device, student, pairs, given.precision)
        if not train(regression, given.out / "regression"):
            return None
        student = regression.average
        origin["images_seen_before"] = regression.images_seen
    trainer = AdversarialTrainer(
        config, covers, device, student, pairs, given.precision, teacher=teacher, features=given.features
    )
    if not train_or_end(trainer, given):
        return None
    return trainer.finish(given.out, name=f"one-step-{config.size}", preset="one-step", **origin)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = training_parser("train_one_step", __doc__, OneStepConfig())
    add = parser.add_argument
    add("--teacher", type=Path, required=True, help="checkpoint of a flow painter")
    add("--start-from", type=Path, help="checkpoint of a one-step painter")
    add("--blend", type=float, default=1.0, help="share of its decoder beside the teacher's")
    add("--features", type=Path, help="VGG16's weights; default: torchvision's download")
    return run_script(parser.parse_args(arguments), run)


if __name__ == "__main__":
    sys.exit(main())
