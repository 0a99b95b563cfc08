"""The painter in two steps: what its parts do, that every layer hears the order, and its way into the exhibit."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.painter import Painter
from albumjudge.models.flow import (
    CALM,
    GRAIN,
    SLOPE,
    TOLD,
    ConditionalResidualBlock,
    Decoder,
    FlowGenerator,
    FourierExpansion,
    ResidualBlock,
    SelfAttention,
    VelocityUNet,
)
from tests.test_skipgan import latents, lived_in, numbers
from training.engine.state import save_checkpoint


def tiny(size: int = 64) -> FlowGenerator:
    return FlowGenerator(latent_size=5, depth=3, width=8, size=size, ink=2, steps=3, novice=8)


def differ(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-3)


@pytest.mark.parametrize("size", [64, 128])
def test_it_paints_squares_from_sketches_an_eighth_as_large(size: int) -> None:
    generator = tiny(size)
    given = torch.randn(3, 5), numbers(0, 1, len(GENRES)), numbers(len(DECADES), 0, 1)
    sketches = generator.sketch(*given)
    assert sketches.shape == (3, 3, size // GRAIN, size // GRAIN)
    covers = generator(*given)
    assert torch.equal(covers, generator.inker(sketches))
    assert covers.shape == (3, 3, size, size)
    assert covers.abs().max() <= 1


@pytest.mark.parametrize("size", [0, 8, 32, 68, 96, 100])
def test_other_sizes_are_refused_in_a_sentence(size: int) -> None:
    with pytest.raises(ValueError, match=r"paints squares of .* not \d+\."):
        FlowGenerator(size=size)


@pytest.mark.parametrize(("width", "side"), [(8, 0), (8, 7), (0, 8), (12, 8)])
def test_sketchers_of_other_shapes_are_refused_in_a_sentence(width: int, side: int) -> None:
    with pytest.raises(ValueError, match=rf"needs an even side .* not {side} and {width}\."):
        VelocityUNet(3, width, side)


def test_no_step_at_all_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"takes at least one step, not 0\."):
        FlowGenerator(steps=0)


def test_a_rework_adds_nothing_at_first_and_learns_all_the_same() -> None:
    rework, maps = ResidualBlock(3), torch.randn(2, 3, 5, 5)
    reworked = rework(maps)
    assert torch.equal(reworked, maps)
    reworked.square().sum().backward()
    assert rework.second.weight.grad is not None
    assert rework.second.weight.grad.abs().max() > 0


def test_a_rework_adds_what_its_two_convolutions_say() -> None:
    rework, maps = ResidualBlock(3).double(), torch.randn(2, 3, 5, 5, dtype=torch.double)
    with torch.no_grad():
        for layer, gain in ((rework.first, 2.0), (rework.second, 3.0)):
            layer.weight.zero_()
            layer.weight[range(3), range(3), 1, 1] = gain
    assert torch.allclose(rework(maps), maps + 3 * leaky_relu(2 * maps, SLOPE), atol=1e-12)


def test_a_inker_has_three_and_two_times_as_many_maps_where_they_are_smaller() -> None:
    with torch.device("meta"):
        inker = Decoder(depth=12, width=64)
    assert [layer.in_channels for layer in inker.enlarge if isinstance(layer, nn.ConvTranspose2d)] == [
        192,
        128,
        64,
    ]
    assert inker.enter.in_channels == 12
    assert inker.leave.in_channels == 32


def test_a_inker_paints_alike_wherever_it_stands_in_the_batch() -> None:
    """There is no batch norm in it: a cover is that of its sketch alone, in training, too."""
    inker = lived_in(Decoder(3, 2)).train()
    sketches = latents(3, 3 * 8 * 8).view(3, 3, 8, 8)
    alone = torch.cat([inker(sketch[None]) for sketch in sketches])
    assert torch.allclose(inker(sketches), alone, atol=1e-12)
    assert differ(alone[0], alone[1])


def test_latents_genre_and_decade_each_change_the_cover() -> None:
    generator = lived_in(tiny())
    given = latents(2)
    plain = generator(given)
    assert differ(plain, generator(given.flip(0)))
    for label in range(1, len(GENRES) + 1):
        assert differ(plain, generator(given, numbers(label, label)))
    for label in range(1, len(DECADES) + 1):
        assert differ(plain, generator(given, None, numbers(label, label)))
    assert differ(generator(given, numbers(1, 1)), generator(given, None, numbers(1, 1)))


def test_what_hears_moment_and_order_adds_nothing_at_first_and_both_count_afterwards() -> None:
    torch.manual_seed(0)
    rework, maps = ConditionalResidualBlock(8, 8).double(), torch.randn(2, 8, 4, 4, dtype=torch.double)
    told = torch.randn(2, TOLD, dtype=torch.double)
    assert torch.equal(rework(maps, told), maps)
    rework = lived_in(ConditionalResidualBlock(8, 16))
    assert rework(maps, told).shape == (2, 16, 4, 4)
    assert differ(rework(maps, told), rework(maps, told.flip(0)))
    assert differ(rework(maps, told), rework(maps.flip(0), told))


def test_who_looks_around_sees_as_attention_of_the_library_does() -> None:
    """Against :class:`torch.nn.MultiheadAttention` with the same weights."""
    around, maps = lived_in(SelfAttention(16)), torch.randn(2, 16, 3, 5, dtype=torch.double)
    library = nn.MultiheadAttention(16, 4, batch_first=True).double()
    with torch.no_grad():
        for mine, theirs in ((around.ask, "in_proj"), (around.leave, "out_proj")):
            holder = library if theirs == "in_proj" else library.out_proj
            prefix = "in_proj_" if theirs == "in_proj" else ""
            getattr(holder, f"{prefix}weight").copy_(mine.weight[:, :, 0, 0])
            getattr(holder, f"{prefix}bias").copy_(mine.bias)
    tokens = around.before(maps).flatten(2).transpose(1, 2)
    heard, _ = library(tokens, tokens, tokens)
    expected = maps + heard.transpose(1, 2).reshape(maps.shape)
    assert torch.allclose(around(maps), expected, atol=1e-10)


def test_moments_change_the_way() -> None:
    sketcher, unknown = lived_in(VelocityUNet(3, 8, 8)), numbers(0, 0)
    sketches = torch.randn(2, 3, 8, 8, dtype=torch.double)
    early, late = (
        sketcher(sketches, torch.full((2,), moment, dtype=torch.double), unknown, unknown)
        for moment in (0.1, 0.11)
    )
    assert differ(early, late)


def unfolding_of(latent_size: int = 20, noise_size: int = 60) -> FourierExpansion:
    return FourierExpansion(latent_size, noise_size).double()


def test_unfolded_noise_is_normal_in_every_direction() -> None:
    """Mean 0, covariance the identity, kurtosis of a normal, of 20,000 latent vectors."""
    noise = unfolding_of()(latents(20_000, 20))
    assert noise.shape == (20_000, 60)
    assert noise.mean(0).abs().max() < 0.1
    covariance = torch.cov(noise.T)
    # Waves that happen to be alike go together a little.
    assert (covariance - torch.eye(60)).abs().max() < 0.15
    kurtosis = (noise - noise.mean(0)).pow(4).mean(0) / noise.var(0).square()
    assert kurtosis.sub(3).abs().max() < 0.5


def test_the_first_directions_take_the_latent_vector_as_it_is() -> None:
    """If it is of the usual length."""
    unfolding, given = unfolding_of(), latents(4, 20)
    given = given * (20**0.5 / given.norm(dim=1, keepdim=True))
    rows = torch.randn(500, 60, generator=torch.Generator().manual_seed(3)) * torch.linspace(1, 3, 60)
    unfolding.face(rows + 7)
    found = unfolding(given) @ unfolding.directions
    assert torch.allclose(found[:, :20], given, atol=1e-6)
    assert torch.allclose(unfolding.directions.T @ unfolding.directions, torch.eye(60).double(), atol=1e-5)
    # They are those in which the rows vary most, the greatest first.
    lengths = torch.linalg.svdvals((rows - rows.mean(0)).double())
    along = ((rows - rows.mean(0)).double() @ unfolding.directions).norm(dim=0)
    assert torch.allclose(along, lengths, rtol=1e-4)


def test_close_latents_unfold_to_close_noise_and_strangers_to_strangers() -> None:
    unfolding = unfolding_of(100, 300)
    one, other = latents(200, 100).chunk(2)
    length = 10 / one.norm(dim=1, keepdim=True)
    near = one + 0.05 * other
    fine = [(unfolding(each) @ unfolding.directions)[:, 100:] for each in (one * length, near, other)]
    together = [torch.cosine_similarity(fine[0], each).mean().item() for each in fine[1:]]
    assert together[0] > 0.95
    assert abs(together[1]) < 0.1


@pytest.mark.parametrize("times", [0.5, 1.7])
def test_a_longer_latent_vector_unfolds_to_more_noise_of_the_same_kind(times: float) -> None:
    unfolding, given = unfolding_of(), latents(4, 20)
    assert torch.allclose(unfolding(times * given), times**CALM * unfolding(given), atol=1e-9)
    assert not unfolding(0 * given)[:, :20].any() and unfolding(0 * given).isfinite().all()


def test_noise_is_hardly_longer_or_shorter_than_real_noise_however_wild_the_painter_is() -> None:
    usual = unfolding_of(100, 768)(latents(50, 100)).norm(dim=1)
    assert pytest.approx(usual.mean().item(), rel=0.05) == 768**0.5 and usual.std() < 0.05 * usual.mean()
    for wildness, least, most in ((0.5, 0.85, 0.9), (1.4, 1.05, 1.1)):
        noise = unfolding_of(100, 768)(wildness * latents(50, 100)).norm(dim=1)
        assert least < (noise / usual).mean() < most


def test_more_numbers_than_a_sketch_has_cannot_be_unfolded() -> None:
    assert unfolding_of(60, 60)(latents(2, 60)).shape == (2, 60)
    with pytest.raises(ValueError, match=r"61 numbers cannot be unfolded to 60\."):
        FourierExpansion(61, 60)


class Signpost(nn.Module):
    """A sketcher of which the way is known everywhere: towards what was asked for, from where one is.

    The exact way to one sketch ``c`` is ``(c - x) / (1 - t)``; here ``c`` is the number of the genre.
    """

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def forward(self, sketches: Tensor, moments: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        self.moments += moments[:1].tolist()
        return (genre[:, None, None, None] - sketches) / (1 - moments[:, None, None, None])


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_straight_ways_are_followed_to_their_end_in_any_number_of_steps(steps: int) -> None:
    generator = lived_in(tiny())
    generator.steps, generator.novice = steps, None
    generator.insistence = 1.0
    signpost = Signpost()
    generator.sketcher = signpost  # type: ignore[assignment]
    found = generator.sketch(latents(3), numbers(0, 1, 2), numbers(0, 0, 0))
    assert torch.allclose(found, torch.tensor([0.0, 1, 2]).double().view(3, 1, 1, 1).expand_as(found))
    # In each step once for any kind and once for what was asked; never at the end, where nothing is to be learnt.
    assert signpost.moments == [step / steps for step in range(steps) for _ in range(2)]
    assert max(signpost.moments) < 1


def test_insistence_goes_on_beyond_what_was_asked_for() -> None:
    """Unasked the signpost leads to 0, asked to the genre's number: so twice as far is twice the number."""
    generator = lived_in(tiny())
    generator.sketcher, generator.novice = Signpost(), None  # type: ignore[assignment]
    for insistence in (0.5, 1.0, 2.0):
        generator.insistence = insistence
        found = generator.sketch(latents(2), numbers(3, 0), numbers(0, 0))
        assert torch.allclose(found[0], torch.full_like(found[0], 3 * insistence))
        assert torch.allclose(found[1], torch.zeros_like(found[1]), atol=1e-9)


