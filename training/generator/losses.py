"""What discriminator and generator each try to make small, from logits: above zero means "a real cover"."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu


def smoothed(real: Tensor, fake: Tensor, real_label: float) -> Tensor:
    """The discriminator's cross-entropy (Goodfellow et al. 2014), real labels smoothed (Salimans 2016)."""
    return binary_cross_entropy_with_logits(
        real, torch.full_like(real, real_label)
    ) + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


def fooled(fake: Tensor) -> Tensor:
    """The generator's non-saturating cross-entropy."""
    return binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def hinge(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """The hinge loss (Lim & Ye 2017) of several discriminators, each with the same say; a mean over them."""
    each = [relu(1 - r).mean() + relu(1 + f).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(each).mean()


def hinge_fooled(fake: list[Tensor]) -> Tensor:
    """The generator's side of it."""
    return -torch.stack([logits.mean() for logits in fake]).mean()
