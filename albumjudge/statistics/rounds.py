"""What came of a round: the visitor beside the machine and the crowd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import ANSWERS, NAMES
from albumjudge.statistics.agreement import Share
from albumjudge.voting.rounds import Round, Tally
from albumjudge.voting.votes import StoredVote

A_CROWD = 5
"""Other visitors who must have voted on a cover before anyone is told what they felt."""
EVERYONE = 30
"""Votes of others that it takes before a visitor's profile is held against theirs."""
SELDOM = 1 / 5
"""Who felt what less than this share of the others felt stood alone."""


def crowd(people: Sequence[int]) -> str | None:
    """What most of ``people``, as ``ANSWERS``, felt; None if they are too few, or torn."""
    most = max(people)
    return None if sum(people) < A_CROWD or people.count(most) > 1 else ANSWERS[people.index(most)]


@dataclass(frozen=True)
class Card:
    """One cover of a round, afterwards.

    Attributes:
        vote: the visitor's.
        others: what the other visitors felt, as ``ANSWERS``.
    """

    vote: StoredVote
    others: tuple[int, ...]

    @property
    def crowd(self) -> str | None:
        """What most of the others felt; None if they are too few, or torn."""
        return crowd(self.others)

    @property
    def alike(self) -> Share:
        """Of the others, those who felt as the visitor did."""
        return Share(self.others[ANSWERS.index(self.vote.felt)], sum(self.others))


@dataclass(frozen=True)
class Profile:
    """Shares of the eight emotions, in the fixed order, in ``votes`` votes; the rest felt nothing of these."""

    shares: tuple[float, ...]
    votes: int


@dataclass(frozen=True)
class Summary:
    """What came of a round.

    Attributes:
        id: of the round.
        cards: its covers, in their order.
        with_machine: covers on which the visitor felt what the jury puts first, of all.
        with_crowd: covers on which the visitor felt what most others felt, of those where that is known.
        crowd_with_machine: covers on which most others felt what the jury puts first, of the same.
        alone: the card on which fewest others felt as the visitor did; None if they were never few.
        yours: the visitor's profile, over all votes up to the end of this round.
        everyone: the others' profile, over all covers; None while they have cast too few votes.
        others_votes: how many the others have cast.
    """

    id: str
    cards: tuple[Card, ...]
    with_machine: Share
    with_crowd: Share
    crowd_with_machine: Share
    alone: Card | None
    yours: Profile
    everyone: Profile | None
    others_votes: int

    @property
    def placebos(self) -> tuple[Card, ...]:
        """The cards on which the label was drawn at random."""
        return tuple(card for card in self.cards if card.vote.arm == "placebo")


def card(vote: StoredVote, tally: Tally) -> Card:
    """A vote beside what the others felt; ``tally`` is without the visitor's own."""
    return Card(vote, tuple(tally.get(name, 0) for name in ANSWERS))


def profile(counts: Tally) -> Profile | None:
    """Shares of the emotions; None without votes."""
    votes = sum(counts.get(name, 0) for name in ANSWERS)
    return Profile(tuple(counts.get(name, 0) / votes for name in NAMES), votes) if votes else None


def summarise(
    this: Round, votes: Sequence[StoredVote], tallies: Mapping[CoverIdentity, Tally]
) -> Summary | None:
    """Sum a round up.

    Args:
        this: the round.
        votes: all votes of its visitor, in the order in which they were cast.
        tallies: the votes of all others that count.

    Returns:
        None if the round has no vote.
    """
    if not this.cast:
        return None
    cards = tuple(card(vote, tallies.get(vote.cover, {})) for vote in this.cast)
    known = [one for one in cards if one.crowd is not None]
    strange = [one for one in cards if sum(one.others) >= A_CROWD and (one.alike.value or 0) < SELDOM]
    so_far = votes[: votes.index(this.cast[-1]) + 1]
    yours = profile(_count(so_far))
    elsewhere = {name: sum(tally.get(name, 0) for tally in tallies.values()) for name in ANSWERS}
    everyone = profile(elsewhere)
    assert yours is not None
    return Summary(
        this.id,
        cards,
        Share(sum(one.vote.felt == one.vote.verdict.top for one in cards), len(cards)),
        Share(sum(one.vote.felt == one.crowd for one in known), len(known)),
        Share(sum(one.crowd == one.vote.verdict.top for one in known), len(known)),
        min(strange, key=lambda one: (one.alike.value or 0, -sum(one.others)), default=None),
        yours,
        everyone if everyone is not None and everyone.votes >= EVERYONE else None,
        sum(elsewhere.values()),
    )


def _count(votes: Sequence[StoredVote]) -> dict[str, int]:
    felt = [vote.felt for vote in votes]
    return {name: felt.count(name) for name in ANSWERS}
