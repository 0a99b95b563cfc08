"""Altair charts for the dark wall: one hue per emotion, unpleasant ones left, pleasant ones right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from albumjudge.domain import emotions
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.domain.verdict import Juror
from albumjudge.statistics.by_emotion import EmotionCovers
from albumjudge.statistics.findings import CalibrationBin, CoverNoise

INK = "#efe8dc"
QUIET = "#a69b8b"
LINE = "#3a342e"
TRACK = "#1f1c19"
ACCENT = "#d8b98a"
SANS = "Source Sans, sans-serif"
SERIF = "Source Serif, serif"

LEFT: tuple[str, ...] = tuple(e.name for e in EMOTIONS if not e.positive)
RIGHT: tuple[str, ...] = tuple(e.name for e in EMOTIONS if e.positive)
ON_SIDES: tuple[str, ...] = (*LEFT, *RIGHT)
"""The eight names as charts and buttons arrange them: unpleasant first, each side in the fixed order."""

_HUE = {e.name: e.colour for e in EMOTIONS}
_SIGN = {e.name: e.sign for e in EMOTIONS}
CLOSE_UP = 0.6
"""Bars share one scale, 0 to 60 %, unless one is longer."""
_FEWEST_SAID = 20
"""Times that the machine must have said about the same before it is held to that."""


def _hang(chart: Any, **size: Any) -> Any:
    """Give a chart its size and the room's fonts and colours."""
    return (
        chart.properties(background="transparent", **size)
        .configure(font=SANS)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            gridColor=TRACK,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=13,
            titleFontSize=13,
            titleFontWeight="normal",
            labelLimit=220,
        )
        .configure_legend(labelColor=INK, titleColor=QUIET, labelFontSize=13, orient="bottom", labelLimit=320)
        .configure_header(labelColor=INK, titleColor=QUIET, labelFontSize=13)
    )


def percent(share: float) -> str:
    """A share as people read it: ``"12 %"``, ``"< 1 %"`` for what is little but not nothing."""
    return "< 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def spoken(probabilities: Sequence[float]) -> str:
    """The distribution as a sentence, largest first; what a screen reader says in place of the chart."""
    ranked = sorted(range(len(NAMES)), key=lambda i: (-probabilities[i], i))
    return ", ".join(f"{NAMES[i]} {percent(probabilities[i])}" for i in ranked) + "."


def distribution(
    probabilities: Sequence[float], *, felt: str | None = None, crowd: Sequence[float] | None = None
) -> alt.LayerChart:
    """Eight bars from a middle line outwards, always in the same places, each with its word and percentage.

    Args:
        probabilities: eight numbers that add up to one, in the fixed order.
        felt: the emotion that the visitor chose, to be marked; None or "nothing" marks none.
        crowd: the share of visitors who felt each emotion, drawn as ticks over the bars; None draws none.

    Raises:
        ValueError: if there are not eight probabilities (or crowd shares).
    """
    if len(probabilities) != len(NAMES) or (crowd is not None and len(crowd) != len(NAMES)):
        raise ValueError(f"A distribution has {len(NAMES)} shares, one per emotion.")
    return _two_sides(
        probabilities,
        crowd,
        felt=felt,
        whose="the machine",
        description=f"What the machine feels: {spoken(probabilities)}",
    )


def profile(yours: Sequence[float], everyone: Sequence[float] | None = None) -> alt.LayerChart:
    """What a visitor tends to feel, as bars, and what everyone does, as ticks over them.

    Args:
        yours: share of the visitor's votes for each of the eight emotions, in the fixed order; they need not add
            up to one, for some votes are for none of the eight.
        everyone: the same of all others; None draws none.

    Raises:
        ValueError: if there are not eight shares.
    """
    if len(yours) != len(NAMES) or (everyone is not None and len(everyone) != len(NAMES)):
        raise ValueError(f"A profile has {len(NAMES)} shares, one per emotion.")
    against = f" Everyone: {spoken(everyone)}" if everyone is not None else ""
    return _two_sides(yours, everyone, whose="you", description=f"What you felt: {spoken(yours)}{against}")


def _two_sides(
    shares: Sequence[float],
    ticks: Sequence[float] | None,
    *,
    felt: str | None = None,
    whose: str,
    description: str,
) -> alt.LayerChart:
    """Eight bars from a middle line outwards, with ticks over them, and one of them marked as felt."""
    longest = max([*shares, *(ticks or ())])
    reach = 1.0 if longest > CLOSE_UP else CLOSE_UP
    gap = reach * 0.012
    rows: list[dict[str, object]] = []
    for side, names in ((-1, LEFT), (1, RIGHT)):
        for row, name in enumerate(names):
            share = shares[emotions.index(name)]
            mark = " · you" if name == felt else ""
            word = (
                f"{percent(share)}  {name} {_SIGN[name]}"
                if side < 0
                else f"{_SIGN[name]} {name}  {percent(share)}"
            )
            rows.append(
                {
                    "emotion": name,
                    "side": side,
                    "share": share,
                    "word": f"you · {word}" if mark and side < 0 else word + mark,
                    "start": side * gap,
                    "end": side * (gap + share),
                    "limit": side * (gap + reach),
                    "crowd": None if ticks is None else side * (gap + ticks[emotions.index(name)]),
                    "top": row + 0.5,
                    "bottom": row + 0.82,
                    "line": row + 0.24,
                    "chosen": name == felt,
                }
            )
    x_scale = alt.Scale(domain=[-(reach + gap), reach + gap], nice=False, zero=False)
    y_scale = alt.Scale(domain=[0, len(LEFT)], reverse=True, nice=False)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("top:Q", axis=None, scale=y_scale), y2="bottom:Q"
    )
    colour = alt.Color(
        "emotion:N", scale=alt.Scale(domain=list(NAMES), range=[_HUE[n] for n in NAMES]), legend=None
    )

    def across(field: str) -> alt.X:
        return alt.X(f"{field}:Q", axis=None, scale=x_scale)

    track = base.mark_rect(color=TRACK).encode(x=across("start"), x2="limit:Q")
    chosen = (
        base.transform_filter("datum.chosen")
        .mark_rect(fillOpacity=0, stroke=INK, strokeWidth=1.5)
        .encode(x=across("start"), x2="limit:Q")
    )
    bars = base.mark_rect().encode(
        x=across("start"),
        x2="end:Q",
        color=colour,
        tooltip=[alt.Tooltip("emotion:N"), alt.Tooltip("share:Q", format=".1%", title=whose)],
    )
    # An empty layer would be a picture without a name to a screen reader.
    layers: list[alt.Chart] = [track, bars, *([chosen] if felt in NAMES else [])]
    if ticks is not None:
        layers.append(base.mark_rule(color=INK, strokeWidth=3).encode(x=across("crowd")))
    words = alt.Chart(alt.InlineData(values=rows)).encode(
        x=across("start"), y=alt.Y("line:Q", axis=None, scale=y_scale), text="word:N"
    )
    left, right = (words.transform_filter(f"datum.side {side} 0") for side in "<>")
    layers.append(left.mark_text(align="right", baseline="middle", fontSize=15, color=INK))
    layers.append(right.mark_text(align="left", baseline="middle", fontSize=15, color=INK))
    chart: alt.LayerChart = _hang(
        alt.layer(*layers),
        width="container",
        height=232,
        description=description,
    )
    return chart


def confusion(counts: Sequence[Sequence[int]]) -> alt.LayerChart:
    """What people felt (rows) by what the machine felt most (columns); the same feeling is outlined.

    Args:
        counts: nine rows (the eight emotions in their fixed order, then "nothing") of eight columns.

    Raises:
        ValueError: if the shape is another.
    """
    if len(counts) != len(NAMES) + 1 or any(len(row) != len(NAMES) for row in counts):
        raise ValueError("The confusion matrix has nine rows of eight columns.")
    felt_order = [*ON_SIDES, NOTHING]
    most = max(max(row) for row in counts)
    cells = [
        {
            "felt": felt,
            "machine": machine,
            "votes": counts[len(NAMES) if felt == NOTHING else emotions.index(felt)][emotions.index(machine)],
            "same": felt == machine,
        }
        for felt in felt_order
        for machine in ON_SIDES
    ]
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        x=alt.X(
            "machine:N",
            sort=list(ON_SIDES),
            title="the machine felt most",
            axis=alt.Axis(orient="top", labelAngle=-90, domain=False, ticks=False, labelColor=INK),
        ),
        y=alt.Y(
            "felt:N",
            sort=felt_order,
            title="people felt",
            axis=alt.Axis(domain=False, ticks=False, labelColor=INK),
        ),
    )
    squares = base.mark_rect(stroke="#131110", strokeWidth=2).encode(
        color=alt.Color(
            "votes:Q",
            scale=alt.Scale(domain=[0, max(most, 1)], range=[TRACK, ACCENT], type="sqrt"),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("felt:N", title="people felt"),
            alt.Tooltip("machine:N", title="the machine felt most"),
            alt.Tooltip("votes:Q"),
        ],
    )
    same = base.transform_filter("datum.same").mark_rect(fillOpacity=0, stroke=INK, strokeWidth=1.5)
    numbers = (
        base.transform_filter("datum.votes > 0")
        .mark_text(fontSize=14)
        .encode(
            text="votes:Q",
            color=alt.condition(f"datum.votes > {most * 0.3}", alt.value("#131110"), alt.value(INK)),
        )
    )
    agreeing = sum(counts[i][i] for i in range(len(NAMES)))
    total = sum(sum(row) for row in counts)
    chart: alt.LayerChart = _hang(
        alt.layer(squares, same, numbers),
        width="container",
        height=430,
        description=f"Votes by what people and the machine felt: {agreeing} of {total} are the same.",
    )
    return chart


def people_and_machine(people: Mapping[str, float], machine: Mapping[str, float]) -> alt.LayerChart:
    """How often people and the machine felt each emotion: one dumbbell per emotion.

    Args:
        people: emotion to share of votes; missing ones count as zero, "nothing" is left out.
        machine: emotion to share of the same covers' verdicts.
    """
    spoken_rows = [
        f"{n}: people {percent(people.get(n, 0.0))}, machine {percent(machine.get(n, 0.0))}" for n in ON_SIDES
    ]
    rows = [
        {
            "emotion": n,
            "label": f"{n}  {_SIGN[n]}",
            "people": people.get(n, 0.0),
            "machine": machine.get(n, 0.0),
        }
        for n in ON_SIDES
    ]
    y = alt.Y(
        "label:N",
        sort=[str(r["label"]) for r in rows],
        title=None,
        axis=alt.Axis(domain=False, ticks=False, labelColor=INK, labelFontSize=14, labelPadding=8),
    )
    colour = alt.Color(
        "emotion:N", scale=alt.Scale(domain=list(NAMES), range=[_HUE[n] for n in NAMES]), legend=None
    )
    scale = alt.Scale(domain=[0, max([0.3, *people.values(), *machine.values()])], nice=True)
    axis = alt.Axis(
        labelExpr="format(datum.value, '.0%') == '0%' ? '0' : format(100 * datum.value, 'd') + ' %'",
        tickCount=5,
        domain=False,
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=y,
        tooltip=[
            alt.Tooltip("emotion:N"),
            alt.Tooltip("people:Q", format=".0%"),
            alt.Tooltip("machine:Q", format=".0%"),
        ],
    )
    bar = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("people:Q", scale=scale, title="share of all votes", axis=axis), x2="machine:Q", color=colour
    )
    person = base.mark_point(size=130, filled=True, opacity=1).encode(
        x=alt.X("people:Q", scale=scale), color=colour
    )
    judge = base.mark_point(
        size=110, filled=True, fill="#131110", strokeWidth=2.5, opacity=1, shape="square"
    ).encode(x=alt.X("machine:Q", scale=scale), stroke=colour)
    chart: alt.LayerChart = _hang(
        alt.layer(bar, judge, person),
        width="container",
        height=330,
        description="How often people and the machine felt each emotion: " + "; ".join(spoken_rows) + ".",
    )
    return chart


def jurors(jury: Sequence[Juror]) -> alt.LayerChart:
    """What each juror feels, a dot each, one line for each emotion; upright lines are the jury's mean.

    Raises:
        ValueError: if there is no juror.
    """
    if not jury:
        raise ValueError("A chart of jurors needs some.")
    means = {n: sum(j.probabilities[emotions.index(n)] for j in jury) / len(jury) for n in ON_SIDES}
    rows: list[dict[str, object]] = [
        {
            "emotion": n,
            "label": f"{n}  {_SIGN[n]}",
            "juror": juror.life,
            "share": juror.probabilities[emotions.index(n)],
            "mean": means[n],
        }
        for n in ON_SIDES
        for juror in jury
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "label:N",
            sort=[f"{n}  {_SIGN[n]}" for n in ON_SIDES],
            title=None,
            axis=alt.Axis(
                domain=False, ticks=False, grid=True, labelColor=INK, labelFontSize=14, labelPadding=8
            ),
        )
    )
    scale = _from_zero(max(max(juror.probabilities) for juror in jury) * 1.06)
    x = alt.X("share:Q", scale=scale, title="how much of it each juror feels", axis=_percent_axis())
    dots = base.mark_point(size=90, filled=True, opacity=0.75).encode(
        x=x,
        color=alt.Color(
            "emotion:N", scale=alt.Scale(domain=list(NAMES), range=[_HUE[n] for n in NAMES]), legend=None
        ),
        tooltip=[
            alt.Tooltip("juror:N"),
            alt.Tooltip("emotion:N"),
            alt.Tooltip("share:Q", format=".1%", title="feels"),
        ],
    )
    middle = base.mark_tick(color=INK, thickness=2, size=22).encode(x=alt.X("mean:Q", scale=scale))
    spans = "; ".join(
        f"{n} {percent(min(of))} to {percent(max(of))}"
        for n in ON_SIDES
        if (of := [juror.probabilities[emotions.index(n)] for juror in jury])
    )
    chart: alt.LayerChart = _hang(
        alt.layer(middle, dots),
        width="container",
        height=300,
        description=f"What {len(jury)} jurors feel, from the one who feels it least to the most: {spans}.",
    )
    return chart


def juror(shares: Sequence[float], jury: Sequence[float], reach: float) -> alt.LayerChart:
    """One juror's distribution, small: eight columns under their signs, and the jury's mean across them.

    Args:
        shares: of the juror, in the fixed order.
        jury: of the whole jury.
        reach: share at the top, the same for all jurors that hang side by side.

    Raises:
        ValueError: if there are not eight shares.
    """
    if len(shares) != len(NAMES) or len(jury) != len(NAMES):
        raise ValueError(f"A distribution has {len(NAMES)} shares, one per emotion.")
    rows: list[dict[str, object]] = [
        {
            "emotion": n,
            "sign": _SIGN[n],
            "share": shares[emotions.index(n)],
            "jury": jury[emotions.index(n)],
            "word": f"{100 * shares[emotions.index(n)]:.0f}",
            "top": max(shares[emotions.index(n)], jury[emotions.index(n)]),
        }
        for n in ON_SIDES
    ]
    scale = alt.Scale(domain=[0, reach * 1.2], nice=False)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "sign:N",
            sort=[_SIGN[n] for n in ON_SIDES],
            title=None,
            scale=alt.Scale(paddingInner=0.22, paddingOuter=0.1),
            axis=alt.Axis(domain=False, ticks=False, labelAngle=0, labelColor=INK, labelFontSize=15),
        )
    )
    y = alt.Y("share:Q", axis=None, scale=scale)
    bars = base.mark_bar().encode(
        y=y,
        color=alt.Color(
            "emotion:N", scale=alt.Scale(domain=list(NAMES), range=[_HUE[n] for n in NAMES]), legend=None
        ),
        tooltip=[
            alt.Tooltip("emotion:N"),
            alt.Tooltip("share:Q", format=".1%", title="this juror"),
            alt.Tooltip("jury:Q", format=".1%", title="the jury"),
        ],
    )
    words = base.mark_text(baseline="bottom", dy=-5, fontSize=13, color=INK).encode(
        y=alt.Y("top:Q", axis=None, scale=scale), text="word:N"
    )
    # Dark below light: one of them shows on any hue.
    middle = [
        base.mark_tick(color=colour, thickness=thick, bandSize=26).encode(
            y=alt.Y("jury:Q", axis=None, scale=scale)
        )
        for colour, thick in (("#131110", 5), (INK, 2))
    ]
    chart: alt.LayerChart = _hang(
        alt.layer(bars, *middle, words),
        width="container",
        height=130,
        description=f"What this juror feels: {spoken(shares)}",
    )
    return chart


def calibration(bins: Sequence[CalibrationBin], *, faint: bool = False) -> alt.LayerChart:
    """What the machine stated against what people felt, with intervals; on the diagonal it is honest.

    Args:
        bins: one point each; those on which few votes bear are left out, unless all are.
        faint: whether there are too few votes to read much from it.

    Raises:
        ValueError: if there are no bins.
    """
    if not bins:
        raise ValueError("A calibration chart needs votes.")
    bins = [b for b in bins if b.n >= _FEWEST_SAID] or bins
    rows = [
        {
            "stated": b.stated,
            "felt": b.felt.value,
            "low": None if b.felt.interval is None else b.felt.interval.low,
            "high": None if b.felt.interval is None else b.felt.interval.high,
            "n": b.n,
        }
        for b in bins
    ]
    highest = (b.felt.interval.high if b.felt.interval else b.felt.value or 0.0 for b in bins)
    reach = max(0.3, *highest, *(b.stated for b in bins)) * 1.04
    colour = QUIET if faint else ACCENT
    x = alt.X("stated:Q", scale=_from_zero(reach), title="the machine said", axis=_percent_axis())
    y_scale = _from_zero(reach)
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
    spans = base.transform_filter("datum.low != null").mark_rule(
        color=colour, strokeWidth=2, opacity=0.55, clip=True
    )
    points = base.mark_point(size=90, filled=True, opacity=1, color=colour).encode(
        y=alt.Y("felt:Q", scale=y_scale, title="people felt", axis=_percent_axis()),
        tooltip=[
            alt.Tooltip("stated:Q", format=".0%", title="the machine said"),
            alt.Tooltip("felt:Q", format=".0%", title="people felt"),
            alt.Tooltip("n:Q", title="times said"),
        ],
    )
    said = "; ".join(
        f"said {percent(b.stated)}, felt {percent(b.felt.value)}" for b in bins if b.felt.value is not None
    )
    chart: alt.LayerChart = _hang(
        alt.layer(
            _diagonal(reach),
            spans.encode(y=alt.Y("low:Q", scale=y_scale), y2="high:Q"),
            points,
        ),
        width="container",
        height=300,
        description=f"What the machine said and how often people felt it: {said}.",
    )
    return chart


def noise(covers: Sequence[CoverNoise], *, faint: bool = False) -> alt.LayerChart:
    """Each cover's distance of crowd and machine against how far mere chance would take it.

    Args:
        covers: one point each.
        faint: whether there are too few covers to read much from it.

    Raises:
        ValueError: if there are no covers.
    """
    if not covers:
        raise ValueError("A chart of covers needs some.")
    rows = [
        {
            "number": f"No. {row.cover.number}",
            "distance": row.distance,
            "chance": row.by_chance_high,
            "votes": row.votes,
            "beyond": row.beyond,
        }
        for row in covers
    ]
    reach = max(max(row.distance, row.by_chance_high) for row in covers) * 1.08
    scale, axis = _from_zero(reach), alt.Axis(tickCount=5, grid=False, domain=False, format=".2~f")
    points = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(size=70, filled=True, opacity=0.45 if faint else 0.85)
        .encode(
            x=alt.X("chance:Q", scale=scale, title="as far as chance would take it", axis=axis),
            y=alt.Y("distance:Q", scale=scale, title="how far apart they are", axis=axis),
            color=alt.condition("datum.beyond", alt.value(QUIET if faint else ACCENT), alt.value("#6f665b")),
            tooltip=[
                alt.Tooltip("number:N", title="cover"),
                alt.Tooltip("votes:Q"),
                alt.Tooltip("distance:Q", format=".2f", title="distance"),
                alt.Tooltip("chance:Q", format=".2f", title="95 % of chance stays below"),
            ],
        )
    )
    beyond = sum(row.beyond for row in covers)
    chart: alt.LayerChart = _hang(
        alt.layer(_diagonal(reach), points),
        width="container",
        height=300,
        description=f"On {beyond} of {len(covers)} covers people and machine are further apart than chance.",
    )
    return chart


def emotion_on_covers(emotion: str, covers: EmotionCovers) -> alt.LayerChart:
    """One emotion cover by cover: how many people felt it, and how probable the machine thinks it.

    Raises:
        ValueError: if the emotion is none of the eight, or there are no covers.
    """
    hue = EMOTIONS[emotions.index(emotion)].colour
    if not covers.all:
        raise ValueError("A chart of covers needs some.")
    groups = (
        ("both felt it most", covers.both),
        ("only people did", covers.people),
        ("only the machine did", covers.machine),
    )
    group_of = {here.cover.cover: words for words, rows in groups for here in rows}
    neither = "neither did"
    rows = [
        {
            "number": f"No. {here.cover.cover.number}",
            "people": here.share,
            "machine": here.machine,
            "votes": here.voters,
            "who": group_of.get(here.cover.cover, neither),
        }
        for here in covers.all
    ]
    order = [*(words for words, _ in groups), neither]
    widest = max(0.5, *(here.share for here in covers.all))
    points = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, opacity=0.9)
        .encode(
            x=alt.X(
                "people:Q", scale=_from_zero(1.06 * widest), title="people who felt it", axis=_percent_axis()
            ),
            y=alt.Y(
                "machine:Q",
                scale=_from_zero(max(0.3, *(here.machine for here in covers.all)) * 1.06),
                title="the machine’s share",
                axis=_percent_axis(),
            ),
            color=alt.Color(
                "who:N", title=None, scale=alt.Scale(domain=order, range=[hue, hue, hue, "#6f665b"])
            ),
            shape=alt.Shape(
                "who:N",
                title=None,
                scale=alt.Scale(domain=order, range=["diamond", "circle", "square", "circle"]),
                legend=alt.Legend(columns=2),
            ),
            size=alt.condition(f"datum.who == '{neither}'", alt.value(28), alt.value(110)),
            tooltip=[
                alt.Tooltip("number:N", title="cover"),
                alt.Tooltip("people:Q", format=".0%", title="people"),
                alt.Tooltip("machine:Q", format=".0%", title="the machine"),
                alt.Tooltip("votes:Q"),
            ],
        )
    )
    counted = ", ".join(f"{words} on {len(rows)}" for words, rows in groups)
    chart: alt.LayerChart = _hang(
        alt.layer(points),
        width="container",
        height=320,
        description=f"{emotion} on {len(covers.all)} covers: {counted}.",
    )
    return chart


def _from_zero(reach: float) -> alt.Scale:
    return alt.Scale(domain=[0, reach], nice=False)


def _percent_axis() -> alt.Axis:
    return alt.Axis(
        labelExpr="datum.value == 0 ? '0' : format(100 * datum.value, 'd') + ' %'",
        tickCount=5,
        domain=False,
        grid=False,
    )


def _diagonal(reach: float) -> alt.Chart:
    """Where both axes say the same."""
    ends: list[dict[str, float]] = [{"x": 0, "y": 0}, {"x": reach, "y": reach}]
    line: alt.Chart = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_line(color="#6f665b", strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=alt.X("x:Q"), y=alt.Y("y:Q"))
    )
    return line


def training_curves(
    history: Sequence[Mapping[str, object]], over: str, lines: Mapping[str, str]
) -> alt.Chart:
    """How numbers went while a network was in training.

    Args:
        history: one mapping per epoch or step.
        over: the key along the horizontal axis, such as "epoch".
        lines: key in ``history`` to the words that stand in the legend.

    Raises:
        ValueError: if no line has a point.
    """
    points = [
        {"x": entry[over], "value": entry[key], "line": words}
        for entry in history
        for key, words in lines.items()
        if over in entry and isinstance(entry.get(key), int | float)
    ]
    if not points:
        raise ValueError(f"The history has none of {', '.join(lines)} over {over}.")
    colours = [ACCENT, "#7fa6c4", "#b98aa8", "#8fb58a", "#c98f6a"]
    chart: alt.Chart = _hang(
        alt.Chart(alt.InlineData(values=points))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=25))
        .encode(
            x=alt.X("x:Q", title=over, axis=alt.Axis(tickCount=6, tickMinStep=1, grid=False)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5)),
            color=alt.Color(
                "line:N",
                title=None,
                sort=list(lines.values()),
                scale=alt.Scale(domain=list(lines.values()), range=colours[: len(lines)]),
                legend=alt.Legend(columns=1),
            ),
            tooltip=[alt.Tooltip("x:Q", title=over), "line:N", alt.Tooltip("value:Q", format=".3~r")],
        ),
        width="container",
        height=220,
        description=f"{', '.join(lines.values())} over {len(history)} {over}s.",
    )
    return chart


def ceiling(scores: Mapping[str, float], most: float, what: str) -> alt.LayerChart:
    """How far several judges came, beside how far anybody could come: bars that end before a line.

    Args:
        scores: share from 0 to 1 that each reached, in the order of the bars.
        most: share that a perfect judge would reach.
        what: what is counted, for who listens to the chart.

    Raises:
        ValueError: if there is no score.
    """
    if not scores:
        raise ValueError("A chart of judges needs at least one.")
    rows = [
        {"judge": name, "score": score, "word": percent(score), "last": place == len(scores) - 1}
        for place, (name, score) in enumerate(scores.items())
    ]
    scale = alt.Scale(domain=[0, max([most, *scores.values()]) * 1.18], nice=False)
    x = alt.X("score:Q", axis=None, scale=scale)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y(
            "judge:N",
            sort=list(scores),
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelColor=INK, labelFontSize=14, labelPadding=8),
        )
    )
    bars = base.mark_bar(height=18).encode(
        x=x, color=alt.condition("datum.last", alt.value(ACCENT), alt.value(LINE))
    )
    words = base.mark_text(align="left", dx=6, fontSize=14, color=INK).encode(x=x, text="word:N")
    limit = alt.Chart(alt.InlineData(values=[{"most": most, "word": f"perfect: {percent(most)}"}]))
    line = limit.mark_rule(color=INK, strokeWidth=2, strokeDash=[5, 4]).encode(x=alt.X("most:Q", scale=scale))
    name = limit.mark_text(align="center", baseline="bottom", dy=-4, fontSize=13, color=INK).encode(
        x=alt.X("most:Q", scale=scale), y=alt.value(0), text="word:N"
    )
    heard = "; ".join(f"{judge} {percent(score)}" for judge, score in scores.items())
    chart: alt.LayerChart = _hang(
        alt.layer(bars, words, line, name),
        width="container",
        height=40 * len(rows),
        padding={"top": 24, "left": 0, "right": 0, "bottom": 4},
        description=f"{what}: {heard}; a perfect judge {percent(most)}.",
    )
    return chart
