"""A DCGAN's layers and latent directions, held against forward hooks and against plain linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from albumjudge.domain.cover import CoverIdentity, CoverLinkError
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.growth import directions, grow
from albumjudge.inference.painter import Painter
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


def test_directions_move_the_first_layer_most(painter: Painter) -> None:
    network = painter.network
    assert isinstance(network, Generator)
    found = directions(network, 8)
    assert np.allclose(found @ found.T, np.eye(8))
    weights = network.state_dict()["layers.0.weight"].double().flatten(1)
    moved = torch.linalg.vector_norm(torch.from_numpy(found) @ weights, dim=1).numpy()
    assert np.all(np.diff(moved) <= 1e-9)
    assert np.allclose(moved, torch.linalg.svdvals(weights).numpy())
    assert np.all(found.max(axis=1) >= -found.min(axis=1))


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
