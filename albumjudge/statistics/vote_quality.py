"""Visitors whose votes look as if nobody had looked: for a curator to judge, never to act upon alone.

Someone may be quick, and someone may find the same feeling everywhere. So this only suggests, from votes
enough that neither is likely by chance, and says what it saw.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from albumjudge.domain.emotions import NOTHING
from albumjudge.voting.duels import DuelVote
from albumjudge.voting.votes import StoredVote

FEWEST_FAST = 6
"""Votes, a round's worth, before haste is remarked on."""
HASTE = 1.0
"""Seconds. Reading nine answers takes longer; one quick vote is a slip, so half of the votes must be as quick."""
FEWEST_SAME = 10
"""Votes before sameness is remarked on: who gives one answer even half of the time does so ten times in a row
once in a thousand tries."""


@dataclass(frozen=True)
class Suspect:
    """A visitor to look at, why, how many votes they cast, and the median seconds to one."""

    visitor: str
    reason: str
    votes: int
    seconds: float


def suspects(
    votes: Sequence[StoredVote], known: Collection[str] = (), choices: Sequence[DuelVote] = ()
) -> list[Suspect]:
    """Visitors whose votes look odd, those with most votes first.

    Args:
        votes: everyone's.
        known: visitors whom the curator has dealt with, to be left out.
        choices: everyone's between pairs. Which cover hangs left is drawn by lot, so who always takes the same
            side does not look; who never sees a difference may.
    """
    by_visitor: dict[str, list[StoredVote]] = {}
    for vote in votes:
        by_visitor.setdefault(vote.visitor, []).append(vote)
    pairs: dict[str, list[DuelVote]] = {}
    for choice in choices:
        pairs.setdefault(choice.visitor, []).append(choice)
    found = []
    for visitor in dict.fromkeys([*by_visitor, *pairs]):
        theirs, chosen = by_visitor.get(visitor, []), pairs.get(visitor, [])
        times = [vote.seconds_to_vote for vote in theirs] + [choice.seconds_to_vote for choice in chosen]
        seconds = median(times)
        reasons = []
        if len(times) >= FEWEST_FAST and seconds < HASTE:
            reasons.append(f"too fast: half of the votes took less than {max(0.1, seconds):.1f} seconds")
        answers = {vote.felt for vote in theirs}
        if len(theirs) >= FEWEST_SAME and len(answers) == 1:
            answer = answers.pop()
            word = "nothing, or something else" if answer == NOTHING else answer
            reasons.append(f"always the same answer: {word}")
        sides = {one.chosen == one.left_shown for one in chosen if one.chosen != "neither"}
        decided = sum(one.chosen != "neither" for one in chosen)
        if decided >= FEWEST_SAME and len(sides) == 1:
            reasons.append(f"always the {'left' if sides.pop() else 'right'} cover of a pair")
        if reasons and visitor not in known:
            found.append(Suspect(visitor, "; ".join(reasons), len(times), seconds))
    return sorted(found, key=lambda suspect: (-suspect.votes, suspect.visitor))
