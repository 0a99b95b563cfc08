"""The generator whose every layer hears latents and orders: what it shares with the DCGAN, what it has on top."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from albumjudge.checkpoints import load_generator, read_checkpoint
from albumjudge.conditions import DECADES, GENRES
from albumjudge.covers import CoverIdentity, Painter
from albumjudge.dcgan import Generator
from albumjudge.styled import PERIOD, StyledGenerator, StyledNorm, weave_filter
from tests.test_skipgan import latents, lived_in, numbers
from training.runs import save_checkpoint


@pytest.mark.parametrize("size", [8, 16, 64, 128])
def test_it_paints_squares(size: int) -> None:
    generator = StyledGenerator(latent_size=5, width=2, size=size)
    covers = generator(torch.randn(3, 5), numbers(0, 1, len(GENRES)), numbers(len(DECADES), 0, 1))
    assert covers.shape == (3, 3, size, size)
    assert covers.abs().max() <= 1


@pytest.mark.parametrize("size", [0, 4, 20, 100])
def test_other_sizes_are_refused_in_a_sentence(size: int) -> None:
    with pytest.raises(ValueError, match=f"paints squares of .* not {size}"):
        StyledGenerator(size=size)


def test_a_plain_style_is_a_plain_batch_norm_and_relu() -> None:
    norm = StyledNorm(3, 4).double()
    nn.init.zeros_(norm.gains.weight)
    nn.init.zeros_(norm.gains.bias)
    maps, style = torch.randn(5, 3, 2, 2, dtype=torch.double), torch.randn(5, 4, dtype=torch.double)
    expected = nn.BatchNorm2d(3).double()(maps).relu()
    assert torch.allclose(norm(maps, style), expected, atol=1e-12)


def test_gains_multiply_and_offsets_are_added_after_the_norm() -> None:
    norm = StyledNorm(2, 1).double().eval()
    with torch.no_grad():
        norm.gains.weight.copy_(torch.tensor([[1.0], [0.0], [0.0], [3.0]]))
        norm.gains.bias.zero_()
    maps = torch.ones(1, 2, 1, 1, dtype=torch.double)
    styled = norm(maps, torch.full((1, 1), 2.0, dtype=torch.double)).flatten()
    # The first channel times 1 + 2, the second plus 3 x 2; running statistics are those of a standard normal.
    assert styled.tolist() == pytest.approx([3 / (1 + 1e-5) ** 0.5, 1 / (1 + 1e-5) ** 0.5 + 6])


@pytest.mark.parametrize("size", [8, 64])
def test_begun_as_a_dcgan_it_paints_what_that_painted(size: int) -> None:
    dcgan, generator = lived_in(Generator(5, 4, size)), StyledGenerator(5, 4, size).double().eval()
    generator.begin_as(dcgan)
    with torch.no_grad():
        for embedding in (generator.genre, generator.decade):
            embedding.weight.zero_()
        generator.unweave.zero_()[:, :, generator.unweave.shape[2] // 2, generator.unweave.shape[3] // 2] = 1
        given = latents(4)
        assert torch.allclose(generator(given), dcgan(given), atol=1e-12)


def test_begun_as_a_dcgan_an_order_moves_the_picture_a_little() -> None:
    dcgan, generator = lived_in(Generator(5, 2, 16)), StyledGenerator(5, 2, 16).double().eval()
    generator.begin_as(dcgan)
    given = latents(3)
    plain, asked = generator(given), generator(given, numbers(1, 2, 3))
    assert 0 < (plain - asked).abs().max() < 0.5


def test_the_filter_takes_out_a_grid_and_leaves_flat_places_alone() -> None:
    kernel = weave_filter(strength=1)
    assert kernel.sum().item() == pytest.approx(1)
    chance = torch.Generator().manual_seed(0)
    tile = torch.randn(PERIOD, PERIOD, generator=chance, dtype=torch.double)
    tile -= tile.mean()
    grid = tile.repeat(16, 16)[None, None]
    left = conv2d(grid, kernel[None, None])
    assert left.abs().max() < 0.05 * grid.abs().max()
    assert torch.allclose(conv2d(grid + 0.7, kernel[None, None]) - left, torch.tensor(0.7).double())
    half = conv2d(grid, weave_filter(strength=0.5)[None, None])
    border = kernel.shape[0] // 2
    assert torch.allclose(half, (left + grid[..., border:-border, border:-border]) / 2)


def test_the_filter_hardly_touches_a_single_stroke() -> None:
    stroke = torch.zeros(1, 1, 64, 64, dtype=torch.double)
    stroke[:, :, 32:34, 20:45] = 1
    border = weave_filter().shape[0] // 2
    left = conv2d(pad(stroke, (border,) * 4), weave_filter(strength=1)[None, None])
    assert (left - stroke).abs().max() < 0.3
    assert (left - stroke).square().mean() < 0.1 * stroke.square().mean()


def test_the_grid_is_taken_out_in_use_and_not_in_training() -> None:
    generator = lived_in(StyledGenerator(5, 2, 32))
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    given = latents(1)
    used = generator(given)
    generator.unweave.zero_()[:, :, 12, 12] = 1
    plain = generator(given)
    border = weave_filter().shape[0] // 2
    mirrored = pad(plain, (border,) * 4, mode="reflect")
    expected = conv2d(mirrored, weave_filter().expand(3, 1, -1, -1), groups=3).clamp(-1, 1)
    assert torch.allclose(used, expected, atol=1e-6)
    assert "unweave" not in generator.state_dict()


def test_a_dcgan_of_another_shape_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="width 3 cannot begin as a DCGAN with 2"):
        StyledGenerator(5, 3, 16).begin_as(Generator(5, 2, 16))


def test_every_layer_hears_the_latents_and_the_order() -> None:
    """Also where the first layer is deaf: styles alone carry both to the picture."""
    generator = lived_in(StyledGenerator(5, 2, 32))
    with torch.no_grad():
        generator.first.weight.zero_()

    def differ(one: Tensor, other: Tensor) -> bool:
        return bool((one - other).abs().max() > 1e-3)

    given = latents(2)
    assert differ(generator(given), generator(given.flip(0)))
    assert differ(generator(given), generator(given, numbers(1, 1)))
    assert differ(generator(given), generator(given, None, numbers(1, 1)))
    for norm in [*generator.norms, generator.finer_norm]:
        assert isinstance(norm, StyledNorm)
        kept = norm.gains.weight.detach().clone()
        with torch.no_grad():
            norm.gains.weight.zero_()
        deaf = generator(given)
        with torch.no_grad():
            norm.gains.weight.copy_(kept)
        assert differ(generator(given), deaf)


def test_no_condition_means_unknown() -> None:
    generator, given = lived_in(StyledGenerator(5, 2, 16)), latents(2)
    unknown = numbers(0, 0)
    for asked in ((), (None, unknown), (unknown, None), (unknown, unknown)):
        assert torch.equal(generator(given, *asked), generator(given))


def test_its_checkpoint_paints_to_order_in_the_exhibit(tmp_path: Path) -> None:
    network = lived_in(StyledGenerator(5, 2, 16)).float()
    save_checkpoint(
        network, tmp_path, {"kind": "generator", "network": "StyledGenerator", "name": "styled-16"}
    )
    checkpoint = read_checkpoint(tmp_path, "generator")
    painter = Painter(load_generator(checkpoint), checkpoint.revision)
    assert painter.to_order
    plain = CoverIdentity(painter.revision, 7)
    jazz = CoverIdentity(painter.revision, 7, genre="jazz", decade="1970s")
    one, other = painter.paint_each([plain, jazz])
    assert not (one.pixels == other.pixels).all()
    assert (painter.paint_each([jazz])[0].pixels == other.pixels).all()
