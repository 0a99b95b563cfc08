"""The generator that paints to order: what it shares with the DCGAN and what it has on top."""

from __future__ import annotations

from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import Generator
from albumjudge.skipgan import Excitation, Residual, SkipGenerator

Network = TypeVar("Network", bound=nn.Module)


def lived_in(network: Network) -> Network:
    """Weights, conditions and batch statistics as some training might leave them, in float64."""
    chance = torch.Generator().manual_seed(1)
    for name, value in network.double().state_dict().items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=chance, dtype=torch.double)
            value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else 0.3 * drawn)
    return network.eval()


def latents(count: int, size: int = 5) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(2), dtype=torch.double)


def numbers(*labels: int) -> Tensor:
    return torch.tensor(labels)


@pytest.mark.parametrize(("size", "gates"), [(16, 0), (32, 1), (64, 2), (128, 3)])
def test_it_paints_squares_and_gates_every_map_two_steps_after_a_smaller_one(size: int, gates: int) -> None:
    generator = SkipGenerator(latent_size=5, width=2, size=size)
    covers = generator(torch.randn(3, 5), numbers(0, 1, len(GENRES)), numbers(len(DECADES), 0, 1))
    assert covers.shape == (3, 3, size, size)
    assert covers.abs().max() <= 1
    assert len(generator.gates) == gates


def test_its_layers_are_the_dcgans_but_no_wider_than_512_maps() -> None:
    with torch.device("meta"):
        generator = SkipGenerator(width=128, size=64)
    widths = [m.out_channels for m in generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert widths == [512, 512, 256, 128, 3]


@pytest.mark.parametrize("size", [0, 4, 8, 20, 100])
def test_other_sizes_are_refused_in_a_sentence(size: int) -> None:
    with pytest.raises(ValueError, match=f"paints squares of .* not {size}"):
        SkipGenerator(size=size)


def test_no_condition_means_unknown() -> None:
    generator, given = lived_in(SkipGenerator(5, 2, 32)), latents(2)
    unknown = numbers(0, 0)
    for asked in ((), (None, unknown), (unknown, None), (unknown, unknown)):
        assert torch.equal(generator(given, *asked), generator(given))


def test_genre_and_decade_each_change_the_picture_and_only_of_the_cover_they_are_asked_for() -> None:
    generator, given = lived_in(SkipGenerator(5, 2, 32)), latents(3)
    plain = generator(given)
    third = numbers(0, 3, 0)
    jazz, eighties = generator(given, third), generator(given, None, third)
    for painted in (jazz, eighties):
        assert torch.allclose(painted[[0, 2]], plain[[0, 2]], atol=1e-12)
        assert (painted[1] - plain[1]).abs().max() > 0.01
    assert (jazz[1] - eighties[1]).abs().max() > 0.01


def test_a_number_is_one_more_than_the_place_in_the_list() -> None:
    generator, given = lived_in(SkipGenerator(5, 4, 16)), latents(1)
    with torch.no_grad():
        for embedding, place in (
            (generator.genre, GENRES.index("jazz")),
            (generator.decade, DECADES.index("1970s")),
        ):
            embedding.weight.zero_()
            embedding.weight[1 + place] = 1
    plain = generator(given)
    changing = [n for n in range(len(GENRES) + 1) if not torch.equal(generator(given, numbers(n)), plain)]
    assert changing == [1 + GENRES.index("jazz")]
    changing = [
        n for n in range(len(DECADES) + 1) if not torch.equal(generator(given, None, numbers(n)), plain)
    ]
    assert changing == [1 + DECADES.index("1970s")]
    with pytest.raises(IndexError):
        generator(given, numbers(len(GENRES) + 1))
    with pytest.raises(IndexError):
        generator(given, None, numbers(len(DECADES) + 1))


def test_a_residual_is_the_identity_at_first() -> None:
    torch.manual_seed(0)
    residuals = [m for m in SkipGenerator(5, 2, 32).modules() if isinstance(m, Residual)]
    assert len(residuals) == 3
    for residual in residuals:
        convolution = residual.layers[0]
        assert isinstance(convolution, nn.Conv2d)
        maps = torch.rand(2, convolution.in_channels, 4, 4)
        assert torch.equal(residual(maps), maps)
        # It must be able to become something else.
        assert all(p.requires_grad for p in residual.parameters())
        assert convolution.weight.any()


def test_a_gate_opens_and_closes_between_none_and_double() -> None:
    torch.manual_seed(0)
    gate = Excitation(3, 7)
    for size in (4, 8):
        opened = gate(torch.randn(2, 3, size, size))
        assert opened.shape == (2, 7, 1, 1)
        assert opened.min() > 0 and opened.max() < 2
    first, second = (layer for layer in gate.layers if isinstance(layer, nn.Conv2d))
    assert first.bias is not None and second.bias is not None
    with torch.no_grad():
        second.weight.zero_()
        second.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 30.0, -30.0, 0.0, 0.0]))
    closed_form = 2 * second.bias.sigmoid()
    assert torch.allclose(gate(torch.randn(1, 3, 4, 4)).flatten(), closed_form)


