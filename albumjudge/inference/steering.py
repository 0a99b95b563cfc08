"""The dialogue: a cover is changed until the jury gives more of one emotion.

Activation maximisation through a generator (Nguyen et al. 2016, https://arxiv.org/abs/1605.09304): gradient
ascent of the latent vector on the jury's log share, within a trust radius and at the length of the start.
Every step is rounded to what a link can hold, so each frame is a cover with an identity of its own. Walks of
several visitors go on together: each turn takes a step of some of them in one batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference import worker

if TYPE_CHECKING:
    from albumjudge.inference.judge import Judge
    from albumjudge.inference.painter import Painter

STEPS = 12
SHORTEST, LONGEST = 2.0, 10.0
"""Trust radius, in latent units: two random latent vectors of 100 numbers are about 14 apart."""
FULL_LENGTH = 15.0
"""All steps together at full strength, in latent units: half more than the longest radius."""
MOMENTUM = 0.6
MOST_AT_ONCE = 8
"""Walks that take a step in one turn: whoever asks for covers meanwhile waits no longer than for these."""


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


class Walk:
    """A cover on its way to an emotion.

    Args:
        steps: at most so many; fewer where no step brings more.

    Attributes:
        taken: steps so far.
        ended: nothing more will come.

    Raises:
        CoverLinkError: if the painter cannot paint ``start``.
    """

    def __init__(
        self, painter: Painter, judge: Judge, start: CoverIdentity, target: SteeringTarget, steps: int = STEPS
    ) -> None:
        painter.check(start)
        self.painter, self.judge, self.target, self.steps = painter, judge, target, steps
        self.here, self.taken, self.ended = start, 0, False
        self._origin = self._latents = start.latents(painter.network.latent_size)
        self._velocity = np.zeros_like(self._origin)

    def move(self, gradient: NDArray[np.float64]) -> None:
        """Take a step up a gradient, ``(d,)``, or end if that leads nowhere."""
        length = float(np.linalg.norm(gradient))
        if length == 0 or not np.isfinite(length):
            self.ended = True
            return
        self._velocity = MOMENTUM * self._velocity + gradient / length
        stride = self.target.strength * FULL_LENGTH / self.steps
        step = self._velocity * (stride / float(np.linalg.norm(self._velocity)))
        self._latents = project(self._latents + step, self._origin, self.target.radius)
        identity = self.here.at(self._latents)
        self.ended |= identity == self.here
        self.here, self.taken = identity, self.taken + 1


def advance(walks: Sequence[Walk]) -> list[JudgedCover | None]:
    """Paint and judge where walks of one painter and one judge are, in one batch, and let them take a step.

    Returns:
        the frame that each has come to, None where a walk begins.
    """
    painter, judge = walks[0].painter, walks[0].judge
    frames: dict[Walk, JudgedCover] = {}
    if at_end := [walk for walk in walks if walk.taken == walk.steps]:
        covers = painter.paint_each([walk.here for walk in at_end])
        frames |= dict(zip(at_end, map(JudgedCover, covers, judge.judge(covers)), strict=True))
        for walk in at_end:
            walk.ended = True
    if going := [walk for walk in walks if walk.taken < walk.steps]:
        painted = painter.differentiable([walk.here for walk in going])
        judged = judge.differentiable(painted.covers)
        # The painter's range is [-1, 1], the judge's [0, 1]. Rounding to grey levels is passed over.
        gradients = painted.gradient(judged.gradient([walk.target.emotion for walk in going]) / 2)
        frames |= dict(zip(going, map(JudgedCover, painted.covers, judged.verdicts), strict=True))
    found = [frames[walk] if walk.taken else None for walk in walks]
    for walk, gradient in zip(going, gradients if going else (), strict=True):
        walk.move(gradient)
    return found


def steer(
    painter: Painter, judge: Judge, start: CoverIdentity, target: SteeringTarget, steps: int = STEPS
) -> Iterator[JudgedCover]:
    """Frames of one walk, which nobody shares, as they come; arguments and errors as for :class:`Walk`."""
    walk = Walk(painter, judge, start, target, steps)
    while not walk.ended:
        if (frame := advance([walk])[0]) is not None:
            yield frame


_Waiting = tuple[Walk, "SimpleQueue[JudgedCover | Exception | None]"]


class WalkQueue:
    """Walks of all visitors, in turns; a new one goes first until its first frame has come."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._watched: set[Walk] = set()

    def __len__(self) -> int:
        return len(self._watched)

    def lead(self, walk: Walk, wake: Callable[[], None] = lambda: None) -> Iterator[JudgedCover]:
        """Let a walk begin; its frames as they come, in any thread but that of :meth:`turn`.

        Args:
            wake: says that there is work to do.
        """
        came: SimpleQueue[JudgedCover | Exception | None] = SimpleQueue()
        self._watched.add(walk)
        self._waiting.appendleft((walk, came))
        wake()
        return self._frames(walk, came)

    def _frames(self, walk: Walk, came: SimpleQueue[JudgedCover | Exception | None]) -> Iterator[JudgedCover]:
        try:
            while True:
                try:
                    frame = came.get_nowait()
                except Empty:
                    with worker.waiting():
                        frame = came.get()
                if frame is None:
                    return
                if isinstance(frame, Exception):
                    raise frame
                yield frame
        finally:
            walk.ended = True  # The visitor may have left.
            self._watched.discard(walk)

    def turn(self) -> bool:
        """Let the walks that have waited longest take a step; whether there are more to take."""
        taken: list[_Waiting] = []
        others: list[_Waiting] = []
        while self._waiting and len(taken) < MOST_AT_ONCE:
            one = self._waiting.popleft()
            if one[0].ended:
                continue
            alike = not taken or (one[0].painter, one[0].judge) == (taken[0][0].painter, taken[0][0].judge)
            (taken if alike else others).append(one)
        self._waiting.extendleft(reversed(others))
        worker.on_all_cores(self._advance, taken)
        return bool(self._waiting)

    def _advance(self, taken: Sequence[_Waiting]) -> None:
        try:
            frames = advance([walk for walk, _ in taken])
        except Exception as error:
            for _, came in taken:
                came.put(error)
            return
        for (walk, came), frame in zip(taken, frames, strict=True):
            if frame is not None:
                came.put(frame)
            if walk.ended:
                came.put(None)
            elif frame is None:
                self._waiting.appendleft((walk, came))
            else:
                self._waiting.append((walk, came))
