"""A choice between two covers: impossible before both have been in sight, and kept until it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

import streamlit as st

from albumjudge.domain.cover import Cover, CoverLinkError
from albumjudge.ui import markup, prints, shell, visitor
from albumjudge.ui.words import _, translate
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import ClosedError

_LOCK = """
(() => {
  const prints = document.querySelectorAll(".st-key-duel img"), seen = new Set();
  const choices = document.querySelectorAll('[class*="st-key-KIND-"]');
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
Vote = TypeVar("Vote")


@dataclass(frozen=True)
class Choice:
    """What a visitor chose and is not known to be stored yet.

    Attributes:
        pair: whatever names it.
        picked: "left", "right" or the name of the third answer.
    """

    pair: Any
    picked: Any
    seconds: float


def is_open() -> bool:
    """Whether votes are taken."""
    return CurationStore(shell.engine()).is_open()


def ask(kind: str, pair: Any, view: str, covers: Sequence[Cover], neither: tuple[str, str]) -> None:
    """Show two covers and three answers, and start the clock.

    Args:
        kind: of duel, where the choice waits for :func:`settle`.
        pair: whatever names the pair when it is settled.
        view: letters, digits, "-" and "." that name it on the page.
        neither: name and words of the third answer.
    """
    clock = f"{kind} {view}"
    visitor.first_sights().seconds(visitor.current(), clock)

    def choose(picked: str) -> None:
        seconds = visitor.first_sights().seconds(visitor.current(), clock)
        st.session_state[kind] = Choice(pair, picked, seconds)

    def answer(name: str, words: str, shortcut: str, width: Any = "content") -> None:
        key = f"{kind}-{name}-{view}"
        st.button(words, key=key, shortcut=shortcut, width=width, on_click=choose, args=(name,))

    sides = (("left", _("The left one"), "Left"), ("right", _("The right one"), "Right"))
    with st.container(key="duel"):
        for side, cover in zip(sides, covers, strict=True):
            with st.container(key=f"print-{side[0]}"):
                st.html(prints.framed(cover, size="large", short=True))
                answer(*side)
    with st.container(key="neither"):
        answer(*neither, "0", "stretch")
    with st.container(key=f"scroll-{kind}"):
        script = f'<script data-view="{escape(view)}">{_LOCK.replace("KIND", kind)}</script>'
        st.html(script, unsafe_allow_javascript=True)


def settle(kind: str, store: Callable[[Choice], Vote]) -> Vote | None:
    """Store the choice that waits, if there is one; None if none was stored.

    Raises:
        VoteError: if it could not be stored, which the next run of the page tries again.
        CoverLinkError: if nobody here can paint its covers any more; then it is dropped.
    """
    waiting: Choice | None = st.session_state.get(kind)
    if waiting is None:
        return None
    try:
        stored = store(waiting)
    except ClosedError as error:
        del st.session_state[kind]
        markup.say(translate(str(error)), kind="sentence", role="alert")
        return None
    except CoverLinkError:
        del st.session_state[kind]
        raise
    except VoteError as error:
        raise VoteError(f"{translate(str(error))} {_('Your choice is kept here.')}") from error
    del st.session_state[kind]
    return stored


def onward(covers: Sequence[tuple[Cover, str]]) -> None:
    """The two covers again, each with what it was."""
    with st.container(key="duel"):
        for cover, note in covers:
            st.html(prints.framed(cover, size="large", short=True, note=note), width="content")