def test_initial_weights_are_those_of_the_dcgan_and_labels_weigh_little() -> None:
    torch.manual_seed(0)
    generator = SkipGenerator(5, 8, 64)
    for name, module in generator.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert abs(module.weight.std() - 0.02) < 5 * 0.02 / module.weight.numel() ** 0.5, name
        if isinstance(module, Excitation):
            biases = [value for key, value in module.named_parameters() if key.endswith("bias")]
            assert len(biases) == 2 and not any(bias.any() for bias in biases), name
    for embedding in (generator.genre, generator.decade):
        assert abs(embedding.weight.std() - 0.1) < 5 * 0.1 / embedding.weight.numel() ** 0.5


def neutral(generator: SkipGenerator) -> SkipGenerator:
    """Gates that let everything through as it is, and conditions that say nothing."""
    with torch.no_grad():
        generator.genre.weight.zero_()
        generator.decade.weight.zero_()
        for gate in generator.gates:
            assert isinstance(gate, Excitation)
            for layer in gate.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.zeros_(layer.weight)
    return generator


@pytest.mark.parametrize("size", [16, 64])
def test_all_that_it_has_of_a_dcgan_it_takes_over(size: int) -> None:
    """Apart from gates and conditions, it then paints what the DCGAN paints."""
    dcgan, generator = lived_in(Generator(5, 2, size)), SkipGenerator(5, 2, size).double().eval()
    neutral(generator).begin_as(dcgan)
    given = latents(3)
    for genre, decade in ((None, None), (numbers(1, 0, 5), numbers(2, 3, 0))):
        assert torch.allclose(generator(given, genre, decade), dcgan(given), atol=1e-12)


def test_beginning_as_a_dcgan_leaves_it_as_it_was_and_shares_nothing_with_it() -> None:
    dcgan, generator = lived_in(Generator(5, 2, 16)), SkipGenerator(5, 2, 16).double()
    before = {name: value.clone() for name, value in dcgan.state_dict().items()}
    generator.begin_as(dcgan)
    lived_in(generator)
    assert all(torch.equal(value, before[name]) for name, value in dcgan.state_dict().items())
    assert all(p.requires_grad for p in generator.parameters())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Generator(4, 2, 32), "latent_size 5 cannot begin as a DCGAN with 4"),
        (Generator(5, 3, 32), "width 2 cannot begin as a DCGAN with 3"),
        (Generator(5, 2, 16), "size 32 cannot begin as a DCGAN with 16"),
    ],
)
def test_a_dcgan_of_another_shape_is_refused_and_nothing_changed(other: Generator, said: str) -> None:
    generator = SkipGenerator(5, 2, 32)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    with pytest.raises(ValueError, match=said):
        generator.begin_as(other)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_a_dcgan_with_more_maps_than_this_network_ever_has_is_refused_in_a_sentence() -> None:
    with torch.device("meta"):
        dcgan, generator = Generator(5, 200, 32), SkipGenerator(5, 200, 32)
    with pytest.raises(ValueError, match="starts with 800 feature maps, but this network with 512"):
        generator.begin_as(dcgan)


def test_a_cover_in_evaluation_mode_does_not_depend_on_its_neighbours() -> None:
    generator, given = lived_in(SkipGenerator(5, 2, 64)), latents(4)
    genre, decade = numbers(0, 3, 7, 1), numbers(2, 0, 8, 1)
    with torch.no_grad():
        together = generator(given, genre, decade)
        for i in range(4):
            alone = generator(given[i : i + 1], genre[i : i + 1], decade[i : i + 1])
            assert torch.allclose(together[i : i + 1], alone, atol=1e-12)
