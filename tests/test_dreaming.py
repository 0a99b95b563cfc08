"""Who judges dreamt-up sketches, what is done to them before, and what a latent vector says from the first."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from albumjudge.conditions import DECADES, GENRES
from training.dreaming import JUDGED, Layout, SketchCritic, disturb, lead, steepness

SIDE = 8


def sketches_of(count: int, depth: int = 3, side: int = SIDE, seed: int = 0) -> Tensor:
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(count, depth, side, side, generator=chance, dtype=torch.double)


def numbers(*labels: int) -> Tensor:
    return torch.tensor(labels)


def critic_of(side: int = SIDE) -> SketchCritic:
    torch.manual_seed(0)
    return SketchCritic(3, width=4, side=side).double()


@pytest.mark.parametrize("side", [8, 16])
def test_the_critic_gives_each_sketch_one_logit(side: int) -> None:
    labels = numbers(0, 1, len(GENRES)), numbers(len(DECADES), 0, 1)
    logits = critic_of(side)(sketches_of(3, side=side), *labels)
    assert logits.shape == (3,)
    assert len(set(logits.tolist())) == 3


def test_what_was_asked_for_counts_once_it_has_been_learnt_and_in_proportion() -> None:
    critic, sketches, unknown = critic_of(), sketches_of(2), numbers(0, 0)
    plain = critic(sketches, unknown, unknown)
    assert torch.equal(critic(sketches, numbers(1, 2), numbers(3, 4)), plain)
    with torch.no_grad():
        nn.init.normal_(critic.genre.weight[1:])
        nn.init.normal_(critic.decade.weight[1:])
    by_genre = critic(sketches, numbers(1, 2), unknown) - plain
    by_decade = critic(sketches, unknown, numbers(3, 4)) - plain
    assert by_genre.abs().min() > 1e-3
    assert by_decade.abs().min() > 1e-3
    both = critic(sketches, numbers(1, 2), numbers(3, 4)) - plain
    assert torch.allclose(both, by_genre + by_decade, atol=1e-12)
    with torch.no_grad():
        critic.genre.weight.mul_(2)
    assert torch.allclose(critic(sketches, numbers(1, 2), unknown) - plain, 2 * by_genre, atol=1e-12)


def test_misreading_is_the_cross_entropy_of_what_was_asked_for_above_what_is_clear_enough() -> None:
    critic = critic_of()
    described = torch.randn(4, JUDGED, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    genre, decade = numbers(1, 0, len(GENRES), 0), numbers(0, len(DECADES), 2, 0)
    with torch.no_grad():
        nn.init.normal_(critic.read_genre.weight, 0.0, 0.1)
        nn.init.normal_(critic.read_decade.weight, 0.0, 0.1)
    by_genre = critic.read_genre(described).log_softmax(1)
    by_decade = critic.read_decade(described).log_softmax(1)
    lost = -torch.stack([by_genre[0, 0], by_genre[2, -1], by_decade[1, -1], by_decade[2, 1]])
    assert lost.min() < 2.5 < lost.max()
    assert critic.misread(described, genre, decade).item() == pytest.approx(lost.sum().item() / 4)
    found = critic.misread(described, genre, decade, clear=2.5)
    assert found.item() == pytest.approx((lost - 2.5).clamp(min=0).sum().item() / 4)
    # Whoever asks for nothing always gets it.
    assert critic.misread(described, numbers(0, 0, 0, 0), numbers(0, 0, 0, 0)).item() == 0


def test_what_is_read_is_what_logits_are_made_of() -> None:
    critic, sketches, wish = critic_of(), sketches_of(3), (numbers(1, 2, 3), numbers(0, 1, 2))
    described = critic.describe(sketches)
    assert described.shape == (3, JUDGED)
    assert torch.equal(critic(sketches, *wish), critic.realness(described, *wish))


def test_the_critic_sees_whether_a_batch_repeats_itself() -> None:
    """Nothing else joins the sketches of a batch: where all are one, or there is but one, spread is none."""
    critic, sketch, unknown = critic_of(), sketches_of(1), numbers(0)
    alone = critic(sketch, unknown, unknown)
    same = critic(sketch.repeat(4, 1, 1, 1), unknown.repeat(4), unknown.repeat(4))
    assert torch.allclose(same, alone.expand(4), atol=1e-12)
    others = torch.cat([sketch, sketches_of(3, seed=1)])
    assert (critic(others, unknown.repeat(4), unknown.repeat(4))[0] - alone).abs().item() > 1e-3


def test_to_lead_is_the_softplus_of_the_others_lead() -> None:
    ahead, behind = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(2))) / 2
    assert lead(ahead, behind).item() == pytest.approx(expected, rel=1e-6)
    # A draw costs log 2; the farther ahead, the less.
    assert lead(ahead, ahead).item() == pytest.approx(math.log(2), rel=1e-6)
    assert lead(ahead + 50, behind).item() == pytest.approx(0, abs=1e-6)
    assert lead(ahead, behind + 50).item() == pytest.approx(50 + (-1 + 2) / 2, rel=1e-6)


def test_the_steepness_of_a_linear_logit_is_the_squared_length_of_its_weights() -> None:
    weights, sketches = sketches_of(1, seed=1), sketches_of(3).requires_grad_(True)
    logits = (sketches * weights).sum((1, 2, 3))
    assert steepness(logits, sketches).item() == pytest.approx(weights.square().sum().item())
    # Of several, the mean of squares.
    logits = torch.tensor([1.0, 2.0, -3.0]) * (sketches * weights).sum((1, 2, 3))
    assert steepness(logits, sketches).item() == pytest.approx(
        (1 + 4 + 9) / 3 * weights.square().sum().item()
    )


def test_steepness_has_slopes_itself() -> None:
    sketches = sketches_of(3).requires_grad_(True)
    scale = torch.tensor(1.5, dtype=torch.double, requires_grad=True)
    found = steepness(scale / 2 * sketches.square().sum((1, 2, 3)), sketches)
    mean = sketches.detach().square().sum((1, 2, 3)).mean()
    assert found.item() == pytest.approx(1.5**2 * mean.item())
    (slope,) = torch.autograd.grad(found, scale)
    assert slope.item() == pytest.approx(2 * 1.5 * mean.item())


def nothing(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise, moves and corners that leave ``count`` sketches as they are."""
    return (
        torch.zeros(count, 3, SIDE, SIDE, dtype=torch.double),
        torch.zeros(count, 2, dtype=torch.long),
        torch.full((count, 2), 2 * SIDE),
    )


