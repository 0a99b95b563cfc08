"""One emotion and the covers on which people or the machine felt it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from albumjudge.domain import emotions
from albumjudge.statistics.agreement import FELT, CoverAgreement, Share


@dataclass(frozen=True)
class EmotionOnCover:
    """One emotion on one cover.

    Attributes:
        cover: people against machine there.
        people: visitors who felt the emotion.
        voters: all visitors who voted on the cover.
        machine: the probability that the verdict gives it.
    """

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
        both: no feeling was more frequent among visitors, and the machine felt it most, too.
        people: only the visitors felt it most.
        machine: only the machine did.
        all: every cover with a vote, on which it was felt or not, in the order given.
    """

    both: tuple[EmotionOnCover, ...]
    people: tuple[EmotionOnCover, ...]
    machine: tuple[EmotionOnCover, ...]
    all: tuple[EmotionOnCover, ...]


def covers_of(emotion: str, covers: Iterable[CoverAgreement]) -> EmotionCovers:
    """Sort covers by who felt an emotion most.

    Raises:
        ValueError: if the emotion is none of the eight.
    """
    place = emotions.index(emotion)
    everywhere = tuple(
        EmotionOnCover(row, row.felt[FELT.index(emotion)], sum(row.felt), row.verdict.probabilities[place])
        for row in covers
    )
    both, people, machine = [], [], []
    for here in everywhere:
        by_people = here.people > 0 and here.people == max(here.cover.felt)
        by_machine = here.cover.verdict.top == emotion
        if by_people and by_machine:
            both.append(here)
        elif by_people:
            people.append(here)
        elif by_machine:
            machine.append(here)
    return EmotionCovers(_by_people(both), _by_people(people), _by_machine(machine), everywhere)


def _by_people(rows: list[EmotionOnCover]) -> tuple[EmotionOnCover, ...]:
    # The lower end of the interval: three of three visitors say more than one of one.
    return tuple(sorted(rows, key=lambda row: (-_surely(row), str(row.cover.cover))))


def _by_machine(rows: list[EmotionOnCover]) -> tuple[EmotionOnCover, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.machine, str(row.cover.cover))))


def _surely(row: EmotionOnCover) -> float:
    return Share(row.people, row.voters).interval.low
