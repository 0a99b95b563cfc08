"""One emotion and the covers on which people or the machine felt it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from albumjudge.domain import emotions
from albumjudge.statistics.agreement import FELT, CoverAgreement, Share


@dataclass(frozen=True)
class EmotionOnCover:
    """One emotion on one cover: visitors who felt it, of all who voted, and its probability in the verdict."""

    cover: CoverAgreement
    people: int
    voters: int
    machine: float

    @property
    def share(self) -> float:
        """Share of visitors who felt it."""
        return self.people / self.voters


@dataclass(frozen=True)
class EmotionCovers:
    """Covers of one emotion, those first on which it is felt most.

    Attributes:
        both: it came first, perhaps with others, among visitors, and in the verdict, too.
        people: only among visitors.
        machine: only in the verdict.
        all: every cover with a vote, in the order given.
    """

    both: tuple[EmotionOnCover, ...]
    people: tuple[EmotionOnCover, ...]
    machine: tuple[EmotionOnCover, ...]
    all: tuple[EmotionOnCover, ...]


def covers_of(emotion: str, covers: Iterable[CoverAgreement]) -> EmotionCovers:
    """Sort covers by who felt an emotion most; raises ValueError if it is none of the eight."""
    place = emotions.index(emotion)
    everywhere = tuple(
        EmotionOnCover(row, row.felt[FELT.index(emotion)], sum(row.felt), row.verdict.probabilities[place])
        for row in covers
    )

    def chosen(people: bool, machine: bool) -> list[EmotionOnCover]:
        return [
            here
            for here in everywhere
            if (0 < here.people == max(here.cover.felt)) is people
            and (here.cover.verdict.top == emotion) is machine
        ]

    # The lower end of the interval: three of three visitors say more than one of one.
    def surest(here: EmotionOnCover) -> tuple[float, str]:
        return -Share(here.people, here.voters).interval.low, str(here.cover.cover)

    return EmotionCovers(
        tuple(sorted(chosen(True, True), key=surest)),
        tuple(sorted(chosen(True, False), key=surest)),
        tuple(sorted(chosen(False, True), key=lambda here: (-here.machine, str(here.cover.cover)))),
        everywhere,
    )
