"""Helpers for tests of networks."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def randomised(network: Network) -> Network:
    """The network in float64 with all its weights drawn at random, since some begin at zero."""
    rng = torch.Generator().manual_seed(1)
    for value in network.double().state_dict().values():
        if value.is_floating_point():
            value.copy_(0.3 * torch.randn(value.shape, generator=rng, dtype=torch.double))
    return network.eval()


def random_latents(count: int, size: int = 5) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(2), dtype=torch.double)


def differ(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-3)
