"""LPIPS, how different two pictures look to VGG16 (Zhang et al. 2018, https://arxiv.org/abs/1801.03924).

torchmetrics' network, given the VGG16 of :mod:`training.metrics.imagenet`; its public class would download one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.functional.image.lpips import _LPIPS

Pixels = NDArray[np.uint8]
BATCH = 32


def lpips_network(trunk: nn.Sequential) -> nn.Module:
    """LPIPS 0.1 on VGG16's convolutions: two float batches in [-1, 1] to ``(n, 1, 1, 1)``."""
    network: nn.Module = _LPIPS(pretrained=True, net="vgg", pnet_rand=True)
    convolutions = (m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3))
    given = (m for m in trunk if isinstance(m, nn.Conv2d))
    for to, source in zip(convolutions, given, strict=True):
        to.load_state_dict(source.state_dict())
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def lpips(network: nn.Module, one: Pixels, other: Pixels) -> NDArray[np.float64]:
    """LPIPS of uint8 pictures ``(n, 3, s, s)``, pair by pair, shape ``(n,)``."""
    first, second = (torch.from_numpy(np.ascontiguousarray(p)).float() / 127.5 - 1 for p in (one, other))
    parts = zip(torch.split(first, BATCH), torch.split(second, BATCH), strict=True)
    return torch.cat([network(a, b).flatten() for a, b in parts]).double().numpy()


def diversity(network: nn.Module, covers: Pixels) -> float:
    """Mean LPIPS of each cover and the next, the last and the first; in random order these are random pairs."""
    return float(lpips(network, covers, np.roll(covers, -1, 0)).mean())


def smoothness(
    network: nn.Module,
    paint: Callable[[Tensor], Pixels],
    latent_size: int,
    *,
    paths: int,
    steps: int,
    seed: int,
) -> tuple[float, float]:
    """LPIPS of one step on paths between random latent vectors: mean, and mean over paths of the largest.

    Args:
        paint: latent vectors ``(n, latent_size)`` to covers.
        steps: of equal angle, from one latent vector to the other.
    """
    rng = torch.Generator().manual_seed(seed)
    starts, ends = torch.randn(2, paths, latent_size, generator=rng)
    angles = torch.linspace(0, torch.pi / 2, steps + 1)
    # Independent normal vectors are nearly orthogonal, so this is slerp at a constant length.
    walks = angles.cos()[:, None, None] * starts + angles.sin()[:, None, None] * ends
    covers = np.stack([paint(latents) for latents in walks])
    found = np.stack([lpips(network, a, b) for a, b in pairwise(covers)])
    return float(found.mean()), float(found.max(0).mean())