def test_draws_of_nothing_leave_sketches_alone() -> None:
    sketches = sketches_of(4)
    assert torch.equal(disturb(sketches, *nothing(4)), sketches)


@pytest.mark.parametrize("down", [-1, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 1])
def test_moves_are_by_whole_points_and_let_zeros_in(down: int, right: int) -> None:
    sketches = sketches_of(2)
    noise, _, covered = nothing(2)
    noise += 0.5
    # The second sketch stays, so moves are each sketch's own.
    moved = disturb(sketches, noise, torch.tensor([[down, right], [0, 0]]), covered)
    expected = torch.zeros_like(sketches[0])
    for row in range(SIDE):
        for column in range(SIDE):
            if 0 <= row - down < SIDE and 0 <= column - right < SIDE:
                expected[:, row, column] = sketches[0, :, row - down, column - right] + 0.5
    assert torch.equal(moved[0], expected)
    assert torch.equal(moved[1], sketches[1] + 0.5)


CORNERS = [
    *((0, 0), (2, 3), (4, 4)),  # within
    *((-2, 3), (3, -3), (-1, -2), (6, 7), (7, -3)),  # partly outside
    *((-4, 0), (0, 8), (16, 16), (-9, -9), (3, 8)),  # wholly outside
]


def test_covered_squares_are_zero_exactly_there() -> None:
    count, half = len(CORNERS), SIDE // 2
    noise, moves, _ = nothing(count)
    sketches = sketches_of(count)
    assert sketches.abs().min() > 0
    left = disturb(sketches, noise, moves, torch.tensor(CORNERS))
    hidden = []
    for one, original, (top, start) in zip(left, sketches, CORNERS, strict=True):
        mask = np.zeros((SIDE, SIDE), bool)
        mask[max(0, top) : max(0, top + half), max(0, start) : max(0, start + half)] = True
        square = torch.from_numpy(mask)
        assert not one[:, square].any()
        assert torch.equal(one[:, ~square], original[:, ~square])
        hidden.append(int(mask.sum()))
    assert hidden == [16, 16, 16, 2 * 4, 4 * 1, 3 * 2, 2 * 1, 1 * 1, 0, 0, 0, 0, 0]


