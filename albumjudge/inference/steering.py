"""The dialogue: a cover is changed until the jury gives more of one emotion.

Activation maximisation through a generator (Nguyen et al. 2016, https://arxiv.org/abs/1605.09304): gradient
ascent of the latent vector on the jury's log share, within a trust radius and at the length of the start.
Every step is rounded to what a link can hold, so each frame is a cover with an identity of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter

STEPS = 12
SHORTEST, LONGEST = 2.0, 10.0
"""Trust radius, in latent units: two random latent vectors of 100 numbers are about 14 apart."""
FULL_LENGTH = 15.0
"""All steps together at full strength, in latent units: half more than the longest radius."""
MOMENTUM = 0.6


@dataclass(frozen=True)
class SteeringTarget:
    """More of an emotion.

    Attributes:
        emotion: of the eight.
        strength: above 0 and at most 1; with 1 all steps together are ``FULL_LENGTH``.
        radius: the farthest that the latent vector may get from the start, ``SHORTEST`` to ``LONGEST``.

    Raises:
        ValueError: if one of them is out of range.
    """

    emotion: str
    strength: float = 0.7
    radius: float = 4.0

    def __post_init__(self) -> None:
        emotions.index(self.emotion)
        if not 0 < self.strength <= 1:
            raise ValueError(f"A strength is above 0 and at most 1, not {self.strength}.")
        if not SHORTEST <= self.radius <= LONGEST:
            raise ValueError(f"A trust radius is {SHORTEST:g} to {LONGEST:g} long, not {self.radius}.")


def project(latents: NDArray[np.float64], start: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """The latent vector at the length of the start, then within the trust radius around it.

    Args:
        latents, start: shape ``(d,)``.
    """
    length = np.linalg.norm(start)
    projected = latents * (length / max(float(np.linalg.norm(latents)), 1e-12))
    offset = projected - start
    distance = float(np.linalg.norm(offset))
    return projected if distance <= radius else start + offset * (radius / distance)


def steer(
    painter: Painter,
    judge: Judge,
    start: CoverIdentity,
    target: SteeringTarget,
    steps: int = STEPS,
) -> Iterator[JudgedCover]:
    """Covers with ever more of an emotion, as they come, the first one after one step.

    It ends early where no step brings more.

    Args:
        steps: at most so many.

    Raises:
        CoverLinkError: if the painter cannot paint ``start``.
    """
    size = painter.network.latent_size
    origin = latents = start.latents(size)
    velocity = np.zeros(size)
    stride = target.strength * FULL_LENGTH / steps
    painted = painter.differentiable(start)
    verdict = judge.differentiable(painted.cover)
    for number in range(1, steps + 1):
        # The painter's range is [-1, 1], the judge's [0, 1]. Rounding to grey levels is passed over.
        gradient = painted.gradient(verdict.gradient(target.emotion) / 2)
        length = float(np.linalg.norm(gradient))
        if length == 0 or not np.isfinite(length):
            return
        velocity = MOMENTUM * velocity + gradient / length
        step = velocity * (stride / float(np.linalg.norm(velocity)))
        latents = project(latents + step, origin, target.radius)
        identity = start.at(latents)
        if identity == painted.cover.identity:
            return
        if number == steps:
            last = painter.paint_each([identity])
            yield JudgedCover(last[0], judge.judge(last)[0])
            return
        painted = painter.differentiable(identity)
        verdict = judge.differentiable(painted.cover)
        yield JudgedCover(painted.cover, verdict.verdict)
