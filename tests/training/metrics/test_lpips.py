"""LPIPS on our VGG16, against the published one's own formula on the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from tests.quick_features import SquaredDifference
from training.metrics.imagenet import DEVIATION, MEAN
from training.metrics.lpips import diversity, lpips, lpips_network, smoothness


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32)).astype(np.uint8)


@pytest.mark.slow
def test_it_compares_the_maps_of_the_trunk_that_it_was_given() -> None:
    torch.manual_seed(0)
    trunk = make_layers(cfgs["D"], batch_norm=False).eval()
    network = lpips_network(trunk)
    one, other = pictures(3), pictures(3, 1)
    expected = torch.zeros(3)
    maps = [(torch.from_numpy(p) / 255 - torch.tensor(MEAN).view(3, 1, 1)) for p in (one, other)]
    maps = [m / torch.tensor(DEVIATION).view(3, 1, 1) for m in maps]
    weights = [getattr(network, f"lin{k}").model[1].weight for k in range(5)]
    with torch.inference_mode():
        for start, end, weight in zip((0, 4, 9, 16, 23), (4, 9, 16, 23, 30), weights, strict=True):
            maps = [trunk[start:end](m) for m in maps]
            a, b = (m / (m.square().sum(1, keepdim=True) + 1e-8).sqrt() for m in maps)
            expected += nn.functional.conv2d((a - b).square(), weight).mean((1, 2, 3))
    assert expected.min() > 1e-3
    np.testing.assert_allclose(lpips(network, one, other), expected.numpy(), rtol=2e-2)
    assert lpips(network, one, one) == pytest.approx(0)


def test_diversity_compares_each_with_the_next_and_the_last_with_the_first() -> None:
    levels = np.array([0, 255, 0, 0], np.uint8)
    covers = np.broadcast_to(levels[:, None, None, None], (4, 3, 8, 8)).copy()
    assert diversity(SquaredDifference(), covers) == 4 * 0.5


def test_a_smooth_painter_takes_equal_steps_and_a_jumpy_one_does_not() -> None:
    def smooth(latents: Tensor) -> NDArray[np.uint8]:
        level = (128 + 20 * latents[:, :1, None, None]).clamp(0, 255).numpy().astype(np.uint8)
        return np.broadcast_to(level, (len(level), 3, 8, 8))

    def jumpy(latents: Tensor) -> NDArray[np.uint8]:
        return np.where(smooth(latents) > 128, 255, 0).astype(np.uint8)

    options = {"paths": 30, "steps": 10, "seed": 0}
    mean, largest = smoothness(SquaredDifference(), smooth, 4, **options)
    assert 0 < mean < largest < 5 * mean
    mean, largest = smoothness(SquaredDifference(), jumpy, 4, **options)
    assert largest > 5 * mean
