"""The way between two covers, with a slider that answers in the browser: its frames travel once, all together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.domain.verdict import JudgedCover
from albumjudge.ui import charts, prints
from albumjudge.ui.words import _, percent, translate

_SCRIPT = Path(__file__).with_suffix(".js")


def payload(way: Sequence[JudgedCover]) -> dict[str, Any]:
    """What the browser needs to know of the way: every frame with its picture, words and shares.

    Args:
        way: from the left cover to the right one, at even steps.
    """
    order = [EMOTIONS[emotions.index(name)] for name in charts.ON_SIDES]
    longest = max(max(judged.verdict.probabilities) for judged in way)
    reach = 1.0 if longest > charts.CLOSE_UP else charts.CLOSE_UP
    frames = []
    for place, judged in enumerate(way):
        shares = [judged.verdict.probabilities[emotions.index(emotion.name)] for emotion in order]
        frames.append(
            {
                "source": prints.picture(judged.cover),
                "alt": prints.alt_text(judged.cover, translate(judged.verdict.words)),
                "where": where(place / (len(way) - 1)),
                "feeling": translate(judged.verdict.words),
                "shares": [round(share / reach, 4) for share in shares],
                "said": [percent(share) for share in shares],
            }
        )
    return {
        "left": str(way[0].cover.identity),
        "right": str(way[-1].cover.identity),
        "emotions": [
            {"name": _(e.name), "sign": e.sign, "colour": e.colour, "positive": e.positive} for e in order
        ],
        "frames": frames,
        "words": {
            "unpleasant": f"← {_('unpleasant')}",
            "pleasant": f"{_('pleasant')} →",
            "slider": _("From the left cover to the right one"),
            "stage": _("Look at this one on the stage"),
        },
    }


def where(share: float) -> str:
    """A place on the way in words: "wholly the left one", "58 % left, 42 % right"."""
    if share in (0, 1):
        return _("wholly the right one") if share else _("wholly the left one")
    return _("{left} left, {right} right", left=percent(1 - share), right=percent(share))


@st.cache_resource
def _slider() -> Any:
    """The script, registered once per process."""
    return st.components.v2.component(
        "albumjudge_morph", js=_SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )


def slide(way: Sequence[JudgedCover]) -> int | None:
    """Show the way; returns the place that the visitor has just asked to see on the stage, else None."""
    answer = _slider()(key="morph", data=payload(way), on_chosen_change=lambda: None)
    chosen = getattr(answer, "chosen", None)
    return chosen if isinstance(chosen, int) and 0 <= chosen < len(way) else None
