"""How the painters rank by which of their covers visitors would hang."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from albumjudge.statistics.bradley_terry import Comparison, PainterRanking, rank
from albumjudge.ui import names
from albumjudge.ui.words import _
from albumjudge.voting.painter_duels import PainterVote

_CHOSEN: dict[str, Literal["first", "second", "tie"]] = {"left": "first", "right": "second", "tie": "tie"}


def ranking(votes: Sequence[PainterVote]) -> PainterRanking:
    """Painters by how often their covers are chosen, worked out anew with every vote."""
    return _ranking((len(votes), hash(tuple(votes))), votes)


@st.cache_data(show_spinner=False, max_entries=4)
def _ranking(key: tuple[int, int], _votes: Sequence[PainterVote]) -> PainterRanking:
    return rank(
        [
            Comparison(vote.left.generator, vote.right.generator, _CHOSEN[vote.picked], vote.visitor)
            for vote in _votes
        ]
    )


def titles(found: PainterRanking) -> dict[str, str]:
    """What visitors call the painters of a ranking."""
    return names.titles([one.painter for one in found.painters])


def leader(found: PainterRanking) -> str:
    """Who is ahead, in a sentence that claims no more than the interval does."""
    first = found.painters[0]
    if first.lead is None or first.lead.unmet or not (first.lead.beside(0) or 0):
        return _("Who is ahead cannot be told yet.")
    return _("Ahead of all others so far: {painter}.", painter=titles(found)[first.painter])
