"""The end of a round: its summary, the link to share and the card to keep."""

from __future__ import annotations

import streamlit as st

from albumjudge.domain.cover import Cover
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.rounds import Summary
from albumjudge.ui import charts, markup, shell
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui import share_card as card
from albumjudge.ui.rooms.ballot import covers_as_voted, curators, take_next, up_for_vote
from albumjudge.ui.share_card import Face
from albumjudge.ui.words import _
from albumjudge.voting import rounds
from albumjudge.voting.votes import VoteStore


def finished(store: VoteStore, who: str, link: str) -> None:
    """A round by its link: its summary, once it is over."""
    cast_in_it = store.votes(round_id=link)
    if not cast_in_it:
        no_round(_("This link leads to no round. Perhaps a part of it was cut off on its way here."))
        return
    owner = cast_in_it[0].visitor
    votes = store.votes(visitor=owner)
    this = rounds.played(link, votes)
    left = up_for_vote(store).left({vote.cover for vote in votes}) if curators().is_open() else ()
    if not this.full and left:
        no_round(
            _(
                "This round is still being played: {n} of {all} covers so far.",
                n=len(this.cast),
                all=rounds.CARDS,
            )
        )
        return
    tallies = {}
    for generator in {vote.cover.generator for vote in this.cast}:
        tallies.update(store.tallies(generator, without=owner))
    found = round_summaries.summarise(this, votes, tallies)
    assert found is not None
    summary(found, covers_as_voted(store, this.cast), yours=owner == who, more=bool(left))


def no_round(sentence: str) -> None:
    shell.heading(_("No round to show"), sentence)
    if st.button(_("Play a round"), key="another", type="primary"):
        take_next()


def summary(found: Summary, covers: list[Cover], *, yours: bool, more: bool) -> None:
    """What came of a round."""
    link, head = shell.address(round=found.id), summing_up.headline(found, yours)
    picture = card_of(found, covers, _("My round"), link) if yours else b""
    everyone = None if found.everyone is None else found.everyone.shares
    profile = charts.profile(found.yours.shares, everyone)
    shell.from_the_top(f"round-{found.id}", anew=True)
    if yours:
        st.session_state["disclosed"] = {*st.session_state.get("disclosed", ()), found.id}
    with st.container(key="round-head"):
        shell.heading(_("Your round") if yours else _("A visitor’s round"), head)
    st.html(summing_up.hung(found, covers, yours))
    with st.container(key="side-by-side-round"):
        with st.container(key="round-numbers"):
            st.html(summing_up.counts(found) + summing_up.crowd_note(found))
            st.html(summing_up.alone(found, yours) + summing_up.truth(found, yours))
            with st.container(key="onward", horizontal=True, vertical_alignment="center"):
                words = _("Another round") if yours else _("Play a round yourself")
                if (more or not yours) and st.button(words, key="another", type="primary", shortcut="Right"):
                    take_next()
                shell.link_to(shell.PEOPLE, _("See how everyone voted"))
        with st.container(key="round-profile"):
            title = _("Your feeling profile") if yours else _("The visitor’s feeling profile")
            st.html(f"<h2>{title}</h2>{markup.above_chart(found.yours.shares)}")
            st.vega_lite_chart(profile, theme=None)
            markup.say(summing_up.profile_note(found, yours))
            if yours:
                why = _("This link shows the round to anyone. Who played it, it does not say.")
                keep(picture, f"round-{found.id}.png", why, link)


def card_of(found: Summary, covers: list[Cover], title: str, link: str) -> bytes:
    """A round as a picture to keep."""
    faces = [
        Face(cover, shown.vote.felt, shown.vote.verdict.top)
        for cover, shown in zip(covers, found.cards, strict=True)
    ]
    return card.draw(faces, title, summing_up.on_the_card(found), link)


def keep(picture: bytes, file: str, why: str, text: str) -> None:
    """What to share and the card to keep.

    Args:
        file: name of the card's file.
        text: to be copied.
    """
    with st.container(key="to-keep"):
        st.html(f"<h2>{_('To keep, to share')}</h2>")
        markup.say(why)
        markup.to_share(text)
        st.download_button(
            _("Keep it as a picture"),
            picture,
            file_name=file,
            mime="image/png",
            key="card",
            on_click="ignore",
        )
