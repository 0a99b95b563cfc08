"""Training in several processes, started by ``accelerate launch`` or torchrun; a single process needs neither.

All processes draw the same random numbers for the whole batch, each takes its rows of it, and gradients are
averaged. This is no DistributedDataParallel, since a discriminator runs several times before it learns once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from training.data.covers import DataError
from training.engine.hardware import choose_device

T = TypeVar("T")

CONNECTION_WORDS = ("gloo", "NCCL", "Connection", "connection")
"""A broken connection is a plain RuntimeError in torch; it says one of these words."""


@dataclass(frozen=True)
class Processes:
    """The processes of a run, seen from this one.

    Attributes:
        rank: of this process, from 0. Only the first writes files and prints.
        size: number of processes.
        device: of this process.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        return self.rank == 0

    def local(self, rows: Tensor) -> Tensor:
        """This process's part of a whole batch: every ``size``-th row, from its rank on."""
        return rows[self.rank :: self.size]

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one dtype, on :attr:`device`, by their means over all processes."""
        if self.size == 1 or not tensors:
            return
        from accelerate.utils import reduce

        # One message instead of one per layer.
        mean = cast(Tensor, reduce(torch.cat([tensor.reshape(-1) for tensor in tensors]), "mean"))
        parts = torch.split(mean, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def sync_batch_norm(self, network: nn.Module) -> nn.Module:
        """Normalise over the batches of all processes; on GPUs only, as torch's ``SyncBatchNorm`` does."""
        if self.size == 1 or self.device.type != "cuda":
            return network
        return cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(network))  # type: ignore[no-untyped-call]

    def gather(self, value: T) -> list[T]:
        """The values of all processes, by rank."""
        if self.size == 1:
            return [value]
        from accelerate.utils import gather_object

        return cast(list[T], gather_object([value]))

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` returns in the first process, in all of them; likewise what it raises."""
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

    def require_equal(self, value: str, what: str) -> None:
        """Make sure that all processes begin with the same.

        Raises:
            DataError: in all of them, if ``value`` differs anywhere; ``what`` says what it stands for.
        """
        if len(set(self.gather(value))) > 1:
            raise DataError(
                f"The {self.size} processes differ in {what}. Start them by the same command, with the same data."
            )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Raise a :class:`DataError` in place of torch's error when another process vanishes."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not any(word in str(error) for word in CONNECTION_WORDS):
                raise
            raise DataError(
                "Another process of this training has ended or cannot be reached. "
                "The same command goes on from the last saved state."
            ) from error


def join_processes(device: str = "auto") -> Processes:
    """Join the process group, if this process was started as one of several.

    Args:
        device: as for :func:`training.engine.hardware.choose_device`; with several processes, ``auto`` takes one
            CUDA GPU for each on a machine, else the CPU.

    Raises:
        DataError: if a GPU is wanted for each process and there are too few.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes(device=choose_device(device))
    from accelerate import PartialState

    kind = choose_device(device).type
    local_rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if kind == "cuda" and local_rank >= gpus:
        raise DataError(
            f"This machine has {gpus} GPUs, too few for its processes. Start fewer, or give --device cpu."
        )
    state = PartialState(cpu=kind != "cuda")
    # "cpu:0", as accelerate says, is no other device but compares unequal to "cpu".
    return Processes(
        state.process_index, state.num_processes, state.device if kind == "cuda" else torch.device("cpu")
    )


def leave_processes(processes: Processes) -> None:
    """Leave the process group."""
    if processes.size > 1:
        from accelerate import PartialState

        PartialState().destroy_process_group()
