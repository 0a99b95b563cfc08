"""Which votes are counted, why others are not, and which visitors a curator should look at.

Nothing is left out in silence, and nobody for odd votes alone: some people are quick, and some find the same
feeling everywhere. :func:`suspects` only suggests, from votes enough that neither is likely by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from albumjudge.domain.emotions import NOTHING
from albumjudge.voting.duels import DuelVote
from albumjudge.voting.votes import StoredVote

Reason = Callable[[StoredVote], bool]
"""Whether a vote falls under the reason. Reasons come as mappings from plain words, fit for a page."""

EARLIER_GENERATOR = "on covers by an earlier generator"
BY_CURATOR = "by visitors whom the curator leaves out ({reason})"
FELT_NOTHING = "for “nothing, or something else”"
PLACEBO = "shown a label drawn at random, the placebo"
TOO_FAST = "that came faster than anyone can look"
EARLIER_JUDGE = "beside a verdict of an earlier judge"
PARTLY: dict[str, Reason] = {
    FELT_NOTHING: lambda vote: vote.felt == NOTHING,
    PLACEBO: lambda vote: vote.arm == "placebo",
}
"""Votes that count in some numbers and not in others."""

FEWEST_FAST = 6
"""Votes, a round's worth, before haste is remarked on."""
HASTE = 1.0
"""Seconds. Reading nine answers takes longer; one quick vote is a slip, so half of the votes must be as quick."""
FEWEST_SAME = 10
"""Votes before sameness is remarked on: who gives one answer even half of the time does so ten times in a row
once in a thousand tries."""


@dataclass(frozen=True)
class Sifted:
    """Votes that count, and how many each reason left out, in the order of the reasons."""

    counted: tuple[StoredVote, ...]
    left_out: Mapping[str, int]


def partly_now(votes: Sequence[StoredVote]) -> dict[str, Reason]:
    """``PARTLY``, and votes that stand beside another judge's verdict than the vote cast last."""
    reasons = dict(PARTLY)
    if len({vote.verdict.revision for vote in votes}) > 1:
        current = votes[-1].verdict.revision
        reasons[EARLIER_JUDGE] = lambda vote: vote.verdict.revision != current
    return reasons


def sift(votes: Sequence[StoredVote], reasons: Mapping[str, Reason]) -> Sifted:
    """Leave votes out; one that several reasons fit is counted under the first of them."""
    counted: list[StoredVote] = []
    left_out = dict.fromkeys(reasons, 0)
    for vote in votes:
        words = next((words for words, fits in reasons.items() if fits(vote)), None)
        if words is None:
            counted.append(vote)
        else:
            left_out[words] += 1
    return Sifted(tuple(counted), left_out)


def tally(votes: Sequence[StoredVote], reasons: Mapping[str, Reason]) -> dict[str, int]:
    """How many votes each reason fits; a vote may fit several."""
    return {words: sum(map(fits, votes)) for words, fits in reasons.items()}


def reasons_now(votes: Sequence[StoredVote], left_out: Mapping[str, str] | None = None) -> dict[str, Reason]:
    """Why votes are left out of all comparisons: by the curator's word, too fast, by an earlier generator.

    The current generator is the one that painted the last vote's cover, so that no network need be loaded.

    Args:
        votes: in the order in which they were cast.
        left_out: visitor -> why the curator leaves them out.
    """
    excluded = left_out or {}
    reasons: dict[str, Reason] = {}
    for reason in dict.fromkeys(excluded.values()):
        visitors = frozenset(visitor for visitor, why in excluded.items() if why == reason)
        reasons[BY_CURATOR.format(reason=reason)] = _cast_by(visitors)
    if any(vote.suspect for vote in votes):
        reasons[TOO_FAST] = lambda vote: vote.suspect
    counted = [vote for vote in votes if vote.visitor not in excluded and not vote.suspect]
    if counted:
        current = counted[-1].cover.generator
        reasons[EARLIER_GENERATOR] = lambda vote: vote.cover.generator != current
    return reasons


def _cast_by(visitors: Collection[str]) -> Reason:
    return lambda vote: vote.visitor in visitors


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
