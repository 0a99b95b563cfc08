"""Covers to sketches, and how unlike two covers are."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from albumjudge.models.autoencoder import Encoder
from tests.quick_features import QuickFeatures
from training.generator.autoencoder_loss import unlikeness
from training.metrics.efficientnet import LiteFeatures

QUICK = cast(LiteFeatures, QuickFeatures(64))


def covers_of(count: int, size: int = 64, seed: int = 0) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, 3, size, size, generator=chance) - 1


@pytest.mark.parametrize("size", [64, 128])
def test_a_sketch_is_an_eighth_as_large(size: int) -> None:
    assert Encoder(5, width=2)(covers_of(2, size)).shape == (2, 5, size // 8, size // 8)


def test_sketches_have_mean_zero_and_deviation_one_in_training_whatever_the_weights() -> None:
    torch.manual_seed(0)
    tracer, covers = Encoder(5, width=2), covers_of(4)
    plain = tracer(covers)
    with torch.no_grad():
        tracer.leave.weight.mul_(30)
        assert tracer.leave.bias is not None
        tracer.leave.bias.copy_(torch.arange(5))
    for sketches in (plain, tracer(covers)):
        assert sketches.mean((0, 2, 3)).abs().max() < 1e-4
        assert (sketches.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-2
    assert not list(tracer.level.parameters())


def test_in_use_a_sketch_is_that_of_its_cover_alone() -> None:
    torch.manual_seed(0)
    tracer, covers = Encoder(5, width=2), covers_of(4)
    tracer.level.momentum = 1.0
    in_training = tracer(covers)
    assert not torch.allclose(in_training[:1], tracer(covers[:1]), atol=1e-2)
    tracer(covers)
    tracer.eval()
    in_use = tracer(covers)
    assert torch.allclose(in_use[:1], tracer(covers[:1]), atol=1e-5)
    # What it remembers is the variance that is not biased: of 4 x 8 x 8 points.
    assert torch.allclose(in_use, in_training * (255 / 256) ** 0.5, atol=1e-3)


def test_equal_covers_are_not_unlike() -> None:
    covers = covers_of(2)
    assert unlikeness(QUICK, covers, covers.clone()).item() == 0
    assert unlikeness(QUICK, covers, covers.flip(0)).item() > 0.01


def test_unlikeness_is_the_squared_distance_of_directions_averaged_over_points_and_added_over_three_maps() -> (
    None
):
    def turned(angles: Tensor) -> Tensor:
        return torch.stack([angles.cos(), angles.sin()])[None]

    def features(pictures: Tensor) -> list[Tensor]:
        return [pictures, 3 * pictures, pictures[..., :1, :1], pictures + 100]

    chance = torch.Generator().manual_seed(0)
    lengths = 0.5 + torch.rand(2, 1, 1, 2, 2, generator=chance)
    angles = torch.tensor([[0.3, 1.0], [2.0, 3.1]])
    ours, theirs = lengths[0] * turned(0 * angles), lengths[1] * turned(angles)
    expected = 2 * (2 - 2 * angles.cos()).mean() + 2 - 2 * angles[0, 0].cos()
    found = unlikeness(cast(LiteFeatures, features), ours, theirs)
    assert found.shape == ()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_only_the_first_covers_have_slopes_and_they_lead_to_the_others() -> None:
    ours, theirs = covers_of(2, seed=0).requires_grad_(True), covers_of(2, seed=1).requires_grad_(True)
    before = unlikeness(QUICK, ours, theirs)
    before.backward()  # type: ignore[no-untyped-call]
    assert theirs.grad is None
    assert ours.grad is not None
    moved = ours.detach() - 1e-2 * ours.grad / ours.grad.abs().max()
    assert unlikeness(QUICK, moved, theirs) < before.detach()


def test_the_real_features_find_disturbed_covers_the_more_unlike_the_more_they_are() -> None:
    features = LiteFeatures(64)
    covers = covers_of(1).cumsum(2).cumsum(3).div(64).clamp(-1, 1)
    noise = torch.randn(covers.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = [unlikeness(features, covers + share * noise, covers).item() for share in (0, 0.05, 0.2)]
    assert found[0] == 0
    assert 0.01 < found[1] < found[2]
