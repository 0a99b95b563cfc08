"""LPIPS, against torchmetrics' own with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchmetrics.functional.image.lpips import _LPIPS
from torchvision.models.vgg import cfgs, make_layers

from training.data.covers import DataError
from training.metrics import lpips as perceptual
from training.metrics.lpips import DEPTHS, Perceptual, fitted_weights


@pytest.fixture(scope="module")
def trunk() -> nn.Sequential:
    """VGG16's convolutions with weights by chance: LPIPS does not care what they were trained for."""
    torch.manual_seed(0)
    layers: nn.Sequential = make_layers(cfgs["D"], batch_norm=False)
    return layers.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def ours(trunk: nn.Sequential) -> Perceptual:
    return Perceptual(trunk, fitted_weights())


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32)).astype(np.uint8))


def test_it_is_the_lpips_of_torchmetrics(trunk: nn.Sequential, ours: Perceptual) -> None:
    theirs = _LPIPS(pretrained=True, net="vgg", pnet_rand=True)
    own = [m for m in trunk if isinstance(m, nn.Conv2d)]
    convolutions = [m for m in theirs.net.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == len(own) == 13
    for to, given in zip(convolutions, own, strict=True):
        to.load_state_dict(given.state_dict())
    one, other = pictures(3), pictures(3, seed=1)
    with torch.inference_mode():
        expected = theirs(one / 255, other / 255, normalize=True).flatten()
    found = ours.between(ours(one), ours(other))
    assert expected.min() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_a_picture_does_not_differ_from_itself(ours: Perceptual) -> None:
    one = pictures(2)
    assert ours.between(ours(one), ours(one)).tolist() == [0, 0]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 9])
def test_the_ring_goes_round_once(ours: Perceptual, batch: int) -> None:
    several = pictures(5)
    expected = ours.between(ours(several), ours(several.roll(-1, 0)))
    torch.testing.assert_close(ours.ring(several, batch), expected, rtol=1e-4, atol=1e-7)


def test_the_fitted_weights_are_those_of_the_five_depths() -> None:
    weights = fitted_weights()
    assert [len(w) for w in weights] == [64, 128, 256, 512, 512]
    assert len(DEPTHS) == 5 and all(w.min() >= 0 for w in weights)


def test_missing_weights_are_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(perceptual, "files", lambda _: tmp_path_factory.mktemp("empty"))
    with pytest.raises(DataError, match=r"weights of LPIPS .* Install requirements-dev\.txt"):
        fitted_weights()
