"""Pictures of the evening: covers by how pleasant they are found, painters ranked, a visitor's portrait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from albumjudge.statistics.bradley_terry import PainterRanking
from albumjudge.statistics.findings import Figure
from albumjudge.statistics.portrait import Portrait
from albumjudge.statistics.story import CoverPoint, Story
from albumjudge.ui.charts.theme import (
    ACCENT,
    FAINT,
    INK,
    LINE,
    ON_SIDES,
    QUIET,
    hang,
    hue,
    names_axis,
    percent_axis,
    rows_of,
    signed,
    tips,
)
from albumjudge.ui.words import _, percent

SELECTED = "cover"
"""Name of the selection in :func:`covers_by_pleasantness`; the key of a selected row is ``link``."""


def covers_by_pleasantness(story: Story) -> alt.LayerChart:
    """Covers placed by the pleasant share of people's votes and of the verdict; a touch selects one."""
    kinds = [_("the same emotion first"), _("another one")]
    rows = [_point(point, kinds) for point in story.points]
    scale = alt.Scale(domain=[-0.03, 1.03], nice=False)
    axis = percent_axis()
    colour = QUIET if story.faint else ACCENT
    touched = alt.selection_point(name=SELECTED, fields=["link"], nearest=False, empty=False)
    points = (
        rows_of(rows)
        .mark_point(filled=True, strokeWidth=2)
        .encode(
            x=alt.X("people:Q", scale=scale, title=_("people: share of pleasant emotions"), axis=axis),
            y=alt.Y("machine:Q", scale=scale, title=_("machine: share of pleasant emotions"), axis=axis),
            color=alt.Color("first:N", title=None, scale=alt.Scale(domain=kinds, range=[colour, FAINT])),
            shape=alt.Shape(
                "first:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "diamond"])
            ),
            size=alt.Size("votes:Q", scale=alt.Scale(range=[70, 320]), legend=None),
            opacity=alt.value(0.9),
            stroke=alt.condition(touched, alt.value(INK), alt.value("transparent")),
            tooltip=tips(
                ("number:N", None, _("cover")),
                ("felt:N", None, _("people felt")),
                ("said:N", None, _("the machine felt")),
                ("people:Q", ".0%", _("people, pleasant")),
                ("machine:Q", ".0%", _("machine, pleasant")),
                "votes:Q",
            ),
        )
        .add_params(touched)
    )
    half = rows_of([{"half": 0.5}])
    lines = (
        half.mark_rule(color=LINE, strokeDash=[5, 4]).encode(x=alt.X("half:Q", scale=scale)),
        half.mark_rule(color=LINE, strokeDash=[5, 4]).encode(y=alt.Y("half:Q", scale=scale)),
    )
    both = sum((p.people.value or 0) > 0.5 and p.machine > 0.5 for p in story.points)
    neither = sum((p.people.value or 0) < 0.5 and p.machine < 0.5 for p in story.points)
    return hang(
        *lines,
        points,
        height=420,
        description=_(
            "{n} covers. Pleasant to most people and to the machine: {both}; to neither: {neither}; on the "
            "others the two differ.",
            n=len(rows),
            both=both,
            neither=neither,
        ),
    )


def _point(point: CoverPoint, kinds: Sequence[str]) -> dict[str, object]:
    return {
        "link": str(point.cover),
        "number": _("No. {number}", number=point.cover.number),
        "people": point.people.value,
        "machine": point.machine,
        "votes": point.people.trials,
        "felt": _(point.felt),
        "said": _(point.said),
        "first": kinds[point.felt != point.said],
    }


def ranking(found: PainterRanking, names: Mapping[str, str]) -> alt.LayerChart:
    """Painters by how often they would be preferred to an average one, with intervals.

    Args:
        found: at least two painters.
        names: revision to what a visitor reads.
    """
    faint = any(one.preferred.unmet for one in found.painters)
    rows = [
        {"painter": names.get(one.painter, one.painter), "choices": one.choices, **_spread(one.preferred)}
        for one in found.painters
    ]
    heard = "; ".join(
        f"{row['painter']} {percent(one.preferred.value or 0.0)}"
        for row, one in zip(rows, found.painters, strict=True)
    )
    return _dots(
        rows,
        names_axis("painter", [str(row["painter"]) for row in rows]),
        alt.Scale(domain=[0, 1]),
        middle=0.5,
        colour=alt.value(QUIET if faint else ACCENT),
        title=_("how often it would be hung rather than an average painter’s"),
        description=_("Painters, the most preferred first: {shares}.", shares=heard),
    )


def leans(portrait: Portrait) -> alt.LayerChart:
    """What a visitor feels more or less often than others on the same covers, with intervals."""
    if not portrait.leans:
        raise ValueError("A portrait needs covers that others have voted on.")
    leans = sorted(portrait.leans, key=lambda lean: ON_SIDES.index(lean.emotion))
    spreads = [_spread(lean.difference) for lean in leans]
    rows = [
        {
            "emotion": _(lean.emotion),
            "label": signed(lean.emotion),
            "yours": lean.yours,
            "others": lean.others,
            **spread,
        }
        for lean, spread in zip(leans, spreads, strict=True)
    ]
    reach = max(0.2, *(abs(end) for spread in spreads for end in spread.values() if end is not None)) * 1.05
    heard = "; ".join(
        _(
            "{what} {yours}, others {others}",
            what=_(one.emotion),
            yours=percent(one.yours),
            others=percent(one.others),
        )
        for one in leans
    )
    return _dots(
        rows,
        names_axis("label", [signed(name) for name in ON_SIDES]),
        alt.Scale(domain=[-reach, reach], nice=False),
        middle=0.0,
        colour=hue(),
        title=_("less often than others  ·  more often"),
        description=_("What you felt, and others on the same covers: {shares}.", shares=heard),
    )


def _spread(figure: Figure) -> dict[str, float | None]:
    ends = figure.interval
    return {
        "value": figure.value,
        "low": None if ends is None else ends.low,
        "high": None if ends is None else ends.high,
    }


def _dots(
    rows: Sequence[Mapping[str, object]],
    y: alt.Y,
    scale: alt.Scale,
    *,
    middle: float,
    colour: object,
    title: str,
    description: str,
) -> alt.LayerChart:
    """A dot with its interval on every line, and an upright line where there is no difference."""
    base = rows_of(rows).encode(y=y)
    level = rows_of([{"middle": middle}]).mark_rule(color=FAINT, strokeDash=[5, 4])
    spans = base.transform_filter("datum.low != null").mark_rule(strokeWidth=3, opacity=0.55)
    shown = [key for key in ("yours", "others", "choices") if key in rows[0]]
    dots = base.mark_point(size=130, filled=True, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, title=title, axis=percent_axis()),
        color=colour,
        tooltip=tips(
            (str(y.shorthand), None, " "),
            ("value:Q", ".0%", title),
            *((f"{key}:Q", ".0%") if key != "choices" else "choices:Q" for key in shown),
        ),
    )
    return hang(
        level.encode(x=alt.X("middle:Q", scale=scale)),
        spans.encode(x=alt.X("low:Q", scale=scale), x2="high:Q", color=colour),
        dots,
        height=40 * len(rows) + 60,
        description=description,
    )
