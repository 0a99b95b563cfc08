"""How training went, and how far it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from albumjudge.ui.charts.theme import (
    ACCENT,
    FAINT,
    INK,
    dress,
    from_zero,
    hang,
    names_axis,
    rows_of,
    sized,
    tips,
)
from albumjudge.ui.words import _, percent

COLOURS = (ACCENT, "#7fa6c4")


def training_curves(
    history: Sequence[Mapping[str, object]], over: str, lines: Mapping[str, str]
) -> alt.Chart:
    """How numbers went while a network was in training.

    Args:
        history: one mapping per epoch or step.
        over: the key along the horizontal axis, such as "epoch".
        lines: key in ``history`` to the words that stand in the legend.
    """
    points = [
        {"x": entry[over], "value": entry[key], "line": words}
        for entry in history
        for key, words in lines.items()
        if over in entry and isinstance(entry.get(key), int | float)
    ]
    if not points:
        raise ValueError(f"The history has none of {', '.join(lines)} over {over}.")
    words = list(lines.values())
    colour = alt.Color(
        "line:N",
        title=None,
        sort=words,
        scale=alt.Scale(domain=words, range=list(COLOURS)),
        legend=alt.Legend(columns=1),
    )
    chart: alt.Chart = dress(
        rows_of(points)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=25))
        .encode(
            x=alt.X("x:Q", title=_(over), axis=alt.Axis(tickCount=6, tickMinStep=1, grid=False)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5)),
            color=colour,
            strokeDash=alt.StrokeDash("line:N", sort=words),
            tooltip=tips(("x:Q", None, _(over)), ("line:N", None, " "), ("value:Q", ".3~r", " ")),
        ),
        height=220,
        description=_("{curves}; {n} points.", curves=", ".join(words), n=len(history)),
    )
    return chart


def ceiling(scores: Mapping[str, float], most: float, what: str) -> alt.LayerChart:
    """How far several judges came, beside how far anybody could come: bars that end before a line.

    Args:
        scores: share from 0 to 1 that each reached, in the order of the bars.
        most: share that a perfect judge would reach.
        what: what is counted, for who listens to the chart.
    """
    rows = [
        {"judge": name, "score": score, "word": percent(score), "last": place == len(scores) - 1}
        for place, (name, score) in enumerate(scores.items())
    ]
    scale = from_zero(max([most, *scores.values()]) * 1.18)
    x = alt.X("score:Q", axis=None, scale=scale)
    base = rows_of(rows).encode(y=names_axis("judge", list(scores)))
    bars = base.mark_bar(height=18).encode(
        x=x, color=alt.condition("datum.last", alt.value(ACCENT), alt.value(FAINT))
    )
    words = base.mark_text(align="left", dx=6, fontSize=sized(14), color=INK).encode(x=x, text="word:N")
    limit = rows_of([{"most": most, "word": _("perfect: {share}", share=percent(most))}])
    at = alt.X("most:Q", scale=scale)
    line = limit.mark_rule(color=INK, strokeWidth=2, strokeDash=[5, 4]).encode(x=at)
    name = limit.mark_text(align="right", baseline="bottom", dy=-4, fontSize=sized(13), color=INK).encode(
        x=at, y=alt.value(0), text="word:N"
    )
    heard = "; ".join(f"{judge} {percent(score)}" for judge, score in scores.items())
    return hang(
        bars,
        words,
        line,
        name,
        height=44 * len(rows) + 28,
        padding={"top": 24, "left": 0, "right": 0, "bottom": 4},
        description=_(
            "{what}: {shares}; a perfect judge {most}.", what=what, shares=heard, most=percent(most)
        ),
    )
