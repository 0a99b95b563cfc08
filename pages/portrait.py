"""Your portrait: what moves you, against the crowd and the jurors, and where you stood alone."""

from __future__ import annotations

from html import escape

import streamlit as st

from albumjudge.statistics.portrait import FEWEST_VOTES, Portrait
from albumjudge.ui import charts, markup, prints, shell, visitor
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.rooms import ballot, likeness
from albumjudge.ui.words import _, ngettext
from albumjudge.voting.votes import StoredVote

shell.need_frame()

MOST_ALONE = 6


def drawn(portrait: Portrait, mine: list[StoredVote]) -> None:
    """The portrait itself."""
    shell.heading(
        _("Your portrait"),
        _("What moves you, from {n} votes. Nobody else can see this page.", n=portrait.votes),
    )
    picture = likeness.card(portrait, mine)
    with st.container(key="side-by-side-portrait"):
        with st.container():
            markup.say(likeness.moved(portrait), kind="finding")
            st.html(markup.row_title(_("You and the others")))
            if portrait.leans:
                markup.say(
                    _(
                        "Before the same {n} covers. Bars are 95 % intervals; where one crosses the dashed "
                        "line, chance may be all there is.",
                        n=portrait.compared,
                    )
                )
                st.altair_chart(charts.leans(portrait), theme=None)
            else:
                markup.say(_("On {n} of your covers enough others have voted so far.", n=portrait.compared))
            if sentence := likeness.juror(portrait):
                st.html(markup.row_title(_("You and the jury")) + markup.paragraph(sentence, "says"))
                shell.link_to(shell.JURY, _("Meet the jurors"))
        with st.container(key="portrait-hung"):
            alt = _("Your portrait as a picture: up to six covers, each with what you and the machine felt.")
            st.html(f'<img class="portrait" src="{prints.data_uri(picture)}" alt="{escape(alt)}">')
            st.download_button(
                _("Keep it as a picture"),
                picture,
                "portrait.png",
                "image/png",
                key="portrait-card",
                on_click="ignore",
            )
    if alone := likeness.covers_alone(portrait, MOST_ALONE):
        st.html(markup.row_title(_("Where you stood alone")))
        shown = []
        for one, cover in alone:
            note = _(
                "most others: {emotion}; {n} of {all} with you",
                emotion=_(one.most),
                n=one.alike.successes,
                all=one.alike.trials,
            )
            you = _("you: {emotion}", emotion=_(one.felt))
            shown.append(prints.framed(cover, size="small", short=True, feeling=you, note=note))
        markup.row(shown)
    elif not portrait.leans:
        ballot.wait_on_a_wall(shell.vote_store(), mine)


def your_portrait() -> None:
    who = visitor.current()
    mine = shell.vote_store().votes(visitor=who)
    portrait = likeness.of(who, mine)
    if portrait is not None:
        drawn(portrait, mine)
        return
    left = FEWEST_VOTES - len(mine)
    promise = _(
        "After {n} votes it says what moves you, which juror is most like you, and where you stood alone.",
        n=FEWEST_VOTES,
    )
    shell.heading(_("Your portrait"), f"{promise} {ngettext('One is missing.', '{n} are missing.', left)}")
    st.html(summing_up.progress(len(mine), len(mine), FEWEST_VOTES))
    with st.container(key="ways-on"), st.container(key="way-first"):
        shell.link_to(shell.VOTE, _("Go on voting") if mine else _("Vote on a cover"))
    ballot.wait_on_a_wall(shell.vote_store(), mine)


your_portrait()
