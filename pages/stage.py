"""The stage: a wall of covers painted on demand, and one of them looked at more closely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NoReturn

import streamlit as st

from albumjudge.domain import emotions, seeds
from albumjudge.domain.cover import CoverIdentity, CoverLinkError, read_png
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.ui import charts, jurors, markup, names, prints, shell
from albumjudge.ui.rooms import first_minute
from albumjudge.ui.rooms.order import Order, take_order, takes_orders
from albumjudge.ui.words import _, in_letters, listed, translate

shell.need_frame()

FIRST_COUNT = 12


def wall_number() -> int:
    """The wall in the link, else the one that this visitor saw last, else a new one."""
    asked = st.query_params.get("wall", "")
    if asked.isdecimal() and len(asked) < 6:
        return int(asked)
    number: int = st.session_state.get("wall_number") or shell.exhibit().fresh_wall()
    return number


def wall() -> None:
    if first_minute.shown():
        return
    shell.exhibit()  # Without one there is nothing to choose, only an apology.
    number = wall_number()
    shell.heading(
        _("Covers that no band ever had"),
        _("One machine painted them, another says what it feels. Choose one to look closer."),
    )
    with st.container(key="order", horizontal=True, vertical_alignment="bottom"):
        order = take_order()
        shown = st.session_state.get("wall_count", FIRST_COUNT)
        count = int(st.slider(_("How many"), 1, seeds.MOST_ON_A_WALL, shown))
        again = st.button(_("Paint new covers"), key="again", type="primary")
    st.session_state["wall_count"] = count
    if again:
        number = shell.exhibit().fresh_wall(besides=number)
    st.session_state["wall_number"] = number
    shell.from_the_top(f"wall-{number}")
    link = {"wall": str(number)} | order.query
    shell.go(**link)
    deaf = [p for p in order.painters if not takes_orders(p)]
    if (order.genre or order.decade) and deaf:
        who = listed([names.title(painter) for painter in deaf])
        markup.say(
            _("{painters} know nothing of music or decades and paint what comes.", painters=who)
            if len(deaf) > 1
            else _("{painter} knows nothing of music or decades and paints what comes.", painter=who)
        )
    for painter in order.painters:
        if len(order.painters) > 1:
            st.html(f'<h2 class="painter">{escape(names.title(painter))}</h2>')
        hang(number, order.covers(painter, seeds.wall(number, count)))
    with st.container(key="stage-foot", horizontal=True, vertical_alignment="center"):
        shell.link_to(shell.VOTE, _("And you? Say what you feel"))
        shell.link_to(shell.DAY, _("Today’s wall"))
        markup.say(wall_words(number, order))
    markup.to_share(shell.address(**link))


def wall_words(number: int, order: Order) -> str:
    """What hangs here, and how to find it again."""
    if not order.words:
        return _("Wall {number}. This link always leads back to it:", number=number)
    return _(
        "Wall {number}: {order}. Only part of the covers that the painter learned from bore a genre or a "
        "decade, so an order is a nudge, not a promise. This link always leads back to the wall:",
        number=number,
        order=order.words,
    )


def hang(number: int, identities: Sequence[CoverIdentity]) -> None:
    """One painter's covers on a wall, each of which can be chosen."""
    metrics = shell.exhibit().checkpoints["judge"].metrics
    with st.container(key=f"wall-{identities[0].painter}"):
        for judged in shell.exhibit().show_each(identities):
            identity, feeling = judged.cover.identity, translate(judged.verdict.words)
            key = f"{identity.painter}-{identity.seed}"
            with st.container(key=f"print-{key}"):
                note = jurors.beside_the_label(judged.verdict, metrics)
                st.html(prints.framed(judged.cover, size="wall", feeling=feeling, note=note))
                label = _("This one: cover {number}, {feeling}", number=identity.seed, feeling=feeling)
                choice = {"cover": str(identity)}
                st.button(label, key=f"choose-{number}-{key}", on_click=shell.go, kwargs=choice)


