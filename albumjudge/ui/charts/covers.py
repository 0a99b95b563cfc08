"""Points against a diagonal: bins of stated probability, and covers one by one."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from albumjudge.domain import emotions
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.statistics.by_emotion import EmotionCovers
from albumjudge.statistics.findings import CalibrationBin, CoverNoise
from albumjudge.ui.charts.theme import (
    ACCENT,
    FAINT,
    QUIET,
    diagonal,
    from_zero,
    hang,
    percent_axis,
    rows_of,
    tips,
)
from albumjudge.ui.words import _, percent

_FEWEST_SAID = 20
"""Times that the machine must have said about the same before it is held to that."""


def calibration(bins: Sequence[CalibrationBin], *, faint: bool = False) -> alt.LayerChart:
    """What the machine stated against what people felt, with intervals; the diagonal is perfect calibration.

    Args:
        bins: one point each; those on which few votes bear are left out, unless all are.
    """
    bins = [b for b in bins if b.n >= _FEWEST_SAID] or bins
    ends = [b.felt.interval for b in bins]
    drawn = rows_of(
        {
            "stated": b.stated,
            "felt": b.felt.value,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
            "n": b.n,
        }
        for b, interval in zip(bins, ends, strict=True)
    )
    highest = (i.high if i else b.felt.value or 0.0 for b, i in zip(bins, ends, strict=True))
    reach = max(0.3, *highest, *(b.stated for b in bins)) * 1.04
    colour, scale = QUIET if faint else ACCENT, from_zero(reach)
    base = drawn.encode(
        x=alt.X("stated:Q", scale=from_zero(reach), title=_("the machine said"), axis=percent_axis())
    )
    spans = base.transform_filter("datum.low != null").mark_rule(
        color=colour, strokeWidth=2, opacity=0.55, clip=True
    )
    points = base.mark_point(size=90, filled=True, opacity=1, color=colour).encode(
        y=alt.Y("felt:Q", scale=scale, title=_("people felt"), axis=percent_axis()),
        tooltip=tips(
            ("stated:Q", ".0%", _("the machine said")),
            ("felt:Q", ".0%", _("people felt")),
            ("n:Q", None, _("times said")),
        ),
    )
    said = "; ".join(
        _("said {said}, felt {felt}", said=percent(b.stated), felt=percent(b.felt.value))
        for b in bins
        if b.felt.value is not None
    )
    return hang(
        diagonal(reach),
        spans.encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        points,
        height=300,
        description=_("What the machine said and how often people felt it: {pairs}.", pairs=said),
    )


def noise(covers: Sequence[CoverNoise], *, faint: bool = False) -> alt.LayerChart:
    """Each cover's distance between visitors and machine against how far mere chance would take it.

    Args:
        covers: one point each.
    """
    drawn = rows_of(
        {
            "number": _("No. {number}", number=row.cover.number),
            "distance": row.distance,
            "chance": row.by_chance_high,
            "votes": row.votes,
            "beyond": row.beyond,
        }
        for row in covers
    )
    reach = max(max(row.distance, row.by_chance_high) for row in covers) * 1.08
    scale, axis = from_zero(reach), alt.Axis(tickCount=5, grid=False, domain=False, format=".2~f")
    tone = QUIET if faint else ACCENT
    points = drawn.mark_point(size=70, opacity=0.9, strokeWidth=1.5).encode(
        x=alt.X("chance:Q", scale=scale, title=_("as far as chance would take it"), axis=axis),
        y=alt.Y("distance:Q", scale=scale, title=_("how far apart they are"), axis=axis),
        stroke=alt.condition("datum.beyond", alt.value(tone), alt.value(QUIET)),
        # Filled or hollow, so that the two are told apart without colour.
        fill=alt.condition("datum.beyond", alt.value(tone), alt.value("transparent")),
        shape=alt.condition("datum.beyond", alt.value("diamond"), alt.value("circle")),
        tooltip=tips(
            ("number:N", None, _("cover")),
            "votes:Q",
            ("distance:Q", ".2f", _("distance")),
            ("chance:Q", ".2f", _("95 % of chance stays below")),
        ),
    )
    beyond = sum(row.beyond for row in covers)
    return hang(
        diagonal(reach),
        points,
        height=300,
        description=_(
            "On {n} of {all} covers people and machine are further apart than chance.",
            n=beyond,
            all=len(covers),
        ),
    )


def emotion_on_covers(emotion: str, covers: EmotionCovers, *, faint: bool = False) -> alt.LayerChart:
    """One emotion cover by cover: how many people felt it, and how probable the machine thinks it."""
    colour = QUIET if faint else EMOTIONS[emotions.index(emotion)].colour
    groups = {
        _("both felt it most"): covers.both,
        _("only people did"): covers.people,
        _("only the machine did"): covers.machine,
    }
    group_of = {here.cover.cover: words for words, rows in groups.items() for here in rows}
    neither = _("neither did")
    drawn = rows_of(
        {
            "number": _("No. {number}", number=here.cover.cover.number),
            "people": here.share,
            "machine": here.machine,
            "votes": here.voters,
            "who": group_of.get(here.cover.cover, neither),
        }
        for here in covers.all
    )
    order = [*groups, neither]
    shapes = alt.Scale(domain=order, range=["diamond", "circle", "square", "circle"])
    colours = alt.Scale(domain=order, range=[colour, colour, colour, FAINT])
    right = from_zero(1.06 * max(0.5, *(here.share for here in covers.all)))
    top = from_zero(1.06 * max(0.3, *(here.machine for here in covers.all)))
    points = drawn.mark_point(filled=True, opacity=0.9).encode(
        x=alt.X("people:Q", scale=right, title=_("people who felt it"), axis=percent_axis()),
        y=alt.Y("machine:Q", scale=top, title=_("the machine’s share"), axis=percent_axis()),
        color=alt.Color("who:N", title=None, scale=colours),
        shape=alt.Shape("who:N", title=None, scale=shapes, legend=alt.Legend(columns=2)),
        size=alt.condition(f"datum.who == '{neither}'", alt.value(28), alt.value(110)),
        tooltip=tips(
            ("number:N", None, _("cover")),
            ("people:Q", ".0%", _("people")),
            ("machine:Q", ".0%", _("the machine")),
            "votes:Q",
        ),
    )
    counted = ", ".join(f"{words}: {len(found)}" for words, found in groups.items())
    heard = _("{emotion} on {n} covers; {counted}.", emotion=_(emotion), n=len(covers.all), counted=counted)
    return hang(points, height=320, description=heard)
