"""Votes as arrays, the form in which the statistics want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.statistics.agreement import FELT
from albumjudge.voting.votes import StoredVote

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class VoteArrays:
    """n votes on C covers, as arrays.

    ``verdicts`` are the latest on each cover, (C, 8), rows add up to one; the others have shape (n,): place in
    ``covers``, number of the visitor, place in ``FELT``, top emotion of the verdict on record with the vote.
    """

    covers: tuple[CoverIdentity, ...]
    verdicts: NDArray[np.float64]
    cover: Places
    visitor: Places
    felt: Places
    said: Places

    def __len__(self) -> int:
        return len(self.cover)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Votes by cover and by what was felt, shape (C, 9), columns as ``FELT``."""
        counts = np.zeros((len(self.covers), len(FELT)), np.int64)
        np.add.at(counts, (self.cover, self.felt), 1)
        return counts

    def only(self, chosen: NDArray[np.bool_]) -> VoteArrays:
        """The chosen votes, ``chosen`` of shape (n,); the covers stay, be there votes on them or not."""
        return VoteArrays(
            self.covers,
            self.verdicts,
            self.cover[chosen],
            self.visitor[chosen],
            self.felt[chosen],
            self.said[chosen],
        )

    def named(self) -> VoteArrays:
        """The votes for one of the eight emotions."""
        return self.only(self.felt < len(emotions.NAMES))

    def on_covers_with(self, fewest: int) -> VoteArrays:
        """The votes on covers that have at least ``fewest`` of them."""
        return self.only(np.bincount(self.cover, minlength=len(self.covers))[self.cover] >= fewest)


def from_votes(votes: Sequence[StoredVote]) -> VoteArrays:
    """Turn votes into arrays."""
    covers: dict[CoverIdentity, int] = {}
    visitors: dict[str, int] = {}
    cover = [covers.setdefault(vote.cover, len(covers)) for vote in votes]
    visitor = [visitors.setdefault(vote.visitor, len(visitors)) for vote in votes]
    verdicts = np.zeros((len(covers), len(emotions.NAMES)))
    for vote in sorted(votes, key=lambda vote: vote.voted_at):
        verdicts[covers[vote.cover]] = vote.verdict.probabilities
    # Verdicts may miss one by a thousandth; distributions are compared here.
    verdicts /= verdicts.sum(axis=1, keepdims=True)
    return VoteArrays(
        tuple(covers),
        verdicts,
        np.array(cover, np.intp),
        np.array(visitor, np.intp),
        np.array([FELT.index(vote.felt) for vote in votes], np.intp),
        np.array([emotions.index(vote.verdict.top) for vote in votes], np.intp),
    )