def look_up(link: str) -> JudgedCover:
    """The cover of a link, painted again or, if its generator is gone, from the votes.

    Raises:
        CoverLinkError: if it can be had from neither.
    """
    identity = CoverIdentity.parse(link)
    try:
        return shell.exhibit().show_identity(identity)
    except CoverLinkError:
        stored = shell.vote_store().stored_cover(identity)
        if stored is None:
            raise
        png, verdict = stored
        return JudgedCover(read_png(identity, png), verdict)


def jurors_in_words(verdict: Verdict) -> str:
    """How many jurors feel what most: "Of eight jurors this many name first: awe 5, fear 3."."""
    firsts = Counter(emotions.top(juror.probabilities) for juror in verdict.jurors).most_common()
    if len(firsts) == 1:
        return _(
            "All {n} jurors name {emotion} first.", n=in_letters(len(verdict.jurors)), emotion=_(firsts[0][0])
        )
    named = ", ".join(f"{_(name)} {count}" for name, count in firsts)
    return _("Of {n} jurors this many name first: {named}.", n=in_letters(len(verdict.jurors)), named=named)


def to_the_wall() -> NoReturn:
    """Leave a cover for the wall, even on a first visit."""
    st.session_state[first_minute.OVER] = True
    shell.go()
    shell.again()


def cover(link: str) -> None:
    try:
        judged = look_up(link)
    except CoverLinkError as error:
        shell.heading(_("This cover does not hang here"), translate(str(error)))
        if st.button(_("To the covers that do"), type="primary"):
            to_the_wall()
        return
    identity = judged.cover.identity
    probabilities = judged.verdict.probabilities
    shell.from_the_top(f"cover-{identity}")
    if st.button(f"← {_('Back to the wall')}", key="back", type="tertiary"):
        to_the_wall()
    looked = f"where-{identity}"
    with st.container(key="pair"):
        # The light falls on the print itself, so the switch below it is asked before it is drawn.
        with st.container(key="hung"):
            if judged.verdict.jurors and st.session_state.get(looked):
                lit = shell.exhibit().saliency_png(judged.cover, judged.verdict.top, enlarge=4)
                st.html(prints.lit(judged, lit), width="content")
            else:
                st.html(prints.framed(judged.cover, size="large"), width="content")
            if judged.verdict.jurors:
                st.toggle(_("Show where it looked"), key=looked)
        with st.container(key="words"):
            who = names.sentence_form(judged.verdict.revision)
            jurors = jurors_in_words(judged.verdict) if len(judged.verdict.jurors) > 1 else ""
            st.html(
                f'<h1 class="title verdict">{escape(translate(judged.verdict.words))}</h1>'
                + markup.paragraph(f"{_('This is what {who} says it feels.', who=who)} {jurors}")
                + markup.above_chart(probabilities)
            )
            st.vega_lite_chart(charts.distribution(probabilities), theme=None)
            with st.container(key="ways-on", horizontal=True):
                with st.container(key="way-first"):
                    shell.link_to(shell.VOTE, _("And you? Vote on another cover"))
                if shell.exhibit().painter_of(identity.generator) is not None:
                    link = str(identity)
                    shell.link_to(shell.DIALOGUE, _("Ask for a sadder one"), cover=link)
                    shell.link_to(shell.BREED, _("Find it a partner"), a=link)
                    shell.link_to(shell.JURY, _("Hear every juror"), cover=link)
            with st.container(key="take-home"):
                markup.say(_("A link to this cover, the same for everyone:"))
                markup.to_share(shell.address(cover=str(identity)))
                with st.container(horizontal=True):
                    name = f"{identity}"
                    st.download_button("PNG, 64 × 64", judged.cover.png(), f"{name}.png", "image/png")
                    st.download_button("PNG, 512 × 512", judged.cover.png(8), f"{name}.x8.png", "image/png")


def stage() -> None:
    asked_for = st.query_params.get("cover")
    if asked_for is None:
        wall()
    else:
        cover(asked_for)


shell.in_place(stage)
