"""A round: six covers voted on in a row. Which they are, and which label is shown.

Pure functions of the votes; nothing about a round is kept but its id, in each of its votes.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import ANSWERS, NAMES
from albumjudge.voting.votes import Arm, StoredVote

CARDS = 6
"""Covers in a round."""
ANCHORS_IN_A_ROUND = 2
"""Cards of a round that come from the anchor set, as long as it lasts."""
DEFAULT_ANCHORS = 4
"""Covers of the ballot pool that serve as anchors where no curator chose any: enough for two rounds."""
PLACEBO_SHARE = 1 / 8
"""How often a card shows a random label instead of the jury's."""
PRIOR = 0.5
"""Pseudo-votes for each answer on a cover without votes (Jeffreys' prior)."""

Tally = Mapping[str, int]
"""How many people felt what before a cover, by the names in ``ANSWERS``; what is missing counts as none."""


@dataclass(frozen=True)
class Round:
    """A round, as far as it has come: its id and at most ``CARDS`` votes, in their order."""

    id: str
    cast: tuple[StoredVote, ...]

    @property
    def full(self) -> bool:
        """Whether all its cards have been voted on."""
        return len(self.cast) == CARDS

    @property
    def due(self) -> int:
        """Number of the card that comes next, from 1; one more than ``CARDS`` if the round is full."""
        return len(self.cast) + 1

    def place(self, vote: StoredVote) -> int:
        """Number of the card of one of its votes, from 1."""
        return [cast.cover for cast in self.cast].index(vote.cover) + 1


@dataclass(frozen=True)
class Offer:
    """What is up for a vote: anchors, which every visitor is asked about in this order, and all others."""

    anchors: tuple[CoverIdentity, ...]
    pool: tuple[CoverIdentity, ...]

    def left(self, seen: Collection[CoverIdentity]) -> tuple[CoverIdentity, ...]:
        """What has not been seen yet."""
        return tuple(cover for cover in (*self.anchors, *self.pool) if cover not in seen)


def offer(anchors: Sequence[CoverIdentity], pool: Sequence[CoverIdentity]) -> Offer:
    """What is up for a vote, given the curator's anchors (none: the first of the pool) and the ballot pool."""
    chosen = tuple(anchors) or tuple(pool[:DEFAULT_ANCHORS])
    aside = frozenset(chosen)
    return Offer(chosen, tuple(cover for cover in pool if cover not in aside))


def round_id(visitor: str, number: int) -> str:
    """Id of a visitor's round, from number 0: 16 hex digits, the same in two tabs and after a reload.

    A visitor's id is random and long; nobody gets from the round back to it.
    """
    return hashlib.sha256(f"round {number} of {visitor}".encode()).hexdigest()[:16]


def played(round_id: str, votes: Sequence[StoredVote]) -> Round:
    """A round, from the votes of its visitor (or of all) in the order in which they were cast.

    Two tabs that vote at the very same moment can put a seventh vote into a round; it counts as a vote, but
    belongs to no card.
    """
    return Round(round_id, tuple(vote for vote in votes if vote.round == round_id)[:CARDS])


def current(visitor: str, votes: Sequence[StoredVote]) -> Round:
    """The round that a visitor is in: the first that is not full, given all their votes in order."""
    for number in range(len(votes) + 1):
        found = played(round_id(visitor, number), votes)
        if not found.full:
            break
    return found


def gain(counts: Sequence[int]) -> float:
    """How much one more vote on a cover is expected to tell about the crowd's shares there.

    The shares have a Dirichlet posterior with parameters a_k = n_k + 1/2 and sum A. Its total variance is
    V = (1 - sum m_k^2) / (A + 1), where m_k = a_k / A is also the probability that the next vote is for k. By
    the law of total variance, the expected fall of V is the variance of the posterior mean after that vote:

        sum_k m_k (1 - m_k) / (A + 1)^2 = (1 - sum_k m_k^2) / (A + 1)^2

    It is largest where nobody has voted, and of two covers with as many votes larger where they are divided.
    The order of ``counts`` does not matter, to the last bit, so that ties are ties.
    """
    # Twice the parameters are whole numbers, in which sums do not depend on their order.
    doubled = [2 * count + int(2 * PRIOR) for count in counts]
    total = sum(doubled)
    apart = total * total - sum(parameter * parameter for parameter in doubled)
    return 4 * apart / (total * (total + 2)) ** 2


def anchor_places(round_id: str) -> frozenset[int]:
    """Numbers of the cards on which a round shows anchors.

    They differ from round to round, so that being an anchor is not the same as being seen first.
    """
    ranked = sorted(
        range(1, CARDS + 1), key=lambda card: hashlib.sha256(f"card {card} of {round_id}".encode()).digest()
    )
    return frozenset(ranked[:ANCHORS_IN_A_ROUND])


def choose(
    now: Round,
    seen: Collection[CoverIdentity],
    covers: Offer,
    tallies: Mapping[CoverIdentity, Tally],
    chance: random.Random | None = None,
) -> CoverIdentity | None:
    """The cover to vote on next.

    On two cards of a round the first anchor that the visitor has not met, so that everyone meets the same
    ones; on the others the cover with the largest :func:`gain`, one at random of several. Where one kind has
    run out, the other takes its place; None if the visitor has seen everything.
    """
    anchors = [cover for cover in covers.anchors if cover not in seen]
    others = [cover for cover in covers.pool if cover not in seen]
    if anchors and (now.due in anchor_places(now.id) or not others):
        return anchors[0]
    if not others:
        return None
    gains = {cover: gain([tallies.get(cover, {}).get(name, 0) for name in ANSWERS]) for cover in others}
    most = max(gains.values())
    return (chance or random.SystemRandom()).choice([cover for cover in others if gains[cover] == most])


def draw_label(top: str, chance: random.Random | None = None) -> tuple[str, Arm]:
    """The label to show with a cover, and the arm that this makes: drawn when the vote is cast, kept with it.

    With probability ``PLACEBO_SHARE``, on each card anew, the label is drawn at random, all emotions but the
    jury's own, ``top``, being equally likely: who agrees with its own may just be right, and a habit of saying
    yes to each of the others can be told equally well.
    """
    emotions.index(top)
    chance = chance or random.SystemRandom()
    if chance.random() < PLACEBO_SHARE:
        return chance.choice([name for name in NAMES if name != top]), "placebo"
    return top, "judge"
