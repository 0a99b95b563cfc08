"""Whether visitors find the wished emotion in the steered cover of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.findings import Figure, Need, share_figure, weighted_mean
from albumjudge.statistics.intervals import estimates
from albumjudge.voting.duels import DuelVote

FEWEST_CHOICES = 30
FEWEST_VISITORS = 5
FEWEST_DUELS = 10
FEWEST_FOR_ONE = 10
"""Choices that one emotion needs."""
FEWEST_DUELS_FOR_ONE = 3


@dataclass(frozen=True)
class DuelFindings:
    """Votes in duels.

    ``after`` is the share of decided ones for the steered cover, ``left`` that for the one on the left.
    """

    after: Figure
    neither: Share
    left: Share
    by_emotion: tuple[tuple[str, Figure], ...]


def find(votes: Sequence[DuelVote]) -> DuelFindings:
    """Work it all out; no votes give figures without values."""
    decided = [vote for vote in votes if vote.chosen != "neither"]
    return DuelFindings(
        _share_for_after(decided, FEWEST_CHOICES, FEWEST_DUELS),
        Share(len(votes) - len(decided), len(votes)),
        Share(sum(vote.chosen == vote.left_shown for vote in decided), len(decided)),
        tuple(
            (
                name,
                _share_for_after(
                    [vote for vote in decided if vote.emotion == name], FEWEST_FOR_ONE, FEWEST_DUELS_FOR_ONE
                ),
            )
            for name in NAMES
        ),
    )


def _share_for_after(decided: Sequence[DuelVote], choices: int, duels: int) -> Figure:
    after = np.array([vote.chosen == "after" for vote in decided], np.float64)
    duel = np.array([vote.duel for vote in decided], np.intp)
    _, visitor = np.unique([vote.visitor for vote in decided], return_inverse=True)

    needs = (
        Need("choices", choices, len(decided)),
        Need("visitors", FEWEST_VISITORS, len(np.unique(visitor))),
        Need("pairs", duels, len(np.unique(duel))),
    )
    (estimate,) = estimates(lambda weights: weighted_mean(after, weights), duel, visitor.astype(np.intp))
    return share_figure(Share(int(after.sum()), len(after)), estimate, needs)
