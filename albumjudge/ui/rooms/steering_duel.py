"""The dialogue's duels: which of two covers is more of a feeling, and what others chose."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge.statistics import duel_findings
from albumjudge.statistics.agreement import Share
from albumjudge.ui import duels as pairs
from albumjudge.ui import prints, visitor
from albumjudge.ui import shell as room
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import Duel, DuelStore, Picked
from albumjudge.voting.store import ClosedError


@dataclass(frozen=True)
class Pick:
    """What a visitor chose in a duel and could not be stored yet."""

    duel: int
    picked: Picked
    seconds: float


def duel_store() -> DuelStore:
    return DuelStore(room.engine())


def go(**query: str) -> None:
    """To another view of this room."""
    st.query_params.from_dict(query)
    st.rerun()


def duel_room(asked: str) -> None:
    """The pair in the link, or the next one, and what all pairs say so far."""
    try:
        show_pair(asked)
    except VoteError as error:
        waiting: Pick | None = st.session_state.get("pick")
        if waiting is None:
            raise
        not_stored(waiting, str(error))


def show_pair(asked: str) -> None:
    duels, who = duel_store(), visitor.current()
    own: set[int] = st.session_state.get("own-duels", set())
    duel = duels.find(int(asked)) if asked.isdecimal() and asked.isascii() and len(asked) < 10 else None
    if duel is None or duel.id in own:
        duel = duels.next_for(who, without=own)
        if duel is not None:
            st.query_params.from_dict({"duel": str(duel.id)})
    voted = duel is not None and duels.vote_of(who, duel.id) is not None
    if not voted and not CurationStore(room.engine()).is_open():
        st.session_state.pop("pick-now", None)
        late: str | None = st.session_state.pop("too-late", None)
        if st.session_state.pop("pick", None) is not None:
            late = str(ClosedError("Your choice was not stored"))
        room.heading(
            "No pairs at the moment",
            f"{late or 'The exhibit is closed at the moment and takes no votes.'} "
            "Covers can still be led wherever you like.",
        )
        so_far(duels)
    elif duel is None:
        room.heading(
            "No pair is waiting for you",
            "You have judged all that there are. Lead a cover somewhere and put the pair to the vote: others "
            "will judge it.",
        )
        so_far(duels)
    elif not voted:
        question(duels, who, duel)
    else:
        answer(duels, who, duel)
        so_far(duels)
    if st.button("← Lead a cover yourself", key="back-to-offer", type="tertiary"):
        go()


def so_far(duels: DuelStore) -> None:
    """What all pairs say; not shown beside a question, where there is one thing to do."""
    st.html(pairs.running_result(duel_findings.find(duels.votes())))


def pick(duel: int, side: Picked) -> None:
    """Keep what was picked, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), f"duel {duel}")
    st.session_state["pick"] = Pick(duel, side, seconds)
    pick_now()


def pick_now() -> None:
    st.session_state["pick-now"] = True


def question(duels: DuelStore, who: str, duel: Duel) -> None:
    """Two covers and three answers."""
    room.from_the_top(f"duel-{duel.id}")
    with st.container(key="duel-words"):
        room.heading(
            pairs.QUESTIONS[duel.emotion],
            "One of the two was repainted to be so; you are not told which. Trust your own eyes.",
        )
    visitor.first_sights().seconds(who, f"duel {duel.id}")  # The clock starts.
    with st.container(key="duel"):
        sides: tuple[tuple[Picked, str], ...] = (("left", "Left"), ("right", "Right"))
        for (side, arrow), cover in zip(sides, duel.hung(who), strict=True):
            with st.container(key=f"print-{side}"):
                st.html(prints.framed(cover, size="large", short=True))
                st.button(
                    f"The {side} one",
                    key=f"pick-{side}-{duel.id}",
                    shortcut=arrow,
                    on_click=pick,
                    args=(duel.id, side),
                )
    with st.container(key="neither"):
        st.button(
            "I see no difference",
            key=f"pick-neither-{duel.id}",
            shortcut="0",
            width="stretch",
            on_click=pick,
            args=(duel.id, "neither"),
        )
    waiting: Pick | None = st.session_state.get("pick")
    if waiting is not None and waiting.duel == duel.id:
        if st.session_state.pop("pick-now", False):
            cast(duels, who, waiting)
        else:
            not_stored(waiting, "Your choice is not stored yet.")


def cast(duels: DuelStore, who: str, waiting: Pick) -> None:
    """Store a choice; if the database does not take it, keep it."""
    try:
        duels.cast(
            visitor=who,
            duel=waiting.duel,
            picked=waiting.picked,
            seconds_to_vote=waiting.seconds,
            suspect=visitor.comes_in_floods(),
        )
    except ClosedError as error:
        st.session_state.pop("pick", None)
        st.session_state["too-late"] = str(error)
        go(duel=str(waiting.duel))
    except VoteError as error:
        not_stored(waiting, str(error))
        return
    st.session_state.pop("pick", None)
    # Quicker than the browser can take over the link of a pair that it was just shown.
    go(duel=str(waiting.duel))


def not_stored(waiting: Pick, sentence: str) -> None:
    chosen = "no difference" if waiting.picked == "neither" else f"the {waiting.picked} one"
    with st.container(key="apology"):
        st.html(
            f'<p class="sentence" role="alert">{escape(sentence)} Your choice, {chosen}, is kept here.</p>'
        )
        st.button("Try again", type="primary", key="try-picking-again", on_click=pick_now)


def answer(duels: DuelStore, who: str, duel: Duel) -> None:
    """Which one was repainted, and what others chose."""
    vote = duels.vote_of(who, duel.id)
    assert vote is not None
    room.from_the_top(f"duel-{duel.id}-answer")
    yours = {
        "after": "You chose the repainted one.",
        "before": "You chose the one it began with.",
        "neither": "You saw no difference.",
    }[vote.chosen]
    others = [other for other in duels.votes(duel=duel.id) if other.visitor != who]
    decided = [other for other in others if other.chosen != "neither"]
    crowd = Share(sum(other.chosen == "after" for other in decided), len(decided))
    with st.container(key="duel-words"):
        room.heading(yours, pairs.rise(duel.emotion, duel.share_before, duel.share_after))
    with st.container(key="duel"):
        for cover in duel.hung(who):
            note = "repainted" if cover is duel.after else "as it was"
            st.html(prints.framed(cover, size="large", short=True, note=note), width="content")
    with st.container(key="duel-words-others"):
        st.html(f'<p class="quiet">{escape(pairs.crowd_on_pair(crowd, len(others) - len(decided)))}</p>')
    with st.container(key="duel-onward", horizontal=True):
        if st.button("Next pair", key="next-pair", type="primary", shortcut="N"):
            go(duel="next")
        if st.button("Lead this cover on", key="lead-on"):
            go(cover=str(duel.after.identity))
