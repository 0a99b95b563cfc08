"""The losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from training.generator.losses import fooled, hinge, hinge_fooled, smoothed


def softplus(logit: float) -> float:
    return math.log1p(math.exp(logit))


def logits(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


@pytest.mark.parametrize("label", [1.0, 0.9, 0.5])
def test_the_discriminators_cross_entropy_is_smoothed_on_its_real_side_alone(label: float) -> None:
    """Cross-entropy of a logit x with a target t is softplus(x) - t x."""
    real, fake = (2.0, -1.0, 0.5), (3.0, -4.0)
    expected = sum(softplus(x) - label * x for x in real) / 3 + sum(softplus(x) for x in fake) / 2
    assert smoothed(logits(*real), logits(*fake), label).item() == pytest.approx(expected)


def test_overconfidence_about_real_covers_costs_something_only_if_smoothed() -> None:
    fake = logits(-50.0)
    assert smoothed(logits(50.0), fake, 1.0) < 1e-12
    assert smoothed(logits(50.0), fake, 0.9).item() == pytest.approx(5.0)


def test_the_generators_cross_entropy_wants_logits_to_rise_and_does_not_saturate() -> None:
    fake = logits(3.0, -40.0).requires_grad_()
    loss = fooled(fake)
    assert loss.item() == pytest.approx((softplus(-3.0) + softplus(40.0)) / 2)
    (slope,) = torch.autograd.grad(loss, fake)
    assert slope.tolist() == pytest.approx([-0.5 / (1 + math.exp(3)), -0.5])


def test_the_hinge_asks_for_a_margin_of_one_and_for_no_more() -> None:
    assert hinge([logits(1.0, 7.0)], [logits(-1.0, -9.0)]).item() == 0
    real, fake = logits(0.25, 3.0), logits(-0.5, 2.0)
    assert hinge([real], [fake]).item() == pytest.approx((0.75 + 0) / 2 + (0.5 + 3) / 2)


def test_each_discriminator_has_the_same_say_however_many_places_it_judges() -> None:
    many, one = torch.zeros(2, 50, dtype=torch.double), logits(-3.0, -5.0)[:, None]
    fake = [many - 2, one + 6]
    # First: 1 + 0. Second: mean of 4 and 6, and mean of 1 + 3 and 1 + 1.
    assert hinge([many, one], fake).item() == pytest.approx((1 + (5 + 3)) / 2)
    assert hinge_fooled(fake).item() == pytest.approx(-(-2 + 2) / 2)
    assert hinge_fooled([many - 2, one]).item() == pytest.approx(-(-2 - 4) / 2)


def test_real_and_fake_come_from_equally_many_discriminators() -> None:
    with pytest.raises(ValueError, match="shorter"):
        hinge([logits(1.0), logits(1.0)], [logits(1.0)])
