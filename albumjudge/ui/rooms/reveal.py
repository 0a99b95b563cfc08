"""The nine answers, and what is revealed after one: your word, the machine's eight feelings, the crowd's."""

from __future__ import annotations

import streamlit as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.ui import charts, markup
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.rooms.ballot import Choice, cast_now, choose
from albumjudge.ui.words import _, number, translate
from albumjudge.voting.votes import StoredVote, VoteStore

_SIGN = {emotion.name: emotion.sign for emotion in EMOTIONS}
SEEN = "machine-seen"
"""In the session: covers whose label cannot be asked about any more, since the machine's answer was shown."""


def choices(identity: CoverIdentity) -> None:
    """The nine answers."""

    def answer(felt: str, shortcut: str) -> None:
        st.button(
            summing_up.felt_words(felt),
            # The cover is part of each button's key: a late click on one cover must never count on another.
            key=f"felt-{felt}-{identity.seed}",
            shortcut=shortcut,
            width="stretch",
            on_click=choose,
            args=(identity, felt),
        )

    with st.container(key="choices"):
        for place, name in enumerate(charts.ON_SIDES, start=1):
            answer(name, str(place))
    answer(NOTHING, "0")


def not_stored(choice: Choice, sentence: str) -> None:
    """Say that a vote waits, and offer to try again."""
    kept = _("Your choice, {felt}, is kept here.", felt=summing_up.felt_words(choice.felt))
    with st.container(key="apology"):
        markup.say(f"{translate(sentence)} {kept}", kind="sentence", role="alert")
        st.button(_("Try again"), type="primary", key="try-casting-again", on_click=cast_now)


def your_words(felt: str) -> str:
    """HTML of what the visitor felt, as a sentence."""
    if felt == NOTHING:
        return _("You felt nothing, or something else.")
    return _("You felt {feeling}.", feeling=f'<b class="hue-{felt}">{_SIGN[felt]} {_(felt)}</b>')


def machine_and_crowd(store: VoteStore, vote: StoredVote, disclosed: bool) -> None:
    """What the jury and the others felt."""
    others = round_summaries.card(vote, store.crowd(vote.cover, without=vote.visitor))
    eight = sum(others.others[: len(NAMES)])
    enough = sum(others.others) >= round_summaries.A_CROWD and eight > 0
    shares = [people / eight for people in others.others[: len(NAMES)]] if enough else None
    with st.container(key="breath-2"):
        said = _("The machine feels {feeling}.", feeling=translate(vote.verdict.words))
        st.html(
            summing_up.meeting(vote.felt, vote.verdict.top)
            + markup.paragraph(said, "machine")
            + markup.above_chart(vote.verdict.probabilities)
        )
        st.vega_lite_chart(
            charts.distribution(vote.verdict.probabilities, felt=vote.felt, others=shares), theme=None
        )
    with st.container(key="breath-3"):
        lines = [summing_up.crowd_sentence(others)]
        if shares:
            lines.append(
                _("In the chart, bars are the machine, upright lines the {n} others.", n=number(eight))
            )
        asked = "" if str(vote.cover) in st.session_state.get(SEEN, ()) else _label(vote, disclosed)
        st.html(asked + markup.paragraph(" ".join(lines)))


def _label(vote: StoredVote, disclosed: bool) -> str:
    """HTML of what was answered about the label, and, once that is told, that it was drawn at random."""
    label = {"label": _(vote.label_shown)}
    said = {
        True: _("You agree with the label “{label}”.", **label),
        False: _("You do not agree with the label “{label}”.", **label),
        None: _("You gave no answer to the label “{label}”.", **label),
    }[vote.agrees]
    if vote.arm == "placebo":
        said += " " + (
            _(
                "That label was drawn at random, to see who says yes to anything; the machine’s own would "
                "have been “{own}”.",
                own=_(vote.verdict.top),
            )
            if disclosed
            else _("It does not go with the chart? The end of the round explains.")
        )
    return markup.paragraph(said, "quiet said")
