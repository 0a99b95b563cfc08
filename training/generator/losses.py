"""GAN losses on logits, where above zero means "a real cover", and a perceptual loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, normalize, softplus

from training.metrics.efficientnet import LiteFeatures


def discriminator_loss(real: Tensor, fake: Tensor, real_label: float) -> Tensor:
    """Cross-entropy (Goodfellow et al. 2014) with one-sided label smoothing (Salimans et al. 2016)."""
    return binary_cross_entropy_with_logits(
        real, torch.full_like(real, real_label)
    ) + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


def generator_loss(fake: Tensor) -> Tensor:
    """Non-saturating cross-entropy."""
    return binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Relativistic pairing loss (R3GAN, Huang et al. 2024, https://arxiv.org/abs/2501.05441).

    The critic minimises ``relativistic_loss(real, fake)``, the generator ``relativistic_loss(fake, real)``.
    """
    return softplus(worse - better).mean()


def gradient_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """Mean squared norm of the critic's gradient at pictures: R1 on real ones, R2 on painted ones."""
    (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def perceptual_loss(features: LiteFeatures, ours: Tensor, theirs: Tensor) -> Tensor:
    """LPIPS (Zhang et al. 2018) without its learnt weights, over the frozen network's first three maps."""
    with torch.no_grad():
        targets = features(theirs)
    total = torch.zeros((), device=ours.device)
    for mine, target in zip(features(ours)[:3], targets[:3], strict=True):
        total = total + (normalize(mine, dim=1) - normalize(target, dim=1)).square().sum(1).mean()
    return total