class Novice(Signpost):
    """Leads to -1, whatever was asked for."""

    def forward(self, sketches: Tensor, moments: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        assert not genre.any() and not decade.any()
        return super().forward(sketches, moments, genre - 1, decade)


@pytest.mark.parametrize("guidance", [1.0, 1.5])
@pytest.mark.parametrize("insistence", [1.0, 3.0])
def test_a_painter_departs_from_the_novice_by_as_much_as_was_said(guidance: float, insistence: float) -> None:
    """The sketcher leads to the genre's number, 0 unasked, the novice to -1: the ways from there add up."""
    generator = lived_in(tiny())
    generator.sketcher, generator.novice = Signpost(), Novice()  # type: ignore[assignment]
    generator.guidance, generator.insistence, generator.patience = guidance, insistence, 0.0
    found = generator.sketch(latents(3), numbers(0, 4, 0), numbers(0, 0, 2))
    for row, asked in zip(found, (0, 4, 0), strict=True):
        expected = torch.full_like(row, -1 + guidance + insistence * asked)
        assert torch.allclose(row, expected, atol=1e-6)


def test_the_novice_is_asked_only_where_patience_ends() -> None:
    generator = lived_in(tiny())
    novice = Novice()
    generator.sketcher, generator.novice = Signpost(), novice  # type: ignore[assignment]
    generator.steps, generator.patience = 4, 0.5
    generator.sketch(latents(2), numbers(0, 0), numbers(0, 0))
    assert novice.moments == [0.5, 0.75]


def test_who_is_asked_for_does_not_change_the_rest_of_a_batch() -> None:
    generator = lived_in(tiny())
    given, none = latents(3), numbers(0, 0, 0)
    plain, mixed = generator.sketch(given, none, none), generator.sketch(given, numbers(0, 2, 0), none)
    assert torch.allclose(mixed[[0, 2]], plain[[0, 2]], atol=1e-12)
    assert differ(mixed[1], plain[1])
    alone = generator.sketch(given[1:2], numbers(2), numbers(0))
    assert torch.allclose(mixed[1:2], alone, atol=1e-12)


def test_softening_weighs_neighbours_by_one_two_one_and_takes_the_finest_weave_away() -> None:
    maps = latents(2, 3 * 6 * 8).view(2, 3, 6, 8)
    weights = torch.tensor([1.0, 2, 1]).double() / 4
    kernel = torch.outer(weights, weights).expand(3, 1, 3, 3)
    assert torch.allclose(blur(maps), conv2d(maps, kernel, padding=1, groups=3), atol=1e-12)
    weave = torch.tensor([1.0, -1]).double().repeat(4).expand(1, 1, 8, 8)
    for woven in (weave, weave.mT, weave * weave.mT):
        assert not blur(woven)[:, :, 1:-1, 1:-1].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_slopes_of_softened_maps_are_the_same_on_a_gpu() -> None:
    """They were not, with channels last: the networks learnt nothing there."""
    given = latents(2, 3 * 6 * 8).view(2, 3, 6, 8).contiguous(memory_format=torch.channels_last)
    weights = latents(2, 3 * 6 * 8).view(2, 3, 6, 8).flip(0)
    slopes = []
    for device in ("cpu", "cuda"):
        maps = given.to(device).requires_grad_()
        total = (blur(maps) * weights.to(device)).sum()
        slopes += [slope.cpu() for slope in torch.autograd.grad(total, maps)]
    assert torch.allclose(slopes[0], slopes[1], atol=1e-9)


def test_ways_are_followed_with_an_error_that_falls_as_the_square_of_a_step() -> None:
    """On dx/dt = x, whose solution is known."""

    class Growth(nn.Module):
        def forward(self, sketches: Tensor, *_: Tensor) -> Tensor:
            return sketches

    generator = lived_in(tiny())
    generator.sketcher, generator.novice = Growth(), None  # type: ignore[assignment]
    given, none = latents(1), numbers(0)
    errors = []
    for steps in (50, 100):
        generator.steps = steps
        reached = generator.sketch(given, none, none).flatten(1)
        errors.append((reached - generator.unfolding(given) * torch.tensor(1.0).exp()).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_no_condition_means_unknown() -> None:
    generator = lived_in(tiny())
    given, unknown = latents(2), numbers(0, 0)
    for asked in ((), (None, unknown), (unknown, None), (unknown, unknown)):
        assert torch.equal(generator(given, *asked), generator(given))


def kept_in(folder: Path) -> FlowGenerator:
    """A generator that has some training behind it, and whose checkpoint lies in a folder."""
    network = lived_in(tiny()).float()
    record: dict[str, object] = {
        "kind": "generator",
        "network": "FlowGenerator",
        "name": "sketched-64",
    }
    save_checkpoint(network, folder, record)
    return network


def test_its_checkpoint_gives_it_back(tmp_path: Path) -> None:
    network = kept_in(tmp_path)
    checkpoint = read_checkpoint(tmp_path, "generator")
    assert checkpoint.network == "FlowGenerator"
    assert checkpoint.config == {
        "latent_size": 5,
        "depth": 3,
        "width": 8,
        "size": 64,
        "ink": 2,
        "steps": 3,
        "guidance": 3.0,
        "insistence": 5.0,
        "patience": 0.3,
        "novice": 8,
    }
    loaded = load_generator(checkpoint)
    assert isinstance(loaded, FlowGenerator)
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
