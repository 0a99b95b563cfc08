"""The eight emotions of Mikels et al. (2005), in the order of Machajdik & Hanbury's data set (2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """One emotion.

    Attributes:
        name: lower-case noun, as stored with votes.
        positive: its valence in the data set's own grouping.
        colour: hue on the dark wall, ``#rrggbb``; the eight differ for colour-blind eyes, too.
        sign: one plain character that stands beside the colour as a second cue.
    """

    name: str
    positive: bool
    colour: str
    sign: str


EMOTIONS: tuple[Emotion, ...] = (
    Emotion("amusement", True, "#ffdb4b", "◠"),
    Emotion("anger", False, "#ed4926", "✕"),
    Emotion("awe", True, "#46caf5", "△"),
    Emotion("contentment", True, "#41a085", "○"),
    Emotion("disgust", False, "#a1be75", "≈"),
    Emotion("excitement", True, "#f59ab0", "✦"),
    Emotion("fear", False, "#a171b9", "▽"),
    Emotion("sadness", False, "#dbe0eb", "◡"),
)
NAMES: tuple[str, ...] = tuple(emotion.name for emotion in EMOTIONS)
NOTHING = "nothing"
"""What a visitor chooses who feels nothing, or something that is not among the eight."""
ANSWERS = (*NAMES, NOTHING)


def index(name: str) -> int:
    """Place of an emotion in the fixed order, 0 to 7.

    Raises:
        ValueError: if ``name`` is none of the eight.
    """
    if name not in NAMES:
        raise ValueError(f"{name!r} is none of the eight emotions: {', '.join(NAMES)}.")
    return NAMES.index(name)


def top(probabilities: Sequence[float]) -> str:
    """Name of the most probable emotion; the first in the fixed order if several are equal."""
    return NAMES[max(range(len(NAMES)), key=probabilities.__getitem__)]


def in_words(probabilities: Sequence[float]) -> str:
    """Say a distribution as a museum label would: "mostly awe, a little fear".

    Args:
        probabilities: eight numbers that add up to one, in the fixed order.
    """
    ranked = sorted(range(len(NAMES)), key=lambda i: (-probabilities[i], i))
    first, second, third = ranked[:3]
    one, two, three = (probabilities[i] for i in (first, second, third))
    if one < 0.2:
        return f"torn: a little {NAMES[first]}, {NAMES[second]} and {NAMES[third]}"
    if one >= 0.6:
        return f"clearly {NAMES[first]}"
    if two >= 0.85 * one:
        return (
            f"{NAMES[first]} and {NAMES[second]} in equal parts"
            if three < 0.7 * two
            else (f"torn between {NAMES[first]}, {NAMES[second]} and {NAMES[third]}")
        )
    return f"mostly {NAMES[first]}, {'some' if two >= 0.2 else 'a little'} {NAMES[second]}"


def stands_out(probabilities: Sequence[float], usual: Sequence[float]) -> tuple[str, float]:
    """The emotion whose probability is the largest multiple of its usual one, and that multiple.

    Args:
        probabilities, usual: eight numbers each, in the fixed order; the usual ones positive.
    """
    multiples = [here / there for here, there in zip(probabilities, usual, strict=True)]
    largest = max(multiples)
    return NAMES[multiples.index(largest)], largest
