"""The dialogue: ask for more of a feeling, and watch the painter change the cover until the jury feels it."""

from __future__ import annotations

import secrets
from html import escape
from typing import Any

import streamlit as st

from albumjudge import charts, hanging
from albumjudge.covers import CoverIdentity, CoverLinkError
from albumjudge.emotions import EMOTIONS, NAMES
from albumjudge.exhibit import JudgedCover
from albumjudge.steering import LONGEST, SHORTEST, STEPS, Wish
from frame import prints, room

room.need_frame()

MORE = {
    "amusement": "funnier",
    "anger": "angrier",
    "awe": "more awe",
    "contentment": "more content",
    "disgust": "more disgust",
    "excitement": "more exciting",
    "fear": "scarier",
    "sadness": "sadder",
}
"""How one asks for more of each feeling."""
STRENGTHS = {"a touch": 0.35, "more": 0.7, "much more": 1.0}
OFFERED = 6


def offer() -> None:
    """A few covers to begin with."""
    room.heading(
        "Dialogue", "Pick a cover. Then ask the painter for more of a feeling, and the jury listens."
    )
    number: int = st.session_state.setdefault("dialogue-wall", secrets.randbelow(99_999) + 1)
    with st.container(key="wall-dialogue"):
        for judged in room.exhibit().show(hanging.wall(number, OFFERED)):
            identity = judged.cover.identity
            with st.container(key=f"print-dialogue-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=judged.verdict.words))
                if st.button(f"Talk about cover {identity.seed}", key=f"pick-{identity.seed}"):
                    begin(identity)
    if st.button("Show me others", key="others"):
        st.session_state["dialogue-wall"] = secrets.randbelow(99_999) + 1
        st.rerun()


def begin(identity: CoverIdentity) -> None:
    """Start a conversation about a cover."""
    st.session_state["dialogue"] = [(str(identity), "")]
    st.query_params.from_dict({"cover": str(identity)})
    st.rerun()


def path(link: str) -> list[tuple[str, str]]:
    """The covers of this conversation, each with the feeling that was asked for; the last one hangs now.

    A link from outside begins a conversation of its own.
    """
    told: list[tuple[str, str]] = st.session_state.get("dialogue", [])
    if not told or told[-1][0] != link:
        told = [(link, "")]
        st.session_state["dialogue"] = told
    return told


def conversation(link: str) -> None:
    try:
        judged = room.exhibit().show_identity(CoverIdentity.parse(link))
    except CoverLinkError as error:
        room.heading("Nobody here can change this cover", str(error))
        if st.button("Pick another one", type="primary", key="pick-another"):
            leave()
        return
    told = path(link)
    if st.button("← Another cover", key="back", type="tertiary"):
        leave()
    beginning = room.exhibit().show_identity(CoverIdentity.parse(told[0][0]))
    with st.container(key="pair"):
        with st.container(key="walk"):
            print_place = st.empty()
            hang(print_place, judged)
        with st.container(key="words"):
            room.heading("Ask for more", "The painter follows the jury’s feeling, step by step.")
            chart_place = st.empty()
            draw(chart_place, judged, beginning)
            asked = wishes(str(judged.cover.identity))
            strength = STRENGTHS[
                str(st.select_slider("How much", list(STRENGTHS), value="more", key="dialogue-strength"))
            ]
            leash = float(
                st.slider("Leash: how far it may stray", SHORTEST, LONGEST, 6.0, 0.5, key="dialogue-leash")
            )
    if asked is not None:
        follow(judged, Wish(asked, strength, leash), told, print_place, chart_place, beginning)
    afterwards(told, beginning, judged)


def wishes(now: str) -> str | None:
    """Eight wishes; the one that was just pressed."""
    pressed = None
    # The cover is part of each key: a late press must never steer another cover.
    with st.container(key="wishes"):
        for number, name in enumerate(charts.ON_SIDES, start=1):
            if st.button(MORE[name], key=f"felt-{name}-{now}", shortcut=str(number), width="stretch"):
                pressed = name
    return pressed


def hang(place: Any, judged: JudgedCover) -> None:
    place.html(prints.framed(judged.cover, size="large", feeling=judged.verdict.words))


def draw(place: Any, judged: JudgedCover, beginning: JudgedCover) -> None:
    moved = judged.cover.identity != beginning.cover.identity
    with place.container():
        st.html(f'<p class="heard">{escape(charts.spoken(judged.verdict.probabilities))}</p>')
        st.html('<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>')
        st.altair_chart(
            charts.distribution(
                judged.verdict.probabilities, crowd=beginning.verdict.probabilities if moved else None
            ),
            theme=None,
        )
        if moved:
            st.html('<p class="quiet">Bars: now. Upright lines: where it began.</p>')


def follow(
    judged: JudgedCover,
    wish: Wish,
    told: list[tuple[str, str]],
    print_place: Any,
    chart_place: Any,
    beginning: JudgedCover,
) -> None:
    """Walk, show every frame as it comes, and keep the last one."""
    last = judged
    with st.container(key="progress"):
        bar = st.progress(0.0, f"Painting: {MORE[wish.emotion]} ...")
    for number, frame in enumerate(room.exhibit().steer(judged.cover.identity, wish), start=1):
        hang(print_place, frame)
        draw(chart_place, frame, beginning)
        bar.progress(number / STEPS, f"Painting: {MORE[wish.emotion]} ...")
        last = frame
    bar.empty()
    if last is judged:
        st.session_state["dialogue-stuck"] = wish.emotion
    else:
        st.session_state.pop("dialogue-stuck", None)
        link = str(last.cover.identity)
        st.session_state["dialogue"] = [*told, (link, wish.emotion)]
        st.query_params.from_dict({"cover": link})
    st.rerun()


def afterwards(told: list[tuple[str, str]], beginning: JudgedCover, judged: JudgedCover) -> None:
    """What came of it: before and after, the way back, and the way on."""
    stuck = st.session_state.pop("dialogue-stuck", None)
    if stuck in NAMES:
        st.html(f'<p class="quiet" role="status">From here the painter knows no way to {escape(stuck)}.</p>')
    if len(told) < 2:
        return
    emotion = told[-1][1]
    place = NAMES.index(emotion)
    before, now = (j.verdict.probabilities[place] for j in (beginning, judged))
    sign = EMOTIONS[place].sign
    with st.container(key="aftermath"):
        st.html(
            f'<p class="sentence" role="status"><b class="hue-{emotion}">{sign} {emotion}</b>: '
            f"{before:.0%} at the beginning, {now:.0%} now. That is what the jury says. "
            "Whether people agree is another question.</p>"
        )
        st.html(
            '<div class="row">'
            + prints.framed(beginning.cover, size="small", short=True, note="at the beginning")
            + prints.framed(judged.cover, size="small", short=True, note="now")
            + "</div>"
        )
        with st.container(key="onward", horizontal=True):
            if st.button("Undo the last step", key="undo", shortcut="Left"):
                st.session_state["dialogue"] = told[:-1]
                st.query_params.from_dict({"cover": told[-2][0]})
                st.rerun()
            if st.button("Back to the beginning", key="to-the-beginning", type="tertiary"):
                begin(beginning.cover.identity)
            st.page_link(
                room.STAGE,
                label="Look at it on the stage",
                query_params={"cover": str(judged.cover.identity)},
            )


def leave() -> None:
    for key in ("dialogue", "dialogue-stuck"):
        st.session_state.pop(key, None)
    st.query_params.clear()
    st.rerun()


asked_for = st.query_params.get("cover")
if asked_for is None:
    offer()
else:
    conversation(asked_for)
