"""Which votes are counted, and why others are not: nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from albumjudge.domain.emotions import NOTHING
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
