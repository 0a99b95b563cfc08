"""The painters' duel: two covers by two painters whose names are hidden; which one would you hang?"""

from __future__ import annotations

from html import escape

import streamlit as st

from albumjudge.ui import charts, figures, names, prints, visitor
from albumjudge.ui import shell as room
from albumjudge.ui.rooms import painter_duel as duel
from albumjudge.voting.painter_duels import PainterVote, Pair, Picked

room.need_frame()

SIDES: tuple[tuple[Picked, str], ...] = (("left", "Left"), ("right", "Right"))


def question(pair: Pair) -> None:
    """Two covers and three answers."""
    room.from_the_top(f"painters-{pair[0]}-{pair[1]}")
    with st.container(key="duel-words"):
        room.heading(
            "Which one would you hang?", "Two different painters made them; which ones, you are told after."
        )
    shown = room.exhibit().show_each(pair)
    duel.begin(pair)
    with st.container(key="duel"):
        for (side, arrow), judged in zip(SIDES, shown, strict=True):
            with st.container(key=f"print-{side}"):
                st.html(prints.framed(judged.cover, size="large", short=True))
                st.button(
                    f"The {side} one",
                    key=f"hang-{side}-{pair[0].seed}-{pair[1].seed}",
                    shortcut=arrow,
                    on_click=duel.pick,
                    args=(pair, side),
                )
    with st.container(key="neither"):
        st.button(
            "Both alike",
            key=f"hang-tie-{pair[0].seed}-{pair[1].seed}",
            shortcut="0",
            width="stretch",
            on_click=duel.pick,
            args=(pair, "tie"),
        )


def answer(vote: PainterVote) -> None:
    """Who painted the two."""
    sides = {"left": vote.left, "right": vote.right}
    said = (
        "You would hang either."
        if vote.picked == "tie"
        else f"You chose {_called(sides[vote.picked].generator)}."
    )
    room.from_the_top(f"painters-answer-{vote.left}")
    with st.container(key="duel-words"):
        room.heading(said, "These two painted them:")
    with st.container(key="duel"):
        for judged in room.exhibit().show_each([vote.left, vote.right]):
            title = names.title(judged.cover.identity.generator)
            st.html(prints.framed(judged.cover, size="large", short=True, note=title), width="content")
    with st.container(key="duel-onward", horizontal=True):
        st.button("Next pair", key="next-pair", type="primary", shortcut="N", on_click=duel.go_on)


def _called(revision: str) -> str:
    return names.sentence_form(revision)


def so_far() -> None:
    """The ranking; not shown beside a question, where there is one thing to do."""
    votes = duel.store().votes()
    if not votes:
        return
    found = duel.ranking(votes)
    st.html('<div class="prose"><h2>Whose covers people would hang</h2></div>')
    needs = figures.needs(found.painters[0].preferred.unmet)
    st.html(
        f'<p class="quiet wide">{escape(duel.leader(found))} How often a cover would be hung rather than an '
        f"average painter’s (Bradley-Terry, 95 % intervals clustered by visitor; {len(votes):,} choices, "
        f"{found.ties.successes:,} of them ties). {escape(needs)}</p>"
    )
    st.altair_chart(charts.ranking(found, duel.titles(found)), theme=None)


def sorry(sentence: str) -> None:
    """Say that a choice is not stored, and offer to try again while it is kept."""
    with st.container(key="apology"):
        st.html(f'<p class="sentence" role="alert">{escape(sentence)}</p>')
        if duel.waits():
            st.button("Try again", type="primary", key="try-hanging-again")


def painters_duel() -> None:
    if trouble := duel.cast():
        sorry(trouble)
        if duel.waits():
            return
    vote = duel.judged()
    if vote is not None:
        answer(vote)
        so_far()
    elif not duel.is_open():
        room.heading("The painters’ duel", "The exhibit is closed at the moment and takes no votes.")
        so_far()
    elif len(duel.painters()) < 2:
        room.heading("The painters’ duel", "Only one painter is here, so there is nobody to compare it with.")
    else:
        question(duel.store().next_for(visitor.current(), duel.painters()))


painters_duel()
