"""The perceptual loss of the autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.metrics.efficientnet import LiteFeatures


def perceptual_loss(features: LiteFeatures, ours: Tensor, theirs: Tensor) -> Tensor:
    """LPIPS (Zhang et al. 2018) without its learnt weights, over the frozen network's first three maps."""
    with torch.no_grad():
        targets = features(theirs)
    total = torch.zeros((), device=ours.device)
    for mine, target in zip(features(ours)[:3], targets[:3], strict=True):
        total = total + (normalize(mine, dim=1) - normalize(target, dim=1)).square().sum(1).mean()
    return total
