"""The painter in two steps: what its parts do, that every layer hears the order, and its way into the exhibit."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from albumjudge.checkpoints import load_generator, read_checkpoint
from albumjudge.conditions import DECADES, GENRES
from albumjudge.covers import CoverIdentity, Painter
from albumjudge.sketched import GRAIN, SLOPE, Inker, Rework, Sketcher, SketchGenerator
from albumjudge.styled import StyledNorm
from tests.test_skipgan import latents, lived_in, numbers
from training.runs import save_checkpoint


def tiny(size: int = 64) -> SketchGenerator:
    return SketchGenerator(latent_size=5, width=2, size=size, depth=3, ink=2)


def differ(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-3)


@pytest.mark.parametrize("size", [64, 128])
def test_it_paints_squares_from_sketches_an_eighth_as_large(size: int) -> None:
    generator = tiny(size)
    given = torch.randn(3, 5), numbers(0, 1, len(GENRES)), numbers(len(DECADES), 0, 1)
    sketches = generator.sketcher(*given)
    assert sketches.shape == (3, 3, size // GRAIN, size // GRAIN)
    covers = generator(*given)
    assert torch.equal(covers, generator.inker(sketches))
    assert covers.shape == (3, 3, size, size)
    assert covers.abs().max() <= 1


@pytest.mark.parametrize("size", [0, 8, 32, 68, 96, 100])
def test_other_sizes_are_refused_in_a_sentence(size: int) -> None:
    with pytest.raises(ValueError, match=r"paints squares of .* not \d+\."):
        SketchGenerator(size=size)


@pytest.mark.parametrize("side", [0, 4, 12, 20])
def test_sketches_of_other_sides_are_refused_in_a_sentence(side: int) -> None:
    with pytest.raises(ValueError, match=rf"paints squares of .* not {side}\."):
        Sketcher(side=side)


def test_a_rework_adds_nothing_at_first_and_learns_all_the_same() -> None:
    rework, maps = Rework(3), torch.randn(2, 3, 5, 5)
    reworked = rework(maps)
    assert torch.equal(reworked, maps)
    reworked.square().sum().backward()
    assert rework.second.weight.grad is not None
    assert rework.second.weight.grad.abs().max() > 0


def test_a_rework_adds_what_its_two_convolutions_say() -> None:
    rework, maps = Rework(3).double(), torch.randn(2, 3, 5, 5, dtype=torch.double)
    with torch.no_grad():
        for layer, gain in ((rework.first, 2.0), (rework.second, 3.0)):
            layer.weight.zero_()
            layer.weight[range(3), range(3), 1, 1] = gain
    assert torch.allclose(rework(maps), maps + 3 * leaky_relu(2 * maps, SLOPE), atol=1e-12)


def test_a_inker_has_three_and_two_times_as_many_maps_where_they_are_smaller() -> None:
    with torch.device("meta"):
        inker = Inker(depth=12, width=64)
    assert [layer.in_channels for layer in inker.enlarge if isinstance(layer, nn.ConvTranspose2d)] == [
        192,
        128,
        64,
    ]
    assert inker.enter.in_channels == 12
    assert inker.leave.in_channels == 32


def test_a_inker_paints_alike_wherever_it_stands_in_the_batch() -> None:
    """There is no batch norm in it: a cover is that of its sketch alone, in training, too."""
    inker = lived_in(Inker(3, 2)).train()
    sketches = latents(3, 3 * 8 * 8).view(3, 3, 8, 8)
    alone = torch.cat([inker(sketch[None]) for sketch in sketches])
    assert torch.allclose(inker(sketches), alone, atol=1e-12)
    assert differ(alone[0], alone[1])


def test_latents_genre_and_decade_each_change_the_cover() -> None:
    generator, given = lived_in(tiny()), latents(2)
    plain = generator(given)
    assert differ(plain, generator(given.flip(0)))
    for label in range(1, len(GENRES) + 1):
        assert differ(plain, generator(given, numbers(label, label)))
    for label in range(1, len(DECADES) + 1):
        assert differ(plain, generator(given, None, numbers(label, label)))
    assert differ(generator(given, numbers(1, 1)), generator(given, None, numbers(1, 1)))


def test_every_layer_of_the_sketcher_hears_the_latents_and_the_order() -> None:
    """Also where the first layer is deaf: styles alone carry both to the sketch."""
    sketcher, unknown = lived_in(Sketcher(5, 2, 3, 16)), numbers(0, 0)
    with torch.no_grad():
        sketcher.first.weight.zero_()
    given = latents(2)
    plain = sketcher(given, unknown, unknown)
    assert differ(plain, sketcher(given.flip(0), unknown, unknown))
    assert differ(plain, sketcher(given, numbers(1, 1), unknown))
    assert differ(plain, sketcher(given, unknown, numbers(1, 1)))
    norms = [*sketcher.before, *sketcher.after]
    assert len(norms) == 2 * 3
    for norm in norms:
        assert isinstance(norm, StyledNorm)
        kept = norm.gains.weight.detach().clone()
        with torch.no_grad():
            norm.gains.weight.zero_()
        deaf = sketcher(given, unknown, unknown)
        with torch.no_grad():
            norm.gains.weight.copy_(kept)
        assert differ(plain, deaf)


def test_no_condition_means_unknown() -> None:
    generator, given = lived_in(tiny()), latents(2)
    unknown = numbers(0, 0)
    for asked in ((), (None, unknown), (unknown, None), (unknown, unknown)):
        assert torch.equal(generator(given, *asked), generator(given))


def kept_in(folder: Path) -> SketchGenerator:
    """A generator that has some training behind it, and whose checkpoint lies in a folder."""
    network = lived_in(tiny()).float()
    record: dict[str, object] = {
        "kind": "generator",
        "network": "SketchGenerator",
        "name": "sketched-64",
    }
    save_checkpoint(network, folder, record)
    return network


def test_its_checkpoint_gives_it_back(tmp_path: Path) -> None:
    network = kept_in(tmp_path)
    checkpoint = read_checkpoint(tmp_path, "generator")
    assert checkpoint.network == "SketchGenerator"
    assert checkpoint.config == {"latent_size": 5, "width": 2, "size": 64, "depth": 3, "ink": 2}
    loaded = load_generator(checkpoint)
    assert isinstance(loaded, SketchGenerator)
    assert not loaded.training
    expected, found = deepcopy(network).half().float().state_dict(), loaded.state_dict()
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_its_checkpoint_paints_to_order_in_the_exhibit_the_same_pixels_alone_or_in_a_batch(
    tmp_path: Path,
) -> None:
    kept_in(tmp_path)
    checkpoint = read_checkpoint(tmp_path, "generator")
    painter = Painter(load_generator(checkpoint), checkpoint.revision)
    assert painter.to_order
    asked = [
        CoverIdentity(painter.revision, 7),
        CoverIdentity(painter.revision, 7, genre="jazz"),
        CoverIdentity(painter.revision, 7, decade="1970s"),
        CoverIdentity(painter.revision, 8, genre="jazz", decade="1970s"),
    ]
    together = [cover.pixels for cover in painter.paint_each(asked)]
    for identity, pixels in zip(asked, together, strict=True):
        assert pixels.shape == (64, 64, 3)
        assert (painter.paint_each([identity])[0].pixels == pixels).all()
    for k, pixels in enumerate(together):
        assert all((pixels != other).any() for other in together[:k])
