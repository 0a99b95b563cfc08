"""The painters' duel: which of two covers a visitor would hang, and how the painters rank by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from albumjudge.statistics.bradley_terry import Comparison, PainterRanking, rank
from albumjudge.ui import names, shell, visitor
from albumjudge.ui.words import _, translate
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.painter_duels import PainterDuelStore, PainterVote, Pair, Picked
from albumjudge.voting.store import ClosedError

_WAITING, _JUDGED = "painter-pick", "painter-judged"
_CHOSEN: dict[str, str] = {"left": "first", "right": "second", "tie": "tie"}


@dataclass(frozen=True)
class Pick:
    """What a visitor chose and is not known to be stored yet."""

    pair: Pair
    side: Picked
    seconds: float


def store() -> PainterDuelStore:
    """The votes on painters."""
    return PainterDuelStore(shell.engine())


def painters() -> list[str]:
    """Revisions of those who paint here."""
    return [painter.revision for painter in shell.exhibit().painters]


def is_open() -> bool:
    """Whether votes are taken."""
    return CurationStore(shell.engine()).is_open()


def begin(pair: Pair) -> None:
    """Start the clock of a pair."""
    visitor.first_sights().seconds(visitor.current(), _name(pair))


def pick(pair: Pair, side: Picked) -> None:
    """Keep what was picked, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), _name(pair))
    st.session_state[_WAITING] = Pick(pair, side, seconds)


def cast() -> str | None:
    """Store the choice that waits, if there is one; a sentence if it could not be stored."""
    waiting: Pick | None = st.session_state.get(_WAITING)
    if waiting is None:
        return None
    left, right = (judged.cover for judged in shell.exhibit().show_each(waiting.pair))
    try:
        st.session_state[_JUDGED] = store().cast(
            visitor=visitor.current(),
            left=left,
            right=right,
            picked=waiting.side,
            seconds_to_vote=waiting.seconds,
            suspect=visitor.comes_in_floods(),
        )
    except ClosedError as error:
        del st.session_state[_WAITING]
        return translate(str(error))
    except VoteError as error:
        return f"{translate(str(error))} {_('Your choice is kept here.')}"
    del st.session_state[_WAITING]
    return None


def waits() -> bool:
    """Whether a choice is not stored yet."""
    return _WAITING in st.session_state


def judged() -> PainterVote | None:
    """The visitor's last vote, until the next pair is asked for."""
    found: PainterVote | None = st.session_state.get(_JUDGED)
    return found


def go_on() -> None:
    """To the next pair."""
    st.session_state.pop(_JUDGED, None)


def ranking(votes: Sequence[PainterVote]) -> PainterRanking:
    """Painters by how often their covers are chosen, worked out anew with every vote."""
    return _ranking((len(votes), hash(tuple(votes))), votes)


@st.cache_data(show_spinner=False, max_entries=4)
def _ranking(key: tuple[int, int], _votes: Sequence[PainterVote]) -> PainterRanking:
    return rank(
        [
            Comparison(
                vote.left.generator,
                vote.right.generator,
                _CHOSEN[vote.picked],  # type: ignore[arg-type]
                vote.visitor,
            )
            for vote in _votes
        ]
    )


def titles(found: PainterRanking) -> dict[str, str]:
    """What visitors call the painters of a ranking."""
    return names.titles([one.painter for one in found.painters])


def leader(found: PainterRanking) -> str:
    """Who is ahead, in a sentence that claims no more than the interval does."""
    first, called = found.painters[0], titles(found)
    if first.lead is None or first.lead.unmet or not (first.lead.beside(0) or 0):
        return _("Who is ahead cannot be told yet.")
    return _("Ahead of all others so far: {painter}.", painter=called[first.painter])


def _name(pair: Pair) -> str:
    return " and ".join(map(str, pair))
