"""One process of a run that the tests start by ``accelerate launch``, in double precision.

    accelerate launch ... -m tests.training.process_member KIND DATA OUT SIGNAL STEP RANK

Adam divides by the gradient's size, which blows rounding up to steps of full length where a gradient is nearly
zero; in double precision rounding is too small to be taken for an error, or to hide one. At ``STEP`` the process
``RANK`` sends itself ``SIGNAL``; a step of 0 sends none.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from tests.training.trainers import make_trainer, small_networks
from training.data.covers import load_covers
from training.engine.distributed import Processes
from training.engine.script import run_script
from training.engine.trainer import train


def main(arguments: list[str]) -> int:
    kind, data, out, number, step, rank = arguments
    small_networks(pytest.MonkeyPatch())
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]

    def body(_given: object, processes: Processes) -> Path | None:
        covers = load_covers(Path(data), size=8 if kind == "dcgan" else 64)
        trainer = make_trainer(kind, covers, processes)
        take = trainer.train_step

        def train_step() -> object:
            if trainer.step == int(step) > 0 and processes.rank == int(rank):
                os.kill(os.getpid(), signal.Signals[number])
            return take()

        trainer.train_step = train_step  # type: ignore[assignment,method-assign]
        return Path(out) if train(trainer, Path(out)) else None

    return run_script(Namespace(device="cpu", threads=1), body)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
