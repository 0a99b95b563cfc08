"""VGG16 as feature extractor and its linear head: shapes, normalisation, saving and loading."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.vgg import cfgs, make_layers

from albumjudge.models.vgg16 import BLOCK_WIDTHS, VGG16EmotionClassifier, vgg16_features


@pytest.fixture(scope="module")
def network() -> VGG16EmotionClassifier:
    torch.manual_seed(1)
    return VGG16EmotionClassifier(size=32).eval()


def test_the_features_are_torchvisions_and_images_are_normalised_inside(
    network: VGG16EmotionClassifier,
) -> None:
    assert repr(vgg16_features()) == repr(make_layers(cfgs["D"]))
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    torch.testing.assert_close(network.normalise(grey), torch.zeros(1, 3, 32, 32))


@torch.no_grad()
def test_block_by_block_is_the_whole_network(network: VGG16EmotionClassifier) -> None:
    images = maps = network.normalise(torch.rand(2, 3, 32, 32))
    whole = network.features(maps)
    for number in range(1, 6):
        maps, features = network.block(number, maps)
        assert features.shape == (2, 2 * BLOCK_WIDTHS[number - 1])
        assert (features > 0).all()
        if number == 3:
            rest = network.pooled_features(maps, first=4)
    torch.testing.assert_close(maps, whole)
    torch.testing.assert_close(network.pooled_features(images)[:, -4 * 512 :], rest)


@torch.no_grad()
def test_saved_and_loaded_it_says_the_same(network: VGG16EmotionClassifier, tmp_path: Path) -> None:
    assert network(torch.rand(2, 3, 64, 48)).shape == (2, 8)
    network.save_pretrained(tmp_path)
    back = VGG16EmotionClassifier.from_pretrained(str(tmp_path)).eval()
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(back(image), network(image))
    assert back.size == 32
