"""What a visitor asks the painters for: kind of music, decade, how far from the middle, and who paints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from albumjudge.domain.conditions import DECADES, GENRE_WORDS, GENRES
from albumjudge.domain.cover import AS_TRAINED, CoverIdentity
from albumjudge.ui import names, shell
from albumjudge.ui.words import N_, _, translate

ANY_MUSIC = N_("any music")
ANY_TIME = N_("any time")
BOTH = N_("all, side by side")
MANNERS = {
    N_("safest"): 50,
    N_("safe"): 75,
    N_("as it learned"): AS_TRAINED,
    N_("wild"): 120,
    N_("wildest"): 140,
}
"""How far from the middle of what it knows a painter goes, and the percentage that the identity keeps."""


@dataclass(frozen=True)
class Order:
    """What the visitor asks the painters for.

    Attributes:
        genre, decade: None for any.
        manner: a key of ``MANNERS``.
        painters: revisions of those who paint; one, or two to compare.
    """

    genre: str | None
    decade: str | None
    manner: str
    painters: tuple[str, ...]

    def covers(self, painter: str, seeds: Sequence[int]) -> list[CoverIdentity]:
        """The covers that a painter is asked for; one that takes no orders is asked for any."""
        genre, decade = (self.genre, self.decade) if takes_orders(painter) else (None, None)
        return [CoverIdentity(painter, seed, genre, decade, MANNERS[self.manner]) for seed in seeds]

    @property
    def words(self) -> str:
        """The order in words: ``1970s jazz sleeves, safe``; empty if nothing was asked for."""
        parts = (self.decade or "", GENRE_WORDS.get(self.genre or "", ""))
        kind = " ".join(translate(part) for part in parts if part)
        manner = "" if MANNERS[self.manner] == AS_TRAINED else f", {_(self.manner)}"
        if not kind and not manner:
            return ""
        return f"{_('{kind} sleeves', kind=kind) if kind else _('any sleeves')}{manner}"

    @property
    def query(self) -> dict[str, str]:
        """What the link says of it; nothing about what was left as it is."""
        asked = {
            "genre": self.genre or "",
            "decade": self.decade or "",
            "manner": "" if MANNERS[self.manner] == AS_TRAINED else self.manner.replace(" ", "-"),
            "painter": "both"
            if len(self.painters) > 1
            else ("" if self.painters[0] == shell.exhibit().painter.revision else self.painters[0]),
        }
        return {name: value for name, value in asked.items() if value}


def picked(label: str, options: Sequence[str], key: str, now: str, **look: Any) -> str:
    """A choice that begins as the link says and is remembered while the visitor looks around."""
    if key not in st.session_state:
        st.session_state[key] = now if now in options else options[0]
    return str(st.selectbox(label, options, key=key, format_func=translate, **look))


def take_order() -> Order:
    """What is asked for: by the link at first, then by the choices above the wall."""
    asked = st.query_params
    painters = [painter.revision for painter in shell.exhibit().painters]
    kept = st.session_state.setdefault("order", {})

    def remembered(name: str) -> str:
        # Widgets forget what they were set to when another view takes the page.
        return str(kept.get(name) or asked.get(name, ""))

    words = {GENRE_WORDS[genre]: genre for genre in GENRES}
    music, time = ANY_MUSIC, ANY_TIME
    # A choice that changes nothing anyone could see would be a sham.
    if shell.exhibit().follows_conditions():
        genre = GENRE_WORDS.get(remembered("genre"), "")
        music = picked(_("Music"), [ANY_MUSIC, *words], "order-genre", genre)
        time = picked(_("Time"), [ANY_TIME, *DECADES], "order-decade", remembered("decade"))
    if "order-manner" not in st.session_state:
        manner = remembered("manner").replace("-", " ")
        st.session_state["order-manner"] = manner if manner in MANNERS else "as it learned"
    manner = str(st.select_slider(_("Safe ↔ wild"), list(MANNERS), format_func=_, key="order-manner"))
    chosen: tuple[str, ...] = (painters[0],)
    if len(painters) > 1:
        titles = names.titles(painters)
        choices = {titles[painter]: (painter,) for painter in painters} | {BOTH: tuple(painters)}
        who = remembered("painter")
        now = BOTH if who == "both" else titles.get(who, "")
        chosen = choices[picked(_("Painter"), list(choices), "order-painter", now)]
    order = Order(words.get(music), time if time in DECADES else None, manner, chosen)
    st.session_state["order"] = order.query
    return order


def takes_orders(painter: str) -> bool:
    """Whether it is of any use to ask this painter for something."""
    exhibit = shell.exhibit()
    known = exhibit.painter_of(painter)
    return known is not None and known.conditional and exhibit.follows_conditions(painter)
