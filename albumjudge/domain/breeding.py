"""Breeding: what lies between two covers, their children, and the line that led to a child.

All follows from the first two covers and what was chosen since, so a line fits into a link.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.cover import CoverIdentity

LITTER = 6
PLACES = 13
"""Places from one cover to the other, both included: each is a twelfth of the way from the next."""
MOST_MUTATION = 50
"""Percent of the way to a cover that nobody knows, at most: beyond it a child would be a stranger."""
LONGEST_LINE = 40
LAST_LITTER = 999
_BIRTH = re.compile(r"([0-9])\.([0-9]{1,2})\.([0-9]{1,3})")
_STRANGER = re.compile(r"s([0-9]{1,6})")

Latents = NDArray[np.float64]
Side = Literal["left", "right"]


class BreedingError(ValueError):
    """Two covers cannot have children, or a link tells of no line; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class Pair:
    """Two parents.

    Raises:
        BreedingError: if they were painted by different generators, whose numbers mean different things.
    """

    left: CoverIdentity
    right: CoverIdentity

    def __post_init__(self) -> None:
        if self.left.generator != self.right.generator:
            raise BreedingError(
                f"No. {self.left.number} was painted by {self.left.painter}, No. {self.right.number} by "
                f"{self.right.painter}. Only covers by the same painter can have children."
            )


@dataclass(frozen=True)
class Child:
    """One of a litter; ``place`` is from 0, the left parent, to 1, the right one, before the mutation."""

    identity: CoverIdentity
    place: float

    @property
    def after(self) -> Side:
        """The parent that it takes after."""
        return _nearer(self.place)


@dataclass(frozen=True)
class Birth:
    """A child, 0 to ``LITTER - 1``, of a :func:`litter` (number, mutation in percent) that became left parent."""

    child: int
    mutation: int
    litter: int


@dataclass(frozen=True)
class Stranger:
    """A cover, by its seed, that became the right parent."""

    seed: int


Step = Birth | Stranger


@dataclass(frozen=True)
class Lineage:
    """How the present parents came to be: two covers, and what was chosen since.

    Raises:
        BreedingError: if the line is too long.
    """

    first: Pair
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if len(self.steps) > LONGEST_LINE:
            raise BreedingError(
                f"This line is {LONGEST_LINE} steps long, as long as a link can tell. Walk back a little, or "
                "start anew from a child on the stage."
            )

    @property
    def line(self) -> str:
        """The steps as they stand in a link: ``3.15.0_s4711``; empty without any."""
        return "_".join(
            f"s{step.seed}" if isinstance(step, Stranger) else f"{step.child}.{step.mutation}.{step.litter}"
            for step in self.steps
        )

    @classmethod
    def read(cls, left: str, right: str, line: str = "") -> Lineage:
        """Put a line together again from two covers' links and what :attr:`line` gave.

        Raises:
            CoverLinkError: if there is no such cover.
            BreedingError: if the line makes no sense.
        """
        steps = [_read_step(step) for step in line.split("_")] if line else []
        return cls(Pair(CoverIdentity.parse(left), CoverIdentity.parse(right)), tuple(steps))

    def pairs(self, size: int) -> list[Pair]:
        """All pairs of parents, the first ones first; one more than there are steps.

        Raises:
            CoverLinkError: if the latent vectors of one of the first two are not ``size`` long.
        """
        pairs = [self.first]
        for step in self.steps:
            before = pairs[-1]
            if isinstance(step, Stranger):
                # A stranger comes with nothing but a number: no order, no drift.
                pairs.append(replace(before, right=CoverIdentity(before.left.generator, step.seed)))
                continue
            child = litter(before, size, number=step.litter, mutation=step.mutation)[step.child]
            # With the parent it takes less after: two that are nearly the same would have dull children.
            pairs.append(Pair(child.identity, before.right if child.after == "left" else before.left))
        return pairs

    def and_then(self, step: Step) -> Lineage:
        """The line with one more step; raises BreedingError if it gets too long."""
        return replace(self, steps=(*self.steps, step))

    def back_to(self, steps: int) -> Lineage:
        """The line as it was after so many steps."""
        return replace(self, steps=self.steps[:steps])


