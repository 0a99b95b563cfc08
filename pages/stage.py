"""The stage: a wall of covers painted on demand, and one of them looked at more closely."""

from __future__ import annotations

import secrets
from collections import Counter
from html import escape
from urllib.parse import urlsplit

import streamlit as st

from albumjudge import charts, emotions, hanging
from albumjudge.covers import CoverIdentity, CoverLinkError, read_png
from albumjudge.exhibit import JudgedCover
from albumjudge.judging import Verdict
from frame import prints, room

room.need_frame()

FIRST_COUNT = 12
LAST_WALL = 99_999


def wall_number() -> int:
    """The wall in the link, else the one that this visitor saw last, else a new one."""
    asked = st.query_params.get("wall", "")
    if asked.isdecimal() and len(asked) < 6:
        return int(asked)
    number: int = st.session_state.get("wall_number") or secrets.randbelow(LAST_WALL) + 1
    return number


def wall() -> None:
    exhibit = room.exhibit()
    number = wall_number()
    with st.container(key="stage-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="stage-words"):
            room.heading(
                "Stage",
                "One machine painted these covers, another says what it feels. Choose one to look closer.",
            )
        with st.container(key="stage-controls", horizontal=True, vertical_alignment="bottom"):
            shown = st.session_state.get("wall_count", FIRST_COUNT)
            count = int(st.slider("How many covers", 1, hanging.MOST_ON_A_WALL, shown))
            again = st.button("Paint new covers", key="again", type="primary")
    st.session_state["wall_count"] = count
    if again:
        number = secrets.randbelow(LAST_WALL) + 1
    st.session_state["wall_number"] = number
    room.from_the_top(f"wall-{number}")
    if st.query_params.get("wall") != str(number):
        st.query_params.from_dict({"wall": str(number)})
    with st.container(key="wall"):
        for judged in exhibit.show(hanging.wall(number, count)):
            identity = judged.cover.identity
            with st.container(key=f"print-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=judged.verdict.words))
                chosen = st.button(
                    f"This one: cover {identity.seed}, {judged.verdict.words}",
                    key=f"choose-{number}-{identity.seed}",
                )
            if chosen:
                st.query_params.from_dict({"cover": str(identity)})
                st.rerun()
    st.html(f'<p class="quiet">Wall {number}. The address above always leads back to this wall.</p>')


def look_up(link: str) -> JudgedCover:
    """The cover of a link, painted again or, if its generator is gone, from the votes.

    Raises:
        CoverLinkError: if it can be had from neither.
    """
    identity = CoverIdentity.parse(link)
    try:
        return room.exhibit().show_identity(identity)
    except CoverLinkError:
        stored = room.ballot_box().stored_cover(identity)
        if stored is None:
            raise
        png, verdict = stored
        return JudgedCover(read_png(identity, png), verdict)


def link_to(identity: CoverIdentity) -> str:
    """The address that opens this cover anywhere."""
    here = urlsplit(st.context.url or "")
    return here._replace(path=here.path or "/", query=f"cover={identity}", fragment="").geturl()


def jurors_in_words(verdict: Verdict) -> str:
    """How many jurors feel what most: "Of eight jurors five name awe first, three name fear."."""
    firsts = Counter(emotions.top(juror.probabilities) for juror in verdict.jurors).most_common()
    if len(firsts) == 1:
        return f"All {len(verdict.jurors)} jurors name {firsts[0][0]} first."
    named = ", ".join(f"{count} {'name' if count > 1 else 'names'} {name}" for name, count in firsts)
    return f"Of {len(verdict.jurors)} jurors, {named} first."


def cover(link: str) -> None:
    try:
        judged = look_up(link)
    except CoverLinkError as error:
        room.heading("This cover does not hang here", str(error))
        if st.button("To the covers that do", type="primary"):
            st.query_params.clear()
            st.rerun()
        return
    identity = judged.cover.identity
    probabilities = judged.verdict.probabilities
    room.from_the_top(f"cover-{identity}")
    if st.button("← Back to the wall", key="back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    with st.container(key="pair"):
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="words"):
            st.html(
                f'<h1 class="title verdict">{escape(judged.verdict.words)}</h1>'
                f'<p class="quiet">This is what {escape(judged.verdict.revision.rsplit("-", 1)[0])} '
                "says it feels.</p>"
                f'<p class="heard">{escape(charts.spoken(probabilities))}</p>'
            )
            if len(judged.verdict.jurors) > 1:
                st.html(f'<p class="quiet">{escape(jurors_in_words(judged.verdict))}</p>')
            st.html('<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>')
            st.altair_chart(charts.distribution(probabilities), theme=None)
            if judged.verdict.jurors and st.toggle("Show where it looked", key=f"where-{identity}"):
                lit = room.exhibit().where(judged, enlarge=4)
                st.html(prints.lit(judged, lit), width="content")
            with st.container(key="onward"):
                st.page_link(room.VOTE, label="And you? Vote on another cover")
            with st.container(horizontal=True):
                name = f"{identity}"
                st.download_button("Download 64 × 64", judged.cover.png(), f"{name}.png", "image/png")
                st.download_button("Download 512 × 512", judged.cover.png(8), f"{name}.x8.png", "image/png")
            st.html('<p class="quiet">A link to this cover, the same for everyone:</p>')
            st.code(link_to(identity), language=None, wrap_lines=True)


asked_for = st.query_params.get("cover")
if asked_for is None:
    wall()
else:
    cover(asked_for)
