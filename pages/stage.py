"""The stage: a wall of covers painted on demand, and one of them looked at more closely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NoReturn

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import CoverIdentity, CoverLinkError, read_png
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.ui import charts, names, prints
from albumjudge.ui import shell as room
from albumjudge.ui.rooms import first_minute
from albumjudge.ui.rooms.order import Order, take_order, takes_orders

room.need_frame()

FIRST_COUNT = 12


def wall_number() -> int:
    """The wall in the link, else the one that this visitor saw last, else a new one."""
    asked = st.query_params.get("wall", "")
    if asked.isdecimal() and len(asked) < 6:
        return int(asked)
    number: int = st.session_state.get("wall_number") or room.exhibit().fresh_wall()
    return number


def wall() -> None:
    if first_minute.shown():
        return
    room.exhibit()  # Without one there is nothing to choose, only an apology.
    number = wall_number()
    room.heading(
        "Covers that no band ever had",
        "One machine painted them, another says what it feels. Choose one to look closer.",
    )
    with st.container(key="order", horizontal=True, vertical_alignment="bottom"):
        order = take_order()
        shown = st.session_state.get("wall_count", FIRST_COUNT)
        count = int(st.slider("How many", 1, hanging.MOST_ON_A_WALL, shown))
        again = st.button("Paint new covers", key="again", type="primary")
    st.session_state["wall_count"] = count
    if again:
        number = room.exhibit().fresh_wall()
    st.session_state["wall_number"] = number
    room.from_the_top(f"wall-{number}")
    link = {"wall": str(number)} | order.query
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
    deaf = [p for p in order.painters if not takes_orders(p)]
    if (order.genre or order.decade) and deaf:
        *others, last = [names.title(painter) for painter in deaf]
        said = (
            f"{', '.join(others)} and {last} know nothing of music or decades and paint what comes."
            if others
            else f"{last} knows nothing of music or decades and paints what comes."
        )
        st.html(f'<p class="quiet">{escape(said)}</p>')
    for painter in order.painters:
        if len(order.painters) > 1:
            st.html(f'<h2 class="painter">{escape(names.title(painter))}</h2>')
        hang(number, order.covers(painter, hanging.wall(number, count)))
    with st.container(key="stage-foot", horizontal=True, vertical_alignment="center"):
        st.page_link(room.VOTE, label="And you? Say what you feel")
        st.html(f'<p class="quiet">{escape(wall_words(number, order))}</p>')


def wall_words(number: int, order: Order) -> str:
    """What hangs here, and how to find it again."""
    if not order.words:
        return f"Wall {number}. The address above always leads back to this wall."
    return (
        f"Wall {number} of {order.words}. The address above always leads back to this wall. Only part of the "
        "covers that the painter learned from bore a genre or a decade, so an order is a nudge, not a promise."
    )


def hang(number: int, identities: Sequence[CoverIdentity]) -> None:
    """One painter's covers on a wall, each of which can be chosen."""
    with st.container(key=f"wall-{identities[0].painter}"):
        for judged in room.exhibit().show_each(identities):
            identity = judged.cover.identity
            key = f"{identity.painter}-{identity.seed}"
            with st.container(key=f"print-{key}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=judged.verdict.words))
                chosen = st.button(
                    f"This one: cover {identity.seed}, {judged.verdict.words}", key=f"choose-{number}-{key}"
                )
            if chosen:
                st.query_params.from_dict({"cover": str(identity)})
                room.again()


def look_up(link: str) -> JudgedCover:
    """The cover of a link, painted again or, if its generator is gone, from the votes.

    Raises:
        CoverLinkError: if it can be had from neither.
    """
    identity = CoverIdentity.parse(link)
    try:
        return room.exhibit().show_identity(identity)
    except CoverLinkError:
        stored = room.vote_store().stored_cover(identity)
        if stored is None:
            raise
        png, verdict = stored
        return JudgedCover(read_png(identity, png), verdict)


def jurors_in_words(verdict: Verdict) -> str:
    """How many jurors feel what most: "Of eight jurors five name awe first, three name fear."."""
    firsts = Counter(emotions.top(juror.probabilities) for juror in verdict.jurors).most_common()
    if len(firsts) == 1:
        return f"All {len(verdict.jurors)} jurors name {firsts[0][0]} first."
    named = ", ".join(f"{count} {'name' if count > 1 else 'names'} {name}" for name, count in firsts)
    return f"Of {len(verdict.jurors)} jurors, {named} first."


def to_the_wall() -> NoReturn:
    """Leave a cover for the wall, even on a first visit."""
    st.session_state[first_minute.OVER] = True
    st.query_params.clear()
    room.again()


def cover(link: str) -> None:
    try:
        judged = look_up(link)
    except CoverLinkError as error:
        room.heading("This cover does not hang here", str(error))
        if st.button("To the covers that do", type="primary"):
            to_the_wall()
        return
    identity = judged.cover.identity
    probabilities = judged.verdict.probabilities
    room.from_the_top(f"cover-{identity}")
    if st.button("← Back to the wall", key="back", type="tertiary"):
        to_the_wall()
    looked = f"where-{identity}"
    with st.container(key="pair"):
        # The light falls on the print itself, so the switch below it is asked before it is drawn.
        with st.container(key="hung"):
            if judged.verdict.jurors and st.session_state.get(looked):
                lit = room.exhibit().saliency_png(judged.cover, judged.verdict.top, enlarge=4)
                st.html(prints.lit(judged, lit), width="content")
            else:
                st.html(prints.framed(judged.cover, size="large"), width="content")
            if judged.verdict.jurors:
                st.toggle("Show where it looked", key=looked)
        with st.container(key="words"):
            who = names.sentence_form(judged.verdict.revision)
            jurors = jurors_in_words(judged.verdict) if len(judged.verdict.jurors) > 1 else ""
            st.html(
                f'<h1 class="title verdict">{escape(judged.verdict.words)}</h1>'
                f'<p class="quiet">This is what {escape(who)} says it feels. {escape(jurors)}</p>'
                f'<p class="heard">{escape(charts.spoken(probabilities))}</p>'
                '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
            )
            st.vega_lite_chart(charts.distribution(probabilities), theme=None)
            with st.container(key="ways-on", horizontal=True):
                with st.container(key="way-first"):
                    st.page_link(room.VOTE, label="And you? Vote on another cover")
                if room.exhibit().painter_of(identity.generator) is not None:
                    link = str(identity)
                    st.page_link(room.DIALOGUE, label="Ask for a sadder one", query_params={"cover": link})
                    st.page_link(room.BREED, label="Find it a partner", query_params={"a": link})
                    st.page_link(room.JURY, label="Hear every juror", query_params={"cover": link})
            with st.container(key="take-home"):
                st.html('<p class="quiet">A link to this cover, the same for everyone:</p>')
                st.code(room.address(cover=str(identity)), language=None, wrap_lines=True)
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


room.in_place(stage)
