"""Covers to measure: painted from seeds as the exhibit paints them, or by a network before any training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from albumjudge.domain.cover import latent
from albumjudge.inference.painter import GeneratorNetwork, paint_with, to_pixels

Pixels = NDArray[np.uint8]
BATCH = 100


@torch.inference_mode()
def paint_latents(generator: GeneratorNetwork, latents: Tensor, labels: Tensor | None = None) -> Pixels:
    """Paint from latent vectors ``(n, latent_size)``: uint8, ``(n, 3, size, size)``.

    Args:
        labels: genre and decade of each, int64, ``(n, 2)``, 0 for any, which None is for all; ignored by a
            generator without conditions.
    """
    if labels is None:
        labels = torch.zeros(len(latents), 2, dtype=torch.long)
    device = next(generator.parameters()).device
    batches = zip(torch.split(latents.to(device), BATCH), torch.split(labels.to(device), BATCH), strict=True)
    return to_pixels(torch.cat([paint_with(generator, *batch) for batch in batches])).transpose(0, 3, 1, 2)


def paint(generator: GeneratorNetwork, seeds: Sequence[int], labels: Tensor | None = None) -> Pixels:
    """Paint the covers that the exhibit shows for these seeds; see :func:`paint_latents`."""
    latents = np.stack([latent(seed, generator.latent_size) for seed in seeds])
    return paint_latents(generator, torch.from_numpy(latents).float(), labels)


def untrained(like: GeneratorNetwork, *, seed: int) -> GeneratorNetwork:
    """A generator as its training starts from: fresh weights, and batch norm by each batch's statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        settings = cast(dict[str, Any], like._hub_mixin_config)
        return type(like)(**settings).train()
