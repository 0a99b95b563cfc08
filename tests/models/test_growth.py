"""A DCGAN's layers and latent directions, held against forward hooks and against what is seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from albumjudge.domain.cover import CoverIdentity, CoverLinkError
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import GUESTS
from albumjudge.inference.growth import PROPERTIES, directions, grow, properties
from albumjudge.inference.loading import open_painters
from albumjudge.inference.painter import Painter, to_pixels
from albumjudge.models.dcgan import Generator
from tests.pages_fixtures import *  # noqa: F403

REVISION = "dcgan-test-1a2b3c4d"
COVER = CoverIdentity(REVISION, 7)


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(1)
    return Painter(Generator(latent_size=8, width=4), REVISION)


def test_layers_are_what_forward_hooks_see(painter: Painter) -> None:
    network = painter.network
    assert isinstance(network, Generator)
    seen: list[Tensor] = []
    hooks = [
        module.register_forward_hook(lambda *given: seen.append(given[2][0].clone()))
        for module in network.layers
        if isinstance(module, nn.ReLU)
    ]
    (cover,) = painter.paint_each([COVER])
    for hook in hooks:
        hook.remove()
    grown = grow(network, COVER, most=3)
    assert np.array_equal(grown.cover.pixels, cover.pixels) and grown.cover.identity == COVER
    assert [(layer.side, layer.channels) for layer in grown.layers] == [(4, 32), (8, 16), (16, 8), (32, 4)]
    for layer, activations in zip(grown.layers, seen, strict=True):
        means = activations.mean((1, 2))
        strongest = activations[means.argsort(descending=True)[:3]].numpy()
        expected = 255 * strongest / strongest.max((1, 2), keepdims=True)
        assert layer.pictures.dtype == np.uint8 and np.abs(layer.pictures - expected).max() <= 0.51


def test_directions_are_orthonormal_and_the_same_each_time(painter: Painter) -> None:
    network = painter.network
    assert isinstance(network, Generator)
    found = directions(network)
    assert np.allclose(found @ found.T, np.eye(len(PROPERTIES)))
    directions.cache_clear()
    assert np.array_equal(directions(network), found)


def test_properties_are_those_of_pictures_that_have_them() -> None:
    flat = np.full((64, 64, 3), 100, np.uint8)
    pictures = np.stack([flat] * 7)
    pictures[1] += 50
    pictures[2, ..., 0] += 50
    pictures[3, ::2] += 50
    pictures[4, :32] += 50
    pictures[5, :, 32:] += 50
    pictures[6, 16:48, 16:48] += 50
    more = properties(pictures[1:]) - properties(flat[None])
    assert np.all(np.diagonal(more) > 0.05)
    assert [name for name, value in zip(PROPERTIES[2:], more[0, 2:], strict=True) if abs(value) > 1e-9] == []


def test_each_knob_of_the_bundled_dcgan_turns_what_it_is_named_after() -> None:
    network = open_painters(GUESTS[:1])[0].network
    assert isinstance(network, Generator)
    fresh = np.random.default_rng(7).standard_normal((40, network.latent_size))
    with torch.inference_mode():

        def measured(latents: NDArray[np.float64]) -> NDArray[np.float64]:
            return properties(to_pixels(network(torch.from_numpy(latents).float())))

        spread = measured(fresh).std(0)
        for knob, direction in enumerate(directions(network)):
            change = (measured(fresh + 4 * direction) - measured(fresh - 4 * direction)) / spread
            assert (change[:, knob] > 0).mean() >= 0.9, PROPERTIES[knob]
            assert np.abs(change.mean(0)).argmax() == knob, PROPERTIES[knob]


def test_knobs_lead_to_covers_with_links_of_their_own(exhibit: Exhibit) -> None:
    painter = exhibit.dcgan
    assert painter is not None
    start = CoverIdentity(painter.revision, 7)
    assert exhibit.turn(start, [0, 0, 0]) == start
    turned = exhibit.turn(start, [2, 0, 0])
    assert turned == CoverIdentity.parse(str(turned)) != start
    assert np.array_equal(exhibit.grow(turned).cover.pixels, painter.paint_each([turned])[0].pixels)
    other = CoverIdentity(exhibit.painters[1].revision, 7)
    for refused in (lambda: exhibit.grow(other), lambda: exhibit.turn(other, [1])):
        with pytest.raises(CoverLinkError, match="No DCGAN here painted"):
            refused()