def slerp(start: Latents, end: Latents, share: float) -> Latents:
    """The point at ``share`` of the way from one vector to another, along the arc between their directions.

    Spherical interpolation (Shoemake 1985, https://doi.org/10.1145/325334.325242; White 2016,
    https://arxiv.org/abs/1609.04468) of vectors ``(d,)``; lengths change evenly. Vectors in the same or in
    opposite directions are joined by a line.
    """
    lengths = float(np.linalg.norm(start)), float(np.linalg.norm(end))
    if min(lengths) > 0:
        one, other = start / lengths[0], end / lengths[1]
        # The angle from both the sum and the difference: exact for small ones, too, where arccos is not (Kahan).
        angle = 2 * float(np.arctan2(np.linalg.norm(one - other), np.linalg.norm(one + other)))
        if 1e-7 < angle < np.pi - 1e-7:
            direction = np.sin((1 - share) * angle) * one + np.sin(share * angle) * other
            length = (1 - share) * lengths[0] + share * lengths[1]
            return np.asarray(direction * (length / np.sin(angle)))
    return np.asarray((1 - share) * start + share * end)


def between(pair: Pair, share: float, size: int) -> CoverIdentity:
    """The cover at ``share`` of the way, 0 to 1, from the left parent to the right one.

    It has the seed, genre and decade of the nearer one: these cannot be half of each.

    Raises:
        CoverLinkError: if a parent is of another size.
    """
    if share in (0, 1):  # The parents are themselves, not the nearest that their numbers can say.
        return pair.right if share else pair.left
    return _settle(pair, share, slerp(pair.left.latents(size), pair.right.latents(size), share))


def way(pair: Pair, size: int) -> list[CoverIdentity]:
    """The covers at all ``PLACES``, from the left parent to the right one.

    Raises:
        CoverLinkError: if a parent is of another size.
    """
    return [between(pair, place / (PLACES - 1), size) for place in range(PLACES)]


def litter(pair: Pair, size: int, *, number: int = 0, mutation: int = 0) -> list[Child]:
    """Six children, from the one most like the left parent to the one most like the right.

    Each is at a random place on the way between the parents, then goes ``mutation`` percent of the way to a
    random stranger. The same pair and number give the same places and strangers, whatever the mutation.

    Args:
        number: of the litter, 0 to ``LAST_LITTER``.
        mutation: percent, 0 to ``MOST_MUTATION``.

    Raises:
        BreedingError: if there is no such litter.
        CoverLinkError: if a parent is of another size.
    """
    if not 0 <= number <= LAST_LITTER or not 0 <= mutation <= MOST_MUTATION:
        raise BreedingError("These parents cannot have such children. Choose again from the wall.")
    digest = hashlib.sha256(f"{pair.left} and {pair.right}, litter {number}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    places = np.sort(chance.uniform(0.15, 0.85, LITTER))
    strangers = chance.standard_normal((LITTER, size))
    left, right = pair.left.latents(size), pair.right.latents(size)
    children = []
    for place, stranger in zip(places.tolist(), strangers, strict=True):
        # As long as the child: a mutation changes what it is, not how wild.
        plain = slerp(left, right, place)
        goal = stranger * (np.linalg.norm(plain) / np.linalg.norm(stranger))
        children.append(Child(_settle(pair, place, slerp(plain, goal, mutation / 100)), place))
    return children


def _settle(pair: Pair, share: float, latents: Latents) -> CoverIdentity:
    return (pair.left if _nearer(share) == "left" else pair.right).at(latents)


def _nearer(share: float) -> Side:
    return "left" if share < 0.5 else "right"


def _read_step(text: str) -> Step:
    if stranger := _STRANGER.fullmatch(text):
        return Stranger(int(stranger[1]))
    birth = _BIRTH.fullmatch(text)
    if birth is None or int(birth[1]) >= LITTER or int(birth[2]) > MOST_MUTATION:
        raise BreedingError(
            "This link tells of no line of covers. Perhaps a part of it was cut off on its way here."
        )
    return Birth(int(birth[1]), int(birth[2]), int(birth[3]))
