"""The dialogue: a cover led towards a feeling, on a leash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import BUNDLED, load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import GeneratorNetwork, Painter, asked, paint_with
from albumjudge.inference.steering import (
    LONGEST,
    LOOKS,
    SHORTEST,
    STEPS,
    Steering,
    SteeringTarget,
    hold,
    strayed,
)
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator

REVISION = "dcgan-test-1a2b3c4d"
SIZE = 8


class Regions(nn.Module):
    """Feels each emotion as much as one eighth of the picture is bright."""

    lives = ("alone",)

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0

    def hear(self, images: Tensor) -> Tensor:
        self.heard += len(images)
        stripes = images.mean((1, 3)).reshape(len(images), 8, -1).mean(2)
        shares: Tensor = (20 * stripes).softmax(1)[None]
        return shares


def stripe_judge() -> Judge:
    """A judge whose verdict can be computed by hand."""
    return Judge(Regions(), "stripes-12345678")  # type: ignore[arg-type]


def steering(network: GeneratorNetwork) -> Steering:
    return Steering(Painter(network, REVISION), stripe_judge())


@pytest.fixture(scope="module", params=[Generator, SkipGenerator])
def network(request: pytest.FixtureRequest) -> GeneratorNetwork:
    torch.manual_seed(0)
    made: GeneratorNetwork = request.param(SIZE, 4, 64)
    for parameter in made.parameters():  # From N(0, 0.02) such small networks paint nothing but grey.
        nn.init.normal_(parameter, 0, 0.3)
    return made


def distance(one: CoverIdentity, other: CoverIdentity) -> float:
    return float(np.linalg.norm(one.latents(SIZE) - other.latents(SIZE)))


@pytest.mark.parametrize("emotion", ["amusement", "sadness"])
def test_the_feeling_rises_and_every_frame_has_a_link(network: GeneratorNetwork, emotion: str) -> None:
    start = CoverIdentity(REVISION, 4711)
    guide, place = steering(network), NAMES.index(emotion)
    painter = Painter(network, REVISION)
    before = stripe_judge().judge(painter.paint([4711]))[0].probabilities[place]
    frames = list(guide.walk(start, SteeringTarget(emotion, 1.0, 3.0)))
    assert 1 <= len(frames) <= STEPS
    assert max(frame.verdict.probabilities[place] for frame in frames) > before
    for frame in frames:
        again = painter.paint_each([CoverIdentity.parse(str(frame.cover.identity))])[0]
        np.testing.assert_array_equal(again.pixels, frame.cover.pixels)
    assert [f.cover.identity for f in guide.walk(start, SteeringTarget(emotion, 1.0, 3.0))] == [
        f.cover.identity for f in frames
    ]


def test_the_jury_looks_once_at_each_cover_and_says_what_it_says_anywhere(network: GeneratorNetwork) -> None:
    painter, judge = Painter(network, REVISION), stripe_judge()
    looked = judge.network
    assert isinstance(looked, Regions)
    frames = list(Steering(painter, judge).walk(CoverIdentity(REVISION, 7), SteeringTarget("awe"), steps=5))
    assert len(frames) == 5 and looked.heard == 6  # The beginning, too.
    for frame, verdict in zip(frames, judge.judge([frame.cover for frame in frames]), strict=True):
        assert frame.verdict.jurors and frame.verdict.revision == verdict.revision
        assert frame.verdict.probabilities == pytest.approx(verdict.probabilities, abs=1e-6)


def test_a_beginning_that_is_painted_already_leads_to_the_same_covers(network: GeneratorNetwork) -> None:
    start, guide = CoverIdentity(REVISION, 7), steering(network)
    painted = Painter(network, REVISION).paint_each([start])[0]
    again = [frame.cover.identity for frame in guide.walk(start, SteeringTarget("awe"), painted=painted)]
    assert again == [frame.cover.identity for frame in guide.walk(start, SteeringTarget("awe"))]


def test_an_impression_points_where_the_feeling_grows() -> None:
    judge = stripe_judge()
    cover = Cover(CoverIdentity(REVISION, 1), np.full((64, 64, 3), 128, np.uint8))
    impression = judge.impression(cover)
    assert impression.verdict == judge.judge([cover])[0]
    # d log softmax_k / d pixel: 20 (1 - 1/8) over the pixels of the emotion's own stripe, -20/8 over the others.
    each = 20 / (64 * 8 * 3)
    expected = torch.full((1, 3, 64, 64), -each / 8)
    expected[:, :, 8:16] = each * 7 / 8
    torch.testing.assert_close(impression.towards(NAMES[1]), expected)


def test_a_slope_is_what_small_steps_measure(network: GeneratorNetwork) -> None:
    guide, start = steering(network), CoverIdentity(REVISION, 7)
    weights = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    slope = guide._slope(start, weights)
    exact = Painter(network, REVISION).network

    def pulled(latents: np.ndarray) -> float:
        painted = paint_with(exact, torch.from_numpy(latents)[None], asked([start]))
        return float((painted + 1).div(2).mul(weights.double()).sum())

    here, small = start.latents(SIZE), 1e-5
    measured = [
        (pulled(here + small * unit) - pulled(here - small * unit)) / (2 * small) for unit in np.eye(SIZE)
    ]
    np.testing.assert_allclose(slope, measured, rtol=1e-3, atol=1e-3 * np.abs(slope).max())


def test_a_leash_holds(network: GeneratorNetwork) -> None:
    start, rounding = CoverIdentity(REVISION, 7), 0.02 * SIZE**0.5
    for strength, leash in ((1.0, SHORTEST), (0.5, 4.0)):
        for frame in steering(network).walk(start, SteeringTarget("awe", strength, leash)):
            assert distance(frame.cover.identity, start) <= leash + rounding
            assert strayed(frame.cover, SIZE) == pytest.approx(distance(frame.cover.identity, start))


def test_strength_and_leash_do_different_things(network: GeneratorNetwork) -> None:
    start, guide = CoverIdentity(REVISION, 7, wildness=150), steering(network)

    def first_step_and_reach(strength: float, leash: float) -> tuple[float, float]:
        away = [
            distance(f.cover.identity, start)
            for f in guide.walk(start, SteeringTarget("awe", strength, leash))
        ]
        return away[0], max(away)

    gentle, bold, bold_but_held = (
        first_step_and_reach(*both) for both in ((0.1, LONGEST), (0.8, LONGEST), (0.8, SHORTEST))
    )
    assert gentle[0] < bold[0] / 3 and gentle[1] < bold[1]
    assert bold[0] == pytest.approx(bold_but_held[0]) and bold_but_held[1] < bold[1]


def test_what_was_asked_for_stays_asked_for(network: GeneratorNetwork) -> None:
    start = CoverIdentity(REVISION, 7, wildness=80)
    if isinstance(network, SkipGenerator):
        start = replace(start, genre="jazz", decade="1970s")
    for frame in steering(network).walk(start, SteeringTarget("fear")):
        identity = frame.cover.identity
        assert (identity.seed, identity.order, identity.wildness) == (7, start.order, 80)


def test_a_walk_can_go_on_from_where_another_ended(network: GeneratorNetwork) -> None:
    guide = steering(network)
    first = list(guide.walk(CoverIdentity(REVISION, 7), SteeringTarget("awe")))[-1].cover.identity
    assert first.drift
    second = list(guide.walk(first, SteeringTarget("fear")))
    assert second and all(distance(frame.cover.identity, first) <= 6 + 0.1 for frame in second)


def test_where_nothing_can_be_felt_the_walk_ends_at_once() -> None:
    flat = Generator(SIZE, 4, 64)
    for parameter in flat.parameters():
        nn.init.zeros_(parameter)
    assert list(steering(flat).walk(CoverIdentity(REVISION, 1), SteeringTarget("awe"))) == []


def test_a_cover_of_another_painter_is_not_led_anywhere(network: GeneratorNetwork) -> None:
    with pytest.raises(CoverLinkError):
        list(steering(network).walk(CoverIdentity("other-12345678", 1), SteeringTarget("awe")))


@pytest.mark.parametrize(
    "wrong",
    [{"emotion": "joy"}, {"strength": 0.0}, {"strength": 1.5}, {"leash": 1.0}, {"leash": LONGEST + 1}],
)
def test_a_wish_that_cannot_be_granted_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        SteeringTarget(**({"emotion": "awe"} | wrong))  # type: ignore[arg-type]


vectors = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(np.array)


@given(vectors, vectors.filter(lambda v: bool(np.linalg.norm(v) > 0.1)), st.floats(0.5, 6))
def test_nobody_is_held_beyond_the_leash(latents: np.ndarray, start: np.ndarray, leash: float) -> None:
    held = hold(latents, start, leash)
    assert np.linalg.norm(held - start) <= leash + 1e-9
    assert np.linalg.norm(held) <= np.linalg.norm(start) + 1e-9  # A chord lies within its sphere.


def bundled() -> tuple[Painter, Judge]:
    painter_of, judge_of = (read_checkpoint(BUNDLED[kind], kind) for kind in ("generator", "judge"))
    painter = Painter(load_generator(painter_of), painter_of.revision)
    return painter, Judge(load_judge(judge_of), judge_of.revision)


@pytest.mark.slow
@pytest.mark.parametrize("emotion", NAMES)
def test_the_real_jury_feels_more_before_nearly_every_cover(emotion: str) -> None:
    painter, judge = bundled()
    guide, place = Steering(painter, judge), NAMES.index(emotion)
    covers = painter.paint(range(100, 108))
    before = [verdict.probabilities[place] for verdict in judge.judge(covers)]
    after = [
        list(guide.walk(cover.identity, SteeringTarget(emotion), steps=6))[-1].verdict.probabilities[place]
        for cover in covers
    ]
    rose = sum(late > early for late, early in zip(after, before, strict=True))
    assert rose >= 7 and np.mean(after) > np.mean(before)


def test_the_real_jury_is_moved() -> None:
    painter, judge = bundled()
    start = CoverIdentity(painter.revision, 17)
    place = NAMES.index("contentment")
    before = judge.judge(painter.paint([17]))[0].probabilities[place]
    frames = list(Steering(painter, judge).walk(start, SteeringTarget("contentment")))
    for frame, verdict in zip(frames, judge.judge([frame.cover for frame in frames]), strict=True):
        assert frame.verdict.probabilities == pytest.approx(verdict.probabilities, abs=1e-5)
    assert max(frame.verdict.probabilities[place] for frame in frames) > before + 0.05


def test_slopes_of_a_painter_that_sketches_are_asked_for_in_fewer_looks_and_its_covers_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    made = FlowGenerator(SIZE, depth=3, width=8, ink=4, steps=6, novice=8)
    for parameter in made.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    looks: list[tuple[bool, int]] = []
    look = FlowGenerator.ways

    def counted(self: FlowGenerator, sketches: Tensor, moment: float, *order: Tensor) -> Tensor:
        looks.append((sketches.requires_grad, self.steps))
        return look(self, sketches, moment, *order)

    monkeypatch.setattr(FlowGenerator, "ways", counted)
    walker = steering(made)
    frames = list(walker.walk(CoverIdentity(REVISION, 3), SteeringTarget("awe", 1.0, LONGEST), 2))
    assert len(frames) == 2
    assert made.steps == 6 and made.novice is not None
    assert {steps for sloping, steps in looks if sloping} == {LOOKS}
    assert {steps for sloping, steps in looks if not sloping} == {6}
