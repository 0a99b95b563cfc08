"""Saliency finds where a feeling comes from, in a network where that is known."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.inference.saliency import DARKEST, saliency, saliency_by_juror, spotlight, windows
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from tests.checkpoint_fixtures import random_jury
from training.evaluate_saliency import cells, paint_over


@pytest.fixture(scope="module")
def network() -> VGG16EmotionClassifier:
    torch.manual_seed(0)
    return VGG16EmotionClassifier(size=64).eval().requires_grad_(False)


@torch.no_grad()
def test_the_map_is_about_the_place_that_speaks(network: VGG16EmotionClassifier) -> None:
    # Noise in one corner of a grey picture: nothing else can excite maps whose biases are zero.
    for module in network.features:
        if isinstance(module, torch.nn.Conv2d):
            assert module.bias is not None
            module.bias.zero_()
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 64, 64).clone()
    before = network.juror_probabilities(grey)[0]
    grey[:, :, 40:, 40:] = torch.rand(1, 3, 24, 24)
    risen = (network.juror_probabilities(grey)[0] - before).argmax(1)
    heat = saliency(network, grey, risen)
    assert heat.shape == (1, 64, 64) and heat.max() == 1 and heat.min() >= 0
    assert heat[0, 40:, 40:].mean() > 5 * heat[0, :24, :24].mean()


def test_windows_overlap_and_leave_no_place_out() -> None:
    hidden = windows(64, 32)
    assert hidden.shape == (25, 64, 32)
    assert hidden.sum((1, 2)).tolist() == [16 * 8] * 25
    times = hidden.sum(0)
    assert times.min() == 1 and times.max() == 4
    torch.testing.assert_close(times, times.flip(0).flip(1))


class Bright(VGG16EmotionClassifier):
    """Feels amusement where the upper left quarter is bright, anger where it is not; nothing else counts."""

    def pooled_features(self, maps: torch.Tensor, first: int = 1) -> torch.Tensor:
        return maps[:, :, :32, :32].mean((1, 2, 3))[:, None]

    def probabilities_of(self, features: torch.Tensor) -> torch.Tensor:
        place = torch.arange(8)
        return (features * ((place == 0).float() - (place == 1).float())).softmax(1)[None]


def test_what_is_hidden_without_loss_is_dark_and_what_speaks_against_it_too() -> None:
    picture = torch.full((1, 3, 64, 64), 0.2)
    picture[:, :, :16, :16] = 1.0
    for_it, against = saliency(Bright().eval(), picture.expand(2, -1, -1, -1), torch.tensor([0, 1]))
    assert for_it[:12, :12].min() == 1
    assert for_it[32:].max() == 0 and for_it[:, 32:].max() == 0
    # Of all places only the bright one speaks against anger.
    assert against[:12, :12].max() == 0 and against.max() == 1


@pytest.mark.slow
def test_each_juror_looks_for_itself_at_a_picture_that_is_read_once() -> None:
    jury = random_jury("one", "other", "third")
    image, asked = torch.rand(3, 64, 64), torch.tensor([6, 2, 6])
    together = saliency_by_juror(jury, image, asked)
    assert together.shape == (3, 64, 64)
    for juror, (heat, emotion) in enumerate(zip(together, asked, strict=True)):
        alone = saliency(jury, image[None], emotion[None], juror=juror)[0]
        torch.testing.assert_close(heat, alone, atol=1e-4, rtol=0)
    assert (together[0] - together[2]).abs().max() > 0.01


def test_the_spotlight_dims_what_does_not_matter() -> None:
    cover = Cover(CoverIdentity("dcgan-seed-1a2b3c4d", 1), np.full((64, 64, 3), 200, np.uint8))
    heat = np.zeros((64, 64), np.float32)
    heat[:32] = 1
    lit = np.asarray(Image.open(io.BytesIO(spotlight(cover, heat, 2))))
    assert lit.shape == (128, 128, 3)
    assert (lit[:64] == 200).all() and (lit[64:] == round(200 * DARKEST)).all()


def test_the_hottest_squares_are_painted_over() -> None:
    images = torch.rand(1, 3, 64, 64)
    heat = torch.zeros(1, 64, 64)
    heat[:, :16, :16] = 1
    over = paint_over(images, cells(heat), share=4 / 64)
    mean = images.mean((2, 3), keepdim=True)
    torch.testing.assert_close(over[:, :, :16, :16], mean.expand(1, 3, 16, 16))
    torch.testing.assert_close(over[:, :, 16:], images[:, :, 16:])
