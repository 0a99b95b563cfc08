"""The DCGAN has the shapes, the initialisation and the range that the paper says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from albumjudge.models.dcgan import Discriminator, Generator


def shapes(network: nn.Module) -> list[tuple[int, int, int, int]]:
    """Channels in and out, stride and padding of each (transposed) convolution."""
    return [
        (m.in_channels, m.out_channels, m.stride[0], int(m.padding[0]))
        for m in network.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]


def test_the_networks_have_the_layers_of_the_well_known_example() -> None:
    with torch.device("meta"):
        generator = Generator()
    assert shapes(generator) == [
        (100, 512, 1, 0),
        (512, 256, 2, 1),
        (256, 128, 2, 1),
        (128, 64, 2, 1),
        (64, 3, 2, 1),
    ]
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds == ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 4 + ["ConvTranspose2d", "Tanh"]
    assert sum(p.numel() for p in generator.parameters()) == 3_576_704
    with torch.device("meta"):
        discriminator = Discriminator()
    assert shapes(discriminator) == [
        (3, 64, 2, 1),
        (64, 128, 2, 1),
        (128, 256, 2, 1),
        (256, 512, 2, 1),
        (512, 1, 1, 0),
    ]
    slopes = [m.negative_slope for m in discriminator.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.2] * 4
    # No batch norm on the first layer, as in the paper: the discriminator must see the colours as they are.
    assert [type(layer).__name__ for layer in discriminator.layers[:3]] == ["Conv2d", "LeakyReLU", "Conv2d"]
    assert sum(p.numel() for p in discriminator.parameters()) == 2_765_568


@pytest.mark.parametrize("size", [8, 32, 128])
def test_both_networks_speak_of_the_same_size(size: int) -> None:
    covers = Generator(latent_size=5, width=2, size=size)(torch.randn(3, 5))
    assert covers.shape == (3, 3, size, size)
    assert covers.abs().max() <= 1
    assert Discriminator(width=2, size=size)(covers).shape == (3,)


@pytest.mark.parametrize("size", [-64, 0, 4, 7, 48, 65, 100])
def test_other_sizes_are_refused_in_a_sentence(size: int) -> None:
    for network in (Generator, Discriminator):
        with pytest.raises(ValueError, match=f"A DCGAN paints squares of 8, 16, .* not {size}"):
            network(size=size)


def test_initial_weights_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    for network in (Generator(width=16), Discriminator(width=16)):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                assert module.bias is None
                error = 0.02 / module.weight.numel() ** 0.5
                assert abs(module.weight.mean()) < 5 * error
                assert abs(module.weight.std() - 0.02) < 5 * error
            elif isinstance(module, nn.BatchNorm2d):
                assert abs(module.weight.mean() - 1) < 5 * 0.02 / module.num_features**0.5
                assert not module.bias.any()


def test_a_cover_in_evaluation_mode_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    generator = Generator(latent_size=5, width=2, size=16).double().eval()
    latents = torch.randn(4, 5, dtype=torch.double)
    with torch.no_grad():
        assert torch.allclose(generator(latents)[2:3], generator(latents[2:3]), atol=1e-12)
