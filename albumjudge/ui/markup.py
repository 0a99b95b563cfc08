"""The few kinds of HTML that pages are made of; texts are escaped here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from albumjudge.ui.words import _, spoken


def paragraph(text: str, kind: str = "quiet", role: str = "") -> str:
    """A paragraph.

    Args:
        kind: its class in the style sheet: quiet, sentence, lead, says, finding or heard.
        role: "alert" or "status" for what screen readers say at once.
    """
    spoken_at_once = f' role="{role}"' if role else ""
    return f'<p class="{kind}"{spoken_at_once}>{escape(text)}</p>'


def say(*texts: str, kind: str = "quiet", role: str = "") -> None:
    """Show paragraphs; empty ones are left out."""
    st.html("".join(paragraph(text, kind, role) for text in texts if text))


def prose(title: str, *paragraphs: str) -> None:
    """Show a part of the page that is read: its heading, if it has one, and what it says."""
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    st.html(f'<div class="prose">{heading}{"".join(f"<p>{escape(one)}</p>" for one in paragraphs)}</div>')


def title(text: str) -> None:
    """Show the heading of a part of the page."""
    prose(text)


def row_title(text: str, level: int = 2) -> str:
    """A smaller heading, above a row."""
    return f'<h{level} class="row-title">{escape(text)}</h{level}>'


def terms(pairs: Iterable[tuple[str, str]], kind: str = "") -> str:
    """Terms, each with what is said about it."""
    entries = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(said)}</dd></div>" for term, said in pairs)
    return f'<dl class="{f"terms {kind}".strip()}">{entries}</dl>'


def counts(pairs: Iterable[tuple[str, str]]) -> str:
    """Large numbers with their names."""
    entries = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="counts">{entries}</dl>'


def row(prints: Sequence[str]) -> None:
    """Show small prints beside one another."""
    st.html(f'<div class="row">{"".join(prints)}</div>')


def above_chart(probabilities: Sequence[float]) -> str:
    """What stands above a chart of eight shares: its sides, and for screen readers the shares in words."""
    sides = f"<span>← {_('unpleasant')}</span><span>{_('pleasant')} →</span>"
    return f'<p class="sides">{sides}</p>{paragraph(spoken(probabilities), "heard")}'


@st.cache_resource
def _copier() -> Any:
    """The script, registered once per process."""
    script = Path(__file__).with_name("shared_link.js").read_text(encoding="utf-8")
    return st.components.v2.component("albumjudge_link", js=script, isolate_styles=False)


def to_share(text: str, key: str = "link") -> None:
    """Show a link, and what stands before it, with ways to copy it and to hand it on."""
    said = {"line": _("Link"), "copy": _("Copy link"), "copied": _("Copied."), "share": _("Share")}
    said["selected"] = _("Selected: now copy it.")
    with st.container(key=f"shared-{key}"):
        _copier()(key=key, data={"text": text, "words": said})


def one_open(label: str, sections: Mapping[str, tuple[str, Callable[[], None]]], name: str) -> None:
    """Buttons that open one section of the page below them; only what is open is worked out.

    Args:
        label: what the buttons are for, above them.
        sections: name in the link -> what its button says, and what draws it.
        name: of the link's parameter; what it says besides these names opens the first section.
    """
    asked, key = st.query_params.get(name), f"open-{name}"
    if key not in st.session_state:  # Once, or a link that follows the choice would put the choice back.
        st.session_state[key] = asked if asked in sections or not asked else next(iter(sections))
    with st.container(key="sections"):
        chosen = st.segmented_control(
            label, list(sections), format_func=lambda one: sections[one][0], key=key
        )
    if chosen is None:
        st.query_params.pop(name, None)
        return
    if chosen != asked:
        st.query_params[name] = chosen
    with st.container(key="opened"):
        sections[chosen][1]()
