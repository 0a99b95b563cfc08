"""The dialogue: the painter changes a cover until the jury feels more of one emotion.

Activation maximisation through a generator (Nguyen et al. 2016, https://arxiv.org/abs/1605.09304): the latent
vector walks uphill on the jury's log share of the emotion. A leash keeps it near the cover that it began with,
and its length stays that of the start, where the painter knows what it does (a standard normal vector in many
dimensions lies near a sphere). Every step is rounded to what a link can hold before it is painted, so each
frame is a cover with an identity of its own.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import GeneratorNetwork, Painter, asked, paint_with
from albumjudge.models.flow import FlowGenerator

STEPS = 12
SHORTEST, LONGEST = 2.0, 10.0
"""Leash, in latent units: two random covers are about fourteen apart in a hundred dimensions."""
LOOKS = 4
"""Of a painter that sketches, when it is asked for a slope."""
LONGEST_WAY = 15.0
"""All steps of the strongest wish, in latent units: half more than the longest leash, as no walk is straight."""


@dataclass(frozen=True)
class SteeringTarget:
    """More of an emotion.

    Attributes:
        emotion: of the eight.
        strength: how far each step goes, above 0 and at most 1; with 1 all steps together are ``LONGEST_WAY``.
        leash: the farthest that the latent vector may get from where it began, ``SHORTEST`` to ``LONGEST``.

    Raises:
        ValueError: if one of them is out of range.
    """

    emotion: str
    strength: float = 0.7
    leash: float = 4.0

    def __post_init__(self) -> None:
        emotions.index(self.emotion)
        if not 0 < self.strength <= 1:
            raise ValueError(f"A strength is above 0 and at most 1, not {self.strength}.")
        if not SHORTEST <= self.leash <= LONGEST:
            raise ValueError(f"A leash is {SHORTEST:g} to {LONGEST:g} long, not {self.leash}.")


def hold(latents: NDArray[np.float64], start: NDArray[np.float64], leash: float) -> NDArray[np.float64]:
    """The nearest place that is within the leash and about as far from the origin as the start.

    Args:
        latents, start: shape ``(d,)``.
        leash: longest distance from ``start``.
    """
    length = np.linalg.norm(start)
    held = latents * (length / max(float(np.linalg.norm(latents)), 1e-12))
    away = held - start
    far = float(np.linalg.norm(away))
    return held if far <= leash else start + away * (leash / far)


class Steering:
    """Walks covers of one painter along the feelings of one judge. Several threads may share one.

    Args:
        painter: paints the frames.
        judge: feels them.
    """

    def __init__(self, painter: Painter, judge: Judge) -> None:
        self._painter, self._judge = painter, judge
        # Slopes need no double precision; frames do, and are painted by the painter itself.
        quick: GeneratorNetwork = copy.deepcopy(painter.network).float().requires_grad_(False)
        if isinstance(quick, FlowGenerator):
            # Nor the finer points of a sketch: walks get as far without.
            quick.steps, quick.novice = min(quick.steps, LOOKS), None
        self._quick = quick.to(memory_format=torch.channels_last)
        self._alone = threading.Lock()

    def walk(
        self, start: CoverIdentity, wish: SteeringTarget, steps: int = STEPS, *, painted: Cover | None = None
    ) -> Iterator[JudgedCover]:
        """Covers with ever more of what is wished for, as they come, the first one after one step.

        The same start, wish and number of steps give the same covers. A walk ends early where no step brings
        more. The jury looks at each cover once, for the verdict and for the way on from there.

        Args:
            start: where to begin.
            wish: what to ask for.
            steps: at most so many.
            painted: ``start``, if it is painted already.

        Raises:
            CoverLinkError: if the painter cannot paint ``start``.
        """
        size = self._painter.network.latent_size
        beginning = start.latents(size)
        here, drive = beginning, np.zeros(size)
        stride = wish.strength * LONGEST_WAY / steps
        cover = painted if painted is not None else self._painter.paint_each([start])[0]
        impression = self._judge.impression(cover)
        for number in range(1, steps + 1):
            slope = self._slope(cover.identity, impression.towards(wish.emotion))
            length = float(np.linalg.norm(slope))
            if length == 0 or not np.isfinite(length):
                return
            # Momentum: the judge's slope is rough, and a walk that follows every bump goes nowhere.
            drive = 0.6 * drive + slope / length
            step = drive * (stride / float(np.linalg.norm(drive)))
            here = hold(here + step, beginning, wish.leash)
            identity = start.at(here)
            if identity == cover.identity:
                return
            cover = self._painter.paint_each([identity])[0]
            if number == steps:
                yield JudgedCover(cover, self._judge.judge([cover])[0])
                return
            impression = self._judge.impression(cover)
            yield JudgedCover(cover, impression.verdict)

    def _slope(self, identity: CoverIdentity, pull: torch.Tensor) -> NDArray[np.float64]:
        """Where in latent space a cover follows the pull on its pixels most, shape ``(d,)``.

        Args:
            identity: the cover.
            pull: shape ``(1, 3, size, size)``.
        """
        labels = asked([identity])
        latents = torch.from_numpy(identity.latents(self._painter.network.latent_size)).float()[None]
        with self._alone, torch.enable_grad():
            latents.requires_grad_(True)
            painted = paint_with(self._quick, latents, labels)
            # Rounding to 256 greys is passed over: the painter moves smoothly beneath it.
            (slope,) = torch.autograd.grad(painted, latents, pull / 2)
        found: NDArray[np.float64] = slope[0].double().numpy()
        return found


def strayed(cover: Cover, latent_size: int) -> float:
    """How far a cover was led from where its seed put it, in latent units."""
    identity = cover.identity
    seed = CoverIdentity(
        identity.generator, identity.seed, identity.genre, identity.decade, identity.wildness
    )
    return float(np.linalg.norm(identity.latents(latent_size) - seed.latents(latent_size)))
