"""What all training scripts share: options, processes, and errors as sentences."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

import torch

from albumjudge.inference.checkpoints import CheckpointError
from training.data.covers import DataError
from training.engine.distributed import Processes, join_processes, leave_processes
from training.engine.trainer import TrainerConfig

C = TypeVar("C", bound=TrainerConfig)
INTERNAL = ("recipe", "start")
"""Settings that are no options."""


def add_options(parser: argparse.ArgumentParser, defaults: TrainerConfig) -> None:
    """Add what every training script takes: data, output folder, device, and every setting."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with images and metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an old one is continued")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    for field in fields(defaults):
        option = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        elif field.name not in INTERNAL:
            parser.add_argument(option, type=str if field.default is None else type(field.default))


def chosen(given: argparse.Namespace, defaults: C) -> C:
    """The settings with what was asked for on the command line; ``--source all`` takes all sources."""
    names = [field.name for field in fields(defaults) if field.name not in INTERNAL]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if changes.get("source") == "all":
        changes["source"] = None
    return replace(defaults, **changes)


def run_script(given: argparse.Namespace, body: Callable[[Processes], Path | None]) -> int:
    """Run a training script in the processes it was started in; returns the exit status.

    Args:
        body: trains; returns the folder of a finished checkpoint, if there is one.
    """
    processes = Processes()
    try:
        torch.set_flush_denormal(True)  # Denormal numbers are a hundred times as slow.
        processes = join_processes(given.device)
        if given.threads:
            torch.set_num_threads(given.threads)
        with processes.together():
            folder = body(processes)
    except (CheckpointError, DataError, FileNotFoundError, ValueError) as error:
        where = "" if processes.size == 1 else f"Process {processes.rank} of {processes.size}: "
        print(f"{where}{error}", file=sys.stderr)
        return 1
    finally:
        torch.set_flush_denormal(False)
        leave_processes(processes)
    if folder and processes.first:
        print(f"Wrote {folder}.")
    return 0
