"""Several processes that train one network together; a single process is a crew of one.

``accelerate launch`` (or torchrun) starts the processes, on one machine or several, and :func:`join_processes` finds
out who is there. All draw the same random numbers for the whole batch, and each takes every so-manieth row of
it; gradients are averaged. So a crew of any size sees and learns what a single process would.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import Tensor

from training.data.covers import DataError
from training.engine.hardware import choose_device

T = TypeVar("T")

CUT_OFF = ("gloo", "NCCL", "Connection", "connection")
"""A broken connection is a plain RuntimeError in torch; it says one of these words."""


@dataclass(frozen=True)
class Processes:
    """Who this process is among how many, and where it computes.

    Attributes:
        rank: of this process, from 0. The first one alone writes files and speaks.
        size: number of processes.
        device: of this process.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's part of what was drawn for the whole batch: every ``size``-th row, from its rank on.

        Not one piece of it, since :func:`training.projected.add_spread` compares covers that lie apart.
        """
        return rows[self.rank :: self.size]

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one dtype, on :attr:`device`, by their means over all processes."""
        if self.size == 1 or not tensors:
            return
        from accelerate.utils import reduce

        # One message instead of one per layer: what counts between machines is how often they talk.
        mean = cast(Tensor, reduce(torch.cat([tensor.reshape(-1) for tensor in tensors]), "mean"))
        parts = torch.split(mean, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def length(self, rows: Tensor) -> Tensor:
        """The Euclidean length, a scalar, of what all processes' rows are together.

        Of slopes of a mean over this process's rows, it is that of slopes of a mean over a process's number of
        rows: ratios of two lengths are those of the whole batch.
        """
        length: Tensor = rows.norm()
        if self.size == 1:
            return length
        square = length.square()
        self.average([square])
        return torch.sqrt(self.size * square)

    def largest(self, value: float) -> float:
        """The largest of all processes' values, in all of them."""
        return max(self._gathered(value))

    def any(self, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.size == 1:
            return here
        asked = [torch.tensor(float(here), device=self.device)]
        self.average(asked)
        return asked[0].item() > 0

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` returns in the first process, in all of them.

        Raises:
            Exception: in all of them, what it raises there.
        """
        if self.size == 1:
            return make()
        from accelerate.utils import broadcast_object_list

        made: list[object] = [None, None]
        if self.first:
            try:
                made[0] = make()
            except Exception as error:
                made[1] = error
        broadcast_object_list(made)
        if isinstance(made[1], Exception):
            raise made[1]
        return cast(T, made[0])

    def agree(self, on: str, what: str) -> None:
        """Make sure that all processes begin with the same.

        Raises:
            DataError: in all of them, if ``on`` differs anywhere; ``what`` says what that stands for.
        """
        if len(set(self._gathered(on))) > 1:
            raise DataError(
                f"The {self.size} processes differ in {what}. Start them by the same command, with the same data."
            )

    def _gathered(self, value: T) -> list[T]:
        if self.size == 1:
            return [value]
        from accelerate.utils import gather_object

        return cast(list[T], gather_object([value]))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Raises a :class:`DataError` in place of torch's, should another process vanish meanwhile."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not any(word in str(error) for word in CUT_OFF):
                raise
            raise DataError(
                "Another process of this training has ended or cannot be reached. "
                "The same command goes on from the last saved state."
            ) from error


def join_processes(device: str = "auto") -> Processes:
    """Meet the other processes, if this one was started with others.

    Args:
        device: as for :func:`training.engine.hardware.choose_device`. With others, ``auto`` takes one CUDA GPU for
            each process of a machine, else the CPU.

    Raises:
        DataError: if a GPU is wanted for each process and there are too few.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(device=choose_device(device))
    from accelerate import PartialState

    kind = choose_device(device).type
    here, cards = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if kind == "cuda" and here >= cards:
        raise DataError(
            f"This machine has {cards} GPUs, too few for its processes. Start fewer, or give --device cpu."
        )
    state = PartialState(cpu=kind != "cuda")
    # "cpu:0", as accelerate says, is no other device but it compares unequal to "cpu".
    return Processes(
        state.process_index, state.num_processes, state.device if kind == "cuda" else torch.device("cpu")
    )


def leave_processes(crew: Processes) -> None:
    """Take leave of the other processes."""
    if crew.size > 1:
        from accelerate import PartialState

        PartialState().destroy_process_group()