def test_disturbing_is_differentiable() -> None:
    chance = torch.Generator().manual_seed(0)
    sketches = sketches_of(3, depth=1, side=4).requires_grad_(True)
    noise = torch.randn(sketches.shape, generator=chance, dtype=torch.double)
    moves, covered = torch.tensor([[1, -1], [0, 1], [0, 0]]), torch.tensor([[1, 1], [8, 8], [-1, 3]])
    assert torch.autograd.gradcheck(lambda given: disturb(given, noise, moves, covered), sketches)
    (slopes,) = torch.autograd.grad(disturb(sketches, noise, moves, covered).sum(), sketches)
    # What leaves the sketch or is covered counts for nothing, the rest once: 3 x 3 of which 2 x 2 are covered,
    # 4 x 3, and 4 x 4 of which one is.
    assert slopes.sum((1, 2, 3)).tolist() == [9 - 4, 12, 16 - 1]


COUNT = 5
TRACED = torch.einsum(
    "nk,kdhw->ndhw", sketches_of(300, 1, 4, seed=1).flatten(1)[:, :12], sketches_of(12, 2, 4, seed=2)
).float() + torch.linspace(-1, 1, 32).view(2, 4, 4)


@pytest.fixture(scope="module")
def layout() -> Layout:
    return Layout(TRACED, COUNT)


def drawn(count: int) -> Tensor:
    return torch.randn(count, COUNT, generator=torch.Generator().manual_seed(4))


def rebuilt(layout: Layout, latents: Tensor) -> Tensor:
    return (layout.centre + (latents * layout.deviations) @ layout.directions.T).view(-1, 2, 4, 4)


def test_directions_are_those_of_the_greatest_variance_orthonormal_and_in_falling_order(
    layout: Layout,
) -> None:
    assert torch.allclose(layout.directions.T @ layout.directions, torch.eye(COUNT), atol=1e-5)
    rows = TRACED.flatten(1).double()
    assert torch.allclose(layout.centre.double(), rows.mean(0), atol=1e-5)
    lengths = torch.linalg.svdvals(rows - rows.mean(0)) / len(rows) ** 0.5
    assert torch.allclose(layout.deviations.double(), lengths[:COUNT], rtol=1e-4)
    assert layout.deviations.tolist() == sorted(layout.deviations.tolist(), reverse=True)
    found = (rows - rows.mean(0)) @ layout.directions.double()
    expected = torch.diag(layout.deviations.double().square())
    assert torch.allclose(found.T @ found / len(rows), expected, atol=1e-3)


def test_a_sketch_that_is_where_its_latents_say_is_no_distance_away(layout: Layout) -> None:
    latents = drawn(6)
    assert layout(rebuilt(layout, latents), latents).item() == pytest.approx(0, abs=1e-8)
    # Traced sketches have their own coordinates.
    own = (TRACED.flatten(1) - layout.centre) @ layout.directions / layout.deviations
    assert layout(TRACED, own).item() == pytest.approx(0, abs=1e-8)


def test_the_flat_sketch_is_all_variance_away(layout: Layout) -> None:
    """Latents of plus and minus one have the expected square in every single case."""
    latents = drawn(6).sign()
    flat = layout.centre.view(1, 2, 4, 4).expand(6, -1, -1, -1)
    assert layout(flat, latents).item() == pytest.approx(1, rel=1e-5)
    assert layout(rebuilt(layout, 0.5 * latents), latents).item() == pytest.approx(0.25, rel=1e-4)
    shares = layout.deviations.square() / layout.deviations.square().sum()
    latents[:, 2] *= 3
    assert layout(flat, latents).item() == pytest.approx(1 + 8 * shares[2].item(), rel=1e-5)


def test_what_lies_outside_the_components_is_free(layout: Layout) -> None:
    latents, sketches = drawn(6), sketches_of(6, 2, 4, seed=5).float().requires_grad_(True)
    beside = 10 * sketches_of(6, 2, 4, seed=6).float().flatten(1)
    beside = beside - beside @ layout.directions @ layout.directions.T
    found = layout(sketches, latents)
    assert layout(sketches + beside.view(6, 2, 4, 4), latents).item() == pytest.approx(found.item(), rel=1e-4)
    (slopes,) = torch.autograd.grad(found, sketches)
    # One step along the slopes, as long as their closed form says, and it is there.
    step = len(sketches) * layout.deviations.square().sum() / 2
    assert layout(sketches - step * slopes, latents).item() == pytest.approx(0, abs=1e-8)
