"""A choice between two covers, of which neither can be taken before both have been in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from albumjudge.domain.cover import Cover
from albumjudge.ui import prints
from albumjudge.ui.words import _

_LOCK = """
(() => {
  const prints = document.querySelectorAll(".st-key-duel img"), seen = new Set();
  const choices = document.querySelectorAll('[class*="st-key-PREFIX-"]');
  choices.forEach((it) => { it.inert = true; });
  const eye = new IntersectionObserver((sights) => {
    sights.filter((it) => it.intersectionRatio >= 0.6).forEach((it) => seen.add(it.target));
    if (seen.size < prints.length) return;
    choices.forEach((it) => { it.inert = false; });
    eye.disconnect();
  }, { threshold: 0.6 });
  prints.forEach((it) => eye.observe(it));
})()
"""


def ask(
    prefix: str, view: str, covers: Sequence[Cover], neither: tuple[str, str], choose: Callable[[str], None]
) -> None:
    """Show the two and three answers.

    Args:
        prefix: how the keys of the buttons begin.
        view: letters, digits, "-" and "." that name the pair.
        neither: name and words of the third answer.
        choose: called with "left", "right" or the name of the third answer.
    """

    def answer(name: str, words: str, shortcut: str) -> None:
        st.button(
            words,
            key=f"{prefix}-{name}-{view}",
            shortcut=shortcut,
            width="stretch" if shortcut == "0" else "content",
            on_click=choose,
            args=(name,),
        )

    sides = (("left", _("The left one"), "Left"), ("right", _("The right one"), "Right"))
    with st.container(key="duel"):
        for side, cover in zip(sides, covers, strict=True):
            with st.container(key=f"print-{side[0]}"):
                st.html(prints.framed(cover, size="large", short=True))
                answer(*side)
    with st.container(key="neither"):
        answer(*neither, "0")
    with st.container(key=f"scroll-{prefix}"):
        script = f'<script data-view="{escape(view)}">{_LOCK.replace("PREFIX", prefix)}</script>'
        st.html(script, unsafe_allow_javascript=True)
