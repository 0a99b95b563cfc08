"""Genres and decades of the samples that a training paints along the way."""

from __future__ import annotations

import torch
from torch import Tensor

from albumjudge.domain.conditions import DECADES, GENRES


def sample_labels(count: int) -> Tensor:
    """Int64 ``(count, 2)``: half unknown (0), then each genre and decade in turn."""
    half = count // 2
    genres = [0] * (count - half) + [1 + k % len(GENRES) for k in range(half)]
    decades = [0] * (count - half) + [1 + k // 4 % len(DECADES) for k in range(half)]
    return torch.tensor([genres, decades]).T.contiguous()
