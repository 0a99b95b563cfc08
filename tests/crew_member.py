"""One process of a training run that the tests start by ``accelerate launch``, in double precision.

    accelerate launch ... -m tests.crew_member NOTES SIGNAL STEP WHOM [options of training.train_dcgan]

Rounding then is too small to be taken for an error, or to hide one: Adam divides by the gradient's own size,
which blows single precision's rounding up to steps of full length wherever a gradient is nearly zero.

``NOTES`` is a folder for what each process saw: covers, labels, gradients of the first step. At ``STEP`` the rank
``WHOM`` (or ``launcher``, which started them all) is sent ``SIGNAL``; a step of 0 sends none.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from training.projected import ProjectedDiscriminator

from tests.quick_features import QuickFeatures
from training.generator import dcgan_trainer as generator_trainer
from training.generator.dcgan_trainer import Trainer
from training.generator.presets import PRESETS
from training.train_dcgan import main

SMALL = replace(
    PRESETS["projected"],
    held_out=0,
    size=16,
    epochs=3,
    batch=16,
    latent_size=4,
    width=2,
    feature_side=32,
    watch_first=16,
    average_half_life=40,
    flip=True,
    seed=5,
)


def be_precise() -> None:
    """Compute in float64 throughout, also where the trainer asks for float32."""
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]


def take_notes(folder: Path) -> None:
    """Save, per process and step, what it was given, and its gradients after they were averaged."""
    step, average = Trainer.train_step, Trainer._average_slopes
    notes: dict[str, Tensor] = {}

    def train_step(self: Trainer, batch: Tensor, labels: Tensor) -> None:
        at = self.step
        notes.update({"batch": batch.clone(), "labels": labels.clone()})
        step(self, batch, labels)
        save_file(notes, folder / f"{at}-{self.crew.rank}.safetensors")
        notes.clear()

    def average_slopes(self: Trainer, network: torch.nn.Module) -> None:
        average(self, network)
        notes.update(
            {
                f"{type(network).__name__}/{name}": p.grad.contiguous().clone()
                for name, p in network.named_parameters()
                if p.grad is not None
            }
        )

    Trainer.train_step, Trainer._average_slopes = train_step, average_slopes  # type: ignore[method-assign]


def send(number: signal.Signals, at: int, whom: str) -> None:
    """Send a signal to a process of the run when so many steps are done."""
    step = Trainer.train_step

    def train_step(self: Trainer, batch: Tensor, labels: Tensor) -> None:
        step(self, batch, labels)
        if self.step == at and whom == str(self.crew.rank):
            os.kill(os.getpid(), number)
        elif self.step == at and whom == "launcher" and self.crew.first:
            os.kill(os.getppid(), number)

    Trainer.train_step = train_step  # type: ignore[method-assign]


if __name__ == "__main__":
    given = sys.argv[1:]
    be_precise()
    narrow = partial(ProjectedDiscriminator, width=4)
    vars(generator_trainer).update(
        CALIBRATION_BATCHES=1, LiteFeatures=QuickFeatures, ProjectedDiscriminator=narrow
    )
    PRESETS["small-projected"] = SMALL
    PRESETS["small-dcgan"] = replace(SMALL, recipe="dcgan")
    PRESETS["small-aided"] = replace(SMALL, recipe="aided", beta1=0.5, settle=0.5)
    PRESETS["small-styled"] = replace(SMALL, recipe="styled", beta1=0.5, settle=0.5)
    take_notes(Path(given[0]))
    if int(given[2]):
        send(signal.Signals[given[1]], int(given[2]), given[3])
    sys.exit(main(given[4:]))
