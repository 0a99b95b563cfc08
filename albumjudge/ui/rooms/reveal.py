"""A ballot and what is revealed after it: your word, the machine's eight feelings, the crowd's."""

from __future__ import annotations

from html import escape

import streamlit as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.ui import charts
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.rooms.ballot import (
    Choice,
    cast_now,
    choose,
)
from albumjudge.ui.round_summary import NOTHING_WORDS
from albumjudge.voting.votes import StoredVote, VoteStore

_SIGN = {emotion.name: emotion.sign for emotion in EMOTIONS}


SEEN = "machine-seen"
"""In the session: covers whose label cannot be asked about any more, since the machine's answer was shown."""


def choices(identity: CoverIdentity) -> None:
    """The nine answers."""
    # The cover is part of each button's key: a late click on one ballot must never count on another.
    with st.container(key="choices"):
        for number, name in enumerate(charts.ON_SIDES, start=1):
            st.button(
                name,
                key=f"felt-{name}-{identity.seed}",
                shortcut=str(number),
                width="stretch",
                on_click=choose,
                args=(identity, name),
            )
    st.button(
        NOTHING_WORDS,
        key=f"felt-{NOTHING}-{identity.seed}",
        shortcut="0",
        width="stretch",
        on_click=choose,
        args=(identity, NOTHING),
    )


def not_stored(choice: Choice, sentence: str) -> None:
    felt = NOTHING_WORDS if choice.felt == NOTHING else choice.felt
    with st.container(key="apology"):
        st.html(
            f'<p class="sentence" role="alert">{escape(sentence)} Your choice, {escape(felt)}, is '
            "kept here.</p>"
        )
        st.button("Try again", type="primary", key="try-casting-again", on_click=cast_now)


def your_words(felt: str) -> str:
    if felt == NOTHING:
        return "You felt nothing, or something else."
    return f'You felt <b class="hue-{felt}">{_SIGN[felt]} {felt}</b>.'


def machine_and_crowd(box: VoteStore, vote: StoredVote, disclosed: bool) -> None:
    """What the jury and the others felt."""
    others = round_summaries.card(vote, box.crowd(vote.cover, without=vote.visitor))
    eight = sum(others.others[: len(NAMES)])
    enough = sum(others.others) >= round_summaries.A_CROWD and eight > 0
    shares = [people / eight for people in others.others[: len(NAMES)]] if enough else None
    with st.container(key="breath-2"):
        st.html(
            summing_up.meeting(vote.felt, vote.verdict.top)
            + f'<p class="machine">The machine feels {escape(vote.verdict.words)}.</p>'
            '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
            f'<p class="heard">{escape(charts.spoken(vote.verdict.probabilities))}</p>'
        )
        st.vega_lite_chart(
            charts.distribution(vote.verdict.probabilities, felt=vote.felt, others=shares), theme=None
        )
    with st.container(key="breath-3"):
        legend = f" In the chart, bars are the machine, upright lines the {eight} others." if shares else ""
        asked = "" if str(vote.cover) in st.session_state.get(SEEN, ()) else _label(vote, disclosed)
        st.html(f'{asked}<p class="quiet">{escape(summing_up.crowd_sentence(others) + legend)}</p>')


def _label(vote: StoredVote, disclosed: bool) -> str:
    """HTML of what was answered about the label, and, once that is told, that it was drawn at random."""
    said = {True: "You agree with", False: "You do not agree with", None: "You gave no answer to"}[
        vote.agrees
    ]
    aside = ""
    if vote.arm == "placebo":
        aside = (
            " That label was drawn at random, to see who agrees out of politeness; the machine’s own would have "
            f"been “{vote.verdict.top}”."
            if disclosed
            else " It does not go with the chart? The end of the round explains."
        )
    return f'<p class="quiet said">{said} the label “{escape(vote.label_shown)}”.{escape(aside)}</p>'
