"""What all scripts that train painters share: options, device, and errors as sentences."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from training.data.command import command_parser, exit_status
from training.data.covers import CoverSet, load_covers
from training.engine.hardware import choose_device
from training.engine.state import read_state
from training.engine.trainer import STATE, C, Trainer, TrainerConfig, train

INTERNAL = "recipe"
"""A setting that is no option."""


def training_parser(
    script: str, doc: str | None, defaults: TrainerConfig, *, checkpoint: bool = True
) -> argparse.ArgumentParser:
    """A parser of what every training script takes: data, output folder, device, and every setting.

    Args:
        checkpoint: whether there is one in the end.
    """
    parser = command_parser(f"training.{script}", doc)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with images and metadata.csv")
    add("--out", type=Path, required=True, help="folder of the run; an old one is continued")
    add("--device", default="auto")
    add("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    add("--threads", type=int, help="CPU threads; default: torch's own choice")
    if checkpoint:
        add("--finish-now", action="store_true", help="write the saved state's checkpoint and end")
    for field in fields(defaults):
        if field.name != INTERNAL:
            kind = str if field.default is None else type(field.default)
            add("--" + field.name.replace("_", "-"), type=kind)
    return parser


def chosen(given: Namespace, defaults: C) -> C:
    """The settings with what was asked for on the command line; ``--source all`` takes all sources."""
    names = [field.name for field in fields(defaults) if field.name != INTERNAL]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if changes.get("source") == "all":
        changes["source"] = None
    return replace(defaults, **changes)


def covers_for(given: Namespace, config: TrainerConfig) -> CoverSet:
    """The covers to train on."""
    return load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)


def train_or_end(trainer: Trainer[Any], given: Namespace) -> bool:
    """Train, or with ``--finish-now`` take the saved state as the end; returns whether it is one."""
    if given.finish_now:
        trainer.restore(*read_state(given.out / STATE))
        return True
    return train(trainer, given.out)


def run_script(given: Namespace, body: Callable[[Namespace, torch.device], Path | None]) -> int:
    """Run a training script; returns the exit status.

    Args:
        body: trains; returns the folder of a finished checkpoint, if there is one.
    """

    def train_and_say() -> str | None:
        folder = body(given, choose_device(given.device))
        return f"Wrote {folder}." if folder else None

    torch.set_flush_denormal(True)  # Denormal numbers are a hundred times as slow.
    try:
        return exit_status(train_and_say, threads=given.threads)
    finally:
        torch.set_flush_denormal(False)
