"""Your portrait: what moves you, against the crowd and the jurors, and where you stood alone."""

from __future__ import annotations

from html import escape

import streamlit as st

from albumjudge.statistics.portrait import FEWEST_VOTES, Portrait
from albumjudge.ui import charts, prints, visitor
from albumjudge.ui import shell as room
from albumjudge.ui.rooms import likeness
from albumjudge.voting.votes import StoredVote

room.need_frame()

MOST_ALONE = 6


def drawn(portrait: Portrait, mine: list[StoredVote]) -> None:
    """The portrait itself."""
    room.heading(
        "Your portrait", f"What moves you, from {portrait.votes} votes. Nobody else can see this page."
    )
    st.html(f'<p class="finding">{escape(likeness.moved(portrait))}</p>')
    with st.container(key="side-by-side-portrait"):
        with st.container():
            st.html('<h2 class="row-title">You and the others</h2>')
            if portrait.leans:
                st.html(
                    f'<p class="quiet">Before the same {portrait.compared} covers. Bars are 95 % intervals; '
                    "where one crosses the dashed line, chance may be all there is.</p>"
                )
                st.altair_chart(charts.leans(portrait), theme=None)
            else:
                st.html(
                    f'<p class="quiet">On {portrait.compared} of your covers enough others have voted so far.</p>'
                )
        with st.container():
            if sentence := likeness.juror(portrait):
                st.html(f'<h2 class="row-title">You and the jury</h2><p class="says">{escape(sentence)}</p>')
                st.page_link(room.JURY, label="Meet the jurors")
            st.download_button(
                "Keep it as a picture",
                likeness.card(portrait, mine),
                "portrait.png",
                "image/png",
                key="portrait-card",
                on_click="ignore",
            )
    if alone := likeness.covers_alone(portrait, MOST_ALONE):
        st.html('<h2 class="row-title">Where you stood alone</h2>')
        shown = "".join(
            prints.framed(
                cover,
                size="small",
                short=True,
                feeling=f"you: {one.felt}",
                note=f"most others: {one.most}; {one.alike.successes} of {one.alike.trials} with you",
            )
            for one, cover in alone
        )
        st.html(f'<div class="row">{shown}</div>')


def your_portrait() -> None:
    who = visitor.current()
    mine = room.vote_store().votes(visitor=who)
    portrait = likeness.of(who, mine)
    if portrait is not None:
        drawn(portrait, mine)
        return
    left = FEWEST_VOTES - len(mine)
    room.heading(
        "Your portrait",
        f"After {FEWEST_VOTES} votes it says what moves you, which juror is most like you, and where you "
        f"stood alone. {'One is' if left == 1 else f'{left} are'} missing.",
    )
    st.page_link(room.VOTE, label="Vote on a cover")


your_portrait()
