"""The end of a round: its summary, the link to share and the card to keep."""

from __future__ import annotations

from html import escape

import streamlit as st

from albumjudge.domain.cover import Cover
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.rounds import Summary
from albumjudge.ui import charts
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui import share_card as card
from albumjudge.ui import shell as room
from albumjudge.ui.rooms.ballot import covers_as_voted, curators, take_next, up_for_vote
from albumjudge.ui.share_card import Face
from albumjudge.voting import rounds
from albumjudge.voting.votes import VoteStore


def finished(box: VoteStore, who: str, link: str) -> None:
    """A round by its link: its summary, once it is over."""
    cast_in_it = box.votes(round_id=link)
    if not cast_in_it:
        no_round("This link leads to no round. Perhaps a part of it was cut off on its way here.")
        return
    owner = cast_in_it[0].visitor
    votes = box.votes(visitor=owner)
    this = rounds.played(link, votes)
    left = up_for_vote(box).left({vote.cover for vote in votes}) if curators().is_open() else ()
    if not this.full and left:
        no_round(f"This round is still being played: {len(this.cast)} of {rounds.CARDS} covers so far.")
        return
    tallies = {}
    for generator in {vote.cover.generator for vote in this.cast}:
        tallies.update(box.tallies(generator, without=owner))
    found = round_summaries.summarise(this, votes, tallies)
    assert found is not None
    summary(found, covers_as_voted(box, this.cast), yours=owner == who, more=bool(left))


def no_round(sentence: str) -> None:
    room.heading("No round to show", sentence)
    if st.button("Play a round", key="another", type="primary"):
        take_next()


def summary(found: Summary, covers: list[Cover], *, yours: bool, more: bool) -> None:
    """What came of a round."""
    room.from_the_top(f"round-{found.id}")
    if yours:
        st.session_state["told"] = {*st.session_state.get("told", ()), found.id}
    with st.container(key="round-head"):
        room.heading("Your round" if yours else "A visitor’s round", summing_up.headline(found, yours))
    st.html(summing_up.hung(found, covers, yours))
    with st.container(key="side-by-side-round"):
        with st.container(key="round-numbers"):
            st.html(summing_up.counts(found) + summing_up.crowd_note(found))
            st.html(summing_up.alone(found, yours) + summing_up.truth(found, yours))
            with st.container(key="onward", horizontal=True, vertical_alignment="center"):
                words = "Another round" if yours else "Play a round yourself"
                if (more or not yours) and st.button(words, key="another", type="primary", shortcut="Right"):
                    take_next()
                st.page_link(room.PEOPLE, label="See how everyone voted")
        with st.container(key="round-profile"):
            st.html(
                f"<h2>{'Your' if yours else 'The visitor’s'} feeling profile</h2>"
                '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
                f'<p class="heard">{escape(charts.spoken(found.yours.shares))}</p>'
            )
            everyone = None if found.everyone is None else found.everyone.shares
            st.vega_lite_chart(charts.profile(found.yours.shares, everyone), theme=None)
            st.html(f'<p class="quiet">{escape(summing_up.profile_note(found, yours))}</p>')
            if yours:
                keep(found, covers)


def keep(found: Summary, covers: list[Cover]) -> None:
    """The link to share and the card to keep."""
    link = room.address(round=found.id)
    faces = [
        Face(cover, shown.vote.felt, shown.vote.verdict.top)
        for cover, shown in zip(covers, found.cards, strict=True)
    ]
    png = card.draw(faces, "My round", summing_up.on_the_card(found), link, lettering=room.serif())
    with st.container(key="to-keep"):
        st.html("<h2>To keep, to share</h2>")
        st.html('<p class="quiet">This link shows the round to anyone. Who played it, it does not say.</p>')
        st.code(link, language=None, wrap_lines=True)
        st.download_button(
            "Keep it as a picture",
            png,
            file_name=f"round-{found.id}.png",
            mime="image/png",
            key="card",
            on_click="ignore",
        )
