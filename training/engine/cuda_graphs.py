"""Steps of a training that a CUDA GPU repeats by itself.

The networks here are so small that a GPU computes a layer faster than it is told to. So the orders for a whole
step are recorded once and replayed from then on (CUDA graphs,
https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

REHEARSALS = 3


class Replay:
    """A step that is taken as it is at first, and from a recording afterwards.

    Args:
        step: from tensors on the device, always of the same shapes, to one there; it must not look at what they
            hold, nor draw random numbers, and forget old slopes before it computes new ones.
        device: where to compute.
        record: whether to record at all. Only on a CUDA GPU is there something to record with.
    """

    def __init__(self, step: Callable[..., Tensor], device: torch.device, *, record: bool = True) -> None:
        self.step, self.device = step, device
        self.record = record and device.type == "cuda"
        self.rehearsed = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.given: list[Tensor] = []
        self.found = torch.empty(0)

    def __call__(self, *given: Tensor) -> Tensor:
        """Take the step. The tensor returned is overwritten by the next one."""
        if not self.record:
            return self.step(*(each.to(self.device) for each in given))
        if self.rehearsed < REHEARSALS:
            self.rehearsed += 1
            return self._rehearse([each.to(self.device) for each in given])
        if self.graph is None:
            self.given = [each.to(self.device).clone() for each in given]
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.found = self.step(*self.given)
        for place, each in zip(self.given, given, strict=True):
            place.copy_(each)
        self.graph.replay()
        return self.found

    def _rehearse(self, given: list[Tensor]) -> Tensor:
        """On a stream of its own, as recordings ask for."""
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        here = torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            found = self.step(*given)
        here.wait_stream(aside)
        return found


def adam(
    learning: Iterable[Parameter] | Iterable[dict[str, Any]],
    rate: float,
    betas: tuple[float, float],
    device: torch.device,
) -> torch.optim.Adam:
    """Adam whose steps can be recorded, with learning rates that :func:`set_rate` can change all the same."""
    if device.type != "cuda":
        return torch.optim.Adam(learning, rate, betas)
    optimiser = torch.optim.Adam(learning, torch.tensor(rate, device=device), betas, capturable=True)
    for group in optimiser.param_groups:
        group["lr"] = group["lr"].clone()
    return optimiser


def set_rate(group: dict[str, Any], rate: float) -> None:
    """Change the learning rate of one of an optimiser's groups, whether it is a number or a tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate
