"""People and machine, emotion by emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from albumjudge.domain import emotions
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.ui.charts.theme import (
    ACCENT,
    INK,
    ON_SIDES,
    QUIET,
    TRACK,
    WALL,
    hang,
    hue,
    names_axis,
    percent_axis,
    rows_of,
    signed,
    sized,
    tips,
)
from albumjudge.ui.words import _, percent


def confusion(counts: Sequence[Sequence[int]], *, faint: bool = False) -> alt.LayerChart:
    """What people felt (rows) by what the machine felt most (columns); the same emotion is outlined.

    Args:
        counts: nine rows (the eight emotions in their fixed order, then "nothing") of eight columns.
    """
    if len(counts) != len(NAMES) + 1 or any(len(row) != len(NAMES) for row in counts):
        raise ValueError("The confusion matrix has nine rows of eight columns.")
    felt_order = [*ON_SIDES, NOTHING]
    most = max(max(row) for row in counts)
    cells = [
        {
            "felt": _(felt),
            "machine": _(machine),
            "votes": counts[len(NAMES) if felt == NOTHING else emotions.index(felt)][emotions.index(machine)],
            "same": felt == machine,
        }
        for felt in felt_order
        for machine in ON_SIDES
    ]
    plain: dict[str, Any] = {"domain": False, "ticks": False, "labelColor": INK}
    x_axis, y_axis = alt.Axis(orient="top", labelAngle=-90, **plain), alt.Axis(**plain)
    base = rows_of(cells).encode(
        x=alt.X(
            "machine:N", sort=[_(name) for name in ON_SIDES], title=_("the machine felt most"), axis=x_axis
        ),
        y=alt.Y("felt:N", sort=[_(name) for name in felt_order], title=_("people felt"), axis=y_axis),
    )
    scale = alt.Scale(domain=[0, max(most, 1)], range=[TRACK, QUIET if faint else ACCENT], type="sqrt")
    squares = base.mark_rect(stroke=WALL, strokeWidth=2).encode(
        color=alt.Color("votes:Q", scale=scale, legend=None),
        tooltip=tips(
            ("felt:N", None, _("people felt")), ("machine:N", None, _("the machine felt most")), "votes:Q"
        ),
    )
    same = base.transform_filter("datum.same").mark_rect(fillOpacity=0, stroke=INK, strokeWidth=1.5)
    ink = alt.condition(f"datum.votes > {most * 0.3}", alt.value(WALL), alt.value(INK))
    numbers = (
        base.transform_filter("datum.votes > 0")
        .mark_text(fontSize=sized(14))
        .encode(text="votes:Q", color=ink)
    )
    agreeing, total = sum(counts[i][i] for i in range(len(NAMES))), sum(map(sum, counts))
    return hang(
        squares,
        same,
        numbers,
        height=430,
        description=_(
            "Votes by what people and the machine felt: {n} of {all} are the same.", n=agreeing, all=total
        ),
    )


def people_and_machine(
    people: Mapping[str, float], machine: Mapping[str, float], *, faint: bool = False
) -> alt.LayerChart:
    """How often people and the machine felt each emotion: one dumbbell per emotion.

    Both map emotions to shares, of votes and of the same covers' verdicts; missing ones count as zero, and
    "nothing" is left out.
    """
    both = {n: (people.get(n, 0.0), machine.get(n, 0.0)) for n in ON_SIDES}
    rows = [
        {"emotion": _(n), "label": signed(n), "people": felt, "machine": said}
        for n, (felt, said) in both.items()
    ]
    scale = alt.Scale(domain=[0, max([0.3, *people.values(), *machine.values()])], nice=True)
    base = rows_of(rows).encode(
        y=names_axis("label", [signed(n) for n in ON_SIDES]),
        tooltip=tips("emotion:N", ("people:Q", ".0%"), ("machine:Q", ".0%")),
    )
    bar = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("people:Q", scale=scale, title=_("share of all votes"), axis=percent_axis(grid=True)),
        x2="machine:Q",
        color=hue(faint),
    )
    person = base.mark_point(size=80, filled=True, opacity=1).encode(
        x=alt.X("people:Q", scale=scale), color=hue(faint)
    )
    judge = base.mark_point(
        size=190, filled=True, fill=WALL, strokeWidth=2.5, opacity=1, shape="square"
    ).encode(x=alt.X("machine:Q", scale=scale), stroke=hue(faint))
    heard = "; ".join(
        _("{what}: people {people}, machine {machine}", what=_(n), people=percent(p), machine=percent(m))
        for n, (p, m) in both.items()
    )
    return hang(
        bar,
        judge,
        person,
        height=330,
        description=_("How often people and the machine felt each emotion: {shares}.", shares=heard),
    )
