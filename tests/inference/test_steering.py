"""The dialogue: a cover led towards an emotion within a trust radius."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from albumjudge import load_judge, load_painter
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference import steering
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import (
    GeneratorNetwork,
    Painter,
    condition_labels,
    paint_with,
)
from albumjudge.inference.steering import (
    LONGEST,
    SHORTEST,
    STEPS,
    SteeringTarget,
    Walk,
    WalkQueue,
    project,
    steer,
)
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.one_step import OneStepGenerator

REVISION = "dcgan-test-1a2b3c4d"
SIZE = 8
START = CoverIdentity(REVISION, 7)


class Stripes(nn.Module):
    """Gives each emotion as much as one eighth of the picture is bright."""

    juror_names = ("alone",)

    def __init__(self) -> None:
        super().__init__()
        self.images_seen, self.features = 0, nn.Sequential()

    def extract(self, images: Tensor) -> Tensor:
        self.images_seen += len(images)
        return images.mean((1, 3)).reshape(len(images), 8, -1).mean(2)

    def verdicts_of(self, features: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = (20 * features).softmax(1)
        return probabilities[None], probabilities


def stripe_judge() -> Judge:
    """A judge whose verdict can be computed by hand."""
    return Judge(Stripes(), "stripes-12345678")  # type: ignore[arg-type]


def make_network(kind: str) -> GeneratorNetwork:
    torch.manual_seed(0)
    network: GeneratorNetwork
    if kind == "dcgan":
        network = Generator(SIZE, 4, 64)
    elif kind == "flow":
        network = FlowGenerator(SIZE, 3, 8, decoder_width=4, steps=2)
    else:
        network = OneStepGenerator(SIZE, 3, 8, decoder_width=4)
    for parameter in network.parameters():  # As initialised, such small networks paint nothing but grey.
        nn.init.normal_(parameter, 0, 0.3 if kind == "dcgan" else 0.2)
    return network


@pytest.fixture(scope="module", params=["dcgan", "one step", pytest.param("flow", marks=pytest.mark.slow)])
def painter(request: pytest.FixtureRequest) -> Painter:
    return Painter(make_network(request.param), REVISION)


def steered(
    painter: Painter, start: CoverIdentity, target: SteeringTarget, steps: int = STEPS
) -> Iterator[JudgedCover]:
    return steer(painter, stripe_judge(), start, target, steps)


def distance(one: CoverIdentity, other: CoverIdentity) -> float:
    return float(np.linalg.norm(one.latents(SIZE) - other.latents(SIZE)))


def test_the_share_rises_and_every_frame_has_a_link(painter: Painter) -> None:
    place, target = NAMES.index("sadness"), SteeringTarget("sadness", 1.0, 3.0)
    before = stripe_judge().judge(painter.paint([7]))[0].probabilities[place]
    frames = list(steered(painter, START, target))
    assert 1 <= len(frames) <= STEPS
    assert max(frame.verdict.probabilities[place] for frame in frames) > before
    for frame in frames:
        again = painter.paint_each([CoverIdentity.parse(str(frame.cover.identity))])[0]
        np.testing.assert_array_equal(again.pixels, frame.cover.pixels)
    again_steered = [frame.cover.identity for frame in steered(painter, START, target)]
    assert again_steered == [frame.cover.identity for frame in frames]


def test_each_cover_is_judged_once_and_as_anywhere(painter: Painter) -> None:
    judge = stripe_judge()
    network = judge.network
    assert isinstance(network, Stripes)
    frames = list(steer(painter, judge, START, SteeringTarget("awe"), 5))
    assert len(frames) == 5 and network.images_seen == 6  # The start, too.
    for frame, verdict in zip(frames, judge.judge([frame.cover for frame in frames]), strict=True):
        assert frame.verdict.jurors and frame.verdict.revision == verdict.revision
        assert frame.verdict.probabilities == pytest.approx(verdict.probabilities, abs=1e-6)


def test_the_gradient_of_a_verdict_is_that_of_its_formula() -> None:
    judge = stripe_judge()
    cover = Cover(START, np.full((64, 64, 3), 128, np.uint8))
    verdict = judge.differentiable([cover, cover])
    assert verdict.verdicts == judge.judge([cover, cover])
    # d log softmax_k / d pixel: 20 (1 - 1/8) over the pixels of the emotion's own stripe, -20/8 over the others.
    each = 20 / (64 * 8 * 3)
    expected = torch.full((2, 3, 64, 64), -each / 8)
    expected[0, :, 8:16] = expected[1, :, 40:48] = each * 7 / 8
    torch.testing.assert_close(verdict.gradient([NAMES[1], NAMES[5]]), expected)


@pytest.mark.parametrize("kind", ["dcgan", "flow", "one step"])
def test_the_gradient_of_a_painter_is_what_small_steps_measure(kind: str) -> None:
    weights = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    gradient = Painter(make_network(kind), REVISION).differentiable([START]).gradient(weights)[0]
    exact = make_network(kind).double().eval()

    def weighted(latents: np.ndarray) -> float:
        painted = paint_with(exact, torch.from_numpy(latents)[None], condition_labels([START]))
        return float(painted.detach().mul(weights.double()).sum())

    here, small = START.latents(SIZE), 1e-5
    measured = [
        (weighted(here + small * unit) - weighted(here - small * unit)) / (2 * small) for unit in np.eye(SIZE)
    ]
    np.testing.assert_allclose(gradient, measured, rtol=1e-3, atol=2e-3 * np.abs(gradient).max())


def test_the_trust_radius_holds_and_seed_conditions_and_wildness_stay(painter: Painter) -> None:
    rounding = 0.02 * SIZE**0.5
    for strength, radius in ((1.0, SHORTEST), (0.5, 4.0)):
        for frame in steered(painter, START, SteeringTarget("awe", strength, radius)):
            assert distance(frame.cover.identity, START) <= radius + rounding
    start = replace(START, wildness=80)
    if painter.conditional:
        start = replace(start, genre="jazz", decade="1970s")
    for frame in steered(painter, start, SteeringTarget("fear")):
        identity = frame.cover.identity
        assert (identity.seed, identity.conditions, identity.wildness) == (7, start.conditions, 80)


def test_strength_and_radius_do_different_things(painter: Painter) -> None:
    start = replace(START, wildness=150)

    def first_and_farthest(strength: float, radius: float) -> tuple[float, float]:
        target = SteeringTarget("awe", strength, radius)
        away = [distance(frame.cover.identity, start) for frame in steered(painter, start, target)]
        return away[0], max(away)

    gentle, bold, held = (
        first_and_farthest(*both) for both in ((0.1, LONGEST), (0.8, LONGEST), (0.8, SHORTEST))
    )
    assert gentle[0] < bold[0] / 3 and gentle[1] < bold[1]
    assert bold[0] == pytest.approx(held[0]) and held[1] <= bold[1]


def test_steering_can_go_on_from_where_it_ended_but_not_from_another_painters_cover(painter: Painter) -> None:
    first = list(steered(painter, START, SteeringTarget("awe")))[-1].cover.identity
    assert first.drift
    second = list(steered(painter, first, SteeringTarget("fear")))
    assert second and all(distance(frame.cover.identity, first) <= 4 + 0.1 for frame in second)
    with pytest.raises(CoverLinkError):
        list(steered(painter, CoverIdentity("other-12345678", 1), SteeringTarget("awe")))


def test_without_a_gradient_it_ends_at_once() -> None:
    flat = Generator(SIZE, 4, 64)
    for parameter in flat.parameters():
        nn.init.zeros_(parameter)
    assert not list(steered(Painter(flat, REVISION), START, SteeringTarget("awe")))


@pytest.mark.parametrize(
    "wrong",
    [{"emotion": "joy"}, {"strength": 0.0}, {"strength": 1.5}, {"radius": 1.0}, {"radius": LONGEST + 1}],
)
def test_an_impossible_target_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        SteeringTarget(**({"emotion": "awe"} | wrong))  # type: ignore[arg-type]


vectors = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(np.array)


@given(vectors, vectors.filter(lambda v: bool(np.linalg.norm(v) > 0.1)), st.floats(0.5, 6))
def test_projection_stays_within_the_radius(latents: np.ndarray, start: np.ndarray, radius: float) -> None:
    projected = project(latents, start, radius)
    assert np.linalg.norm(projected - start) <= radius + 1e-9
    assert np.linalg.norm(projected) <= np.linalg.norm(start) + 1e-9  # A chord lies within its sphere.


def test_walks_that_go_on_together_go_where_each_goes_alone(painter: Painter) -> None:
    judge, queue = stripe_judge(), WalkQueue()
    wishes = [(CoverIdentity(REVISION, seed), SteeringTarget(NAMES[seed % 8])) for seed in range(9)]
    led = [queue.lead(Walk(painter, judge, *wish, 2)) for wish in wishes]
    while queue.turn():
        pass
    for (start, target), together in zip(wishes, map(list, led), strict=True):
        alone = list(steer(painter, judge, start, target, 2))
        assert len(together) == len(alone)
        for one, other in zip(together, alone, strict=True):
            assert distance(one.cover.identity, other.cover.identity) < 0.1
            assert np.abs(one.cover.pixels.astype(int) - other.cover.pixels).max() <= 1


def test_a_new_walk_need_not_wait_for_those_before_it(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "MOST_AT_ONCE", 2)
    judge, queue = stripe_judge(), WalkQueue()
    crowd = [Walk(painter, judge, START, SteeringTarget("awe")) for _ in range(5)]
    led = [queue.lead(walk) for walk in crowd]
    for _ in range(8):
        queue.turn()
    late = Walk(painter, judge, START, SteeringTarget("awe"))
    frames = queue.lead(late)
    queue.turn()
    queue.turn()
    assert next(frames) and late.taken == 2
    taken = [walk.taken for walk in crowd]
    assert max(taken) - min(taken) <= 1 and len(queue) == len(crowd) + 1
    for one in led:  # Those who leave are not painted for.
        assert next(one)
        one.close()  # type: ignore[attr-defined]
    before = painter.painted
    queue.turn()
    assert late.taken == 3 and len(queue) == 1 and painter.painted == before + 1


def test_a_fault_reaches_all_whose_turn_it_was(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = WalkQueue()
    led = [queue.lead(Walk(painter, stripe_judge(), START, SteeringTarget("awe"))) for _ in range(3)]
    monkeypatch.setattr(painter, "differentiable", lambda identities: 1 / 0)
    while queue.turn():
        pass
    for frames in led:
        with pytest.raises(ZeroDivisionError):
            next(frames)


@pytest.mark.slow
@pytest.mark.parametrize("emotion", NAMES)
def test_the_bundled_jury_gives_more_to_nearly_every_cover(emotion: str) -> None:
    painter, judge, place = load_painter(), load_judge(), NAMES.index(emotion)
    covers = painter.paint(range(100, 108))
    before = [verdict.probabilities[place] for verdict in judge.judge(covers)]
    after = [
        list(steer(painter, judge, cover.identity, SteeringTarget(emotion), 6))[-1].verdict.probabilities[
            place
        ]
        for cover in covers
    ]
    assert sum(late > early for late, early in zip(after, before, strict=True)) >= 7
    assert np.mean(after) > np.mean(before)
