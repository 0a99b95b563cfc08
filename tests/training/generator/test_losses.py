"""The losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from training.generator.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    relativistic_loss,
)


def softplus(logit: float) -> float:
    return math.log1p(math.exp(logit))


def logits(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


@pytest.mark.parametrize("label", [1.0, 0.9, 0.5])
def test_the_discriminators_cross_entropy_is_smoothed_on_its_real_side_alone(label: float) -> None:
    """Cross-entropy of a logit x with a target t is softplus(x) - t x."""
    real, fake = (2.0, -1.0, 0.5), (3.0, -4.0)
    expected = sum(softplus(x) - label * x for x in real) / 3 + sum(softplus(x) for x in fake) / 2
    assert discriminator_loss(logits(*real), logits(*fake), label).item() == pytest.approx(expected)


def test_the_generators_loss_the_relativistic_one_and_the_penalty_have_closed_forms() -> None:
    fake = logits(3.0, -40.0).requires_grad_()
    loss = generator_loss(fake)
    assert loss.item() == pytest.approx((softplus(-3.0) + softplus(40.0)) / 2)
    (gradient,) = torch.autograd.grad(loss, fake)
    assert gradient.tolist() == pytest.approx([-0.5 / (1 + math.exp(3)), -0.5])
    real, fake = logits(2.0, -1.0), logits(0.5, 3.0)
    expected = (softplus(-1.5) + softplus(4.0)) / 2
    assert relativistic_loss(real, fake).item() == pytest.approx(expected)
    assert relativistic_loss(real + 7, fake + 7).item() == pytest.approx(expected)
    pictures = torch.randn(3, 3, 2, 2, dtype=torch.double, requires_grad=True)
    weights = torch.randn(3, 2, 2, dtype=torch.double, requires_grad=True)
    penalty = gradient_penalty((pictures * weights).sum((1, 2, 3)), pictures)
    assert penalty.item() == pytest.approx(weights.square().sum().item())
    (gradient,) = torch.autograd.grad(penalty, weights)
    assert torch.allclose(gradient, 2 * weights)
