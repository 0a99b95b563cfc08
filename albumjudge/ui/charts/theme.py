"""Colours, fonts and scales that all charts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from albumjudge.domain import emotions
from albumjudge.domain.emotions import EMOTIONS, NAMES
from albumjudge.ui.charts.sides import CLOSE_UP as CLOSE_UP
from albumjudge.ui.charts.sides import LEFT as LEFT
from albumjudge.ui.charts.sides import ON_SIDES as ON_SIDES
from albumjudge.ui.charts.sides import RIGHT as RIGHT
from albumjudge.ui.words import _, vega_locale

INK = "#efe8dc"
QUIET = "#a69b8b"
FAINT = "#6f665b"
LINE = "#3a342e"
TRACK = "#1f1c19"
WALL = "#131110"
ACCENT = "#d8b98a"
SANS = "Source Sans, sans-serif"

SIGN = {e.name: e.sign for e in EMOTIONS}


def sized(pixels: int) -> alt.ExprRef:
    """So many pixels, and half as many more where all type is larger (css/theme.css)."""
    return alt.ExprRef(f"{pixels} * (windowSize()[0] >= 2000 && windowSize()[1] >= 1200 ? 1.5 : 1)")


def hang(*layers: alt.Chart, **size: Any) -> alt.LayerChart:
    """Layers as one chart, with its size and the room's fonts and colours."""
    chart: alt.LayerChart = dress(alt.layer(*layers), **size)
    return chart


def dress(chart: Any, **size: Any) -> Any:
    """Give a chart its size and the room's fonts and colours."""
    return (
        chart.properties(background="transparent", **{"width": "container", **size})
        .configure(font=SANS, locale=vega_locale())
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            gridColor=TRACK,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=sized(13),
            titleFontSize=sized(13),
            titleFontWeight="normal",
            labelLimit=sized(220),
        )
        .configure_legend(
            labelColor=INK, titleColor=QUIET, labelFontSize=sized(13), orient="bottom", labelLimit=sized(320)
        )
    )


def rows_of(rows: Iterable[Mapping[str, object]]) -> alt.Chart:
    """A chart of rows that are sent along with it.

    Raises:
        ValueError: if there are none.
    """
    if not (values := list(rows)):
        raise ValueError("A chart needs rows.")
    return alt.Chart(alt.InlineData(values=values))


def tips(*fields: str | tuple[str, str] | tuple[str, str | None, str]) -> list[alt.Tooltip]:
    """What a point tells when it is touched: fields, with a format and a title where they have one."""
    found = []
    for field in fields:
        name, style, title = (*((field,) if isinstance(field, str) else field), None, None)[:3]
        given = {"format": style, "title": title or _(name.partition(":")[0])}
        found.append(alt.Tooltip(name, **{key: value for key, value in given.items() if value is not None}))
    return found


def need_eight(*distributions: Sequence[float] | None, what: str = "distribution") -> None:
    """Check lengths.

    Raises:
        ValueError: if one has not eight shares.
    """
    if any(shares is not None and len(shares) != len(NAMES) for shares in distributions):
        raise ValueError(f"A {what} has {len(NAMES)} shares, one per emotion.")


def share_of(shares: Sequence[float], name: str) -> float:
    """The share of an emotion, given by name."""
    return shares[emotions.index(name)]


def hue(faint: bool = False) -> alt.Color:
    """One colour per emotion, without a legend; grey where there are too few votes."""
    shown = [QUIET if faint else emotion.colour for emotion in EMOTIONS]
    scale = alt.Scale(domain=[_(name) for name in NAMES], range=shown)
    return alt.Color("emotion:N", scale=scale, legend=None)


def signed(name: str) -> str:
    """An emotion's name and its sign."""
    return f"{_(name)}  {SIGN[name]}"


def names_axis(field: str, order: Sequence[str], **axis: Any) -> alt.Y:
    """A line for each name, without ticks."""
    style = {
        "domain": False,
        "ticks": False,
        "labelColor": INK,
        "labelFontSize": sized(14),
        "labelPadding": 8,
    }
    return alt.Y(f"{field}:N", sort=list(order), title=None, axis=alt.Axis(**{**style, **axis}))


def from_zero(reach: float) -> alt.Scale:
    """A scale from zero to exactly ``reach``."""
    return alt.Scale(domain=[0, reach], nice=False)


def percent_axis(grid: bool = False) -> alt.Axis:
    """Percentages."""
    label = "datum.value == 0 ? '0' : format(100 * datum.value, 'd') + ' %'"
    return alt.Axis(labelExpr=label, tickCount=5, domain=False, grid=grid)


def diagonal(reach: float) -> alt.Chart:
    """Where both axes say the same."""
    line: alt.Chart = (
        rows_of([{"x": 0, "y": 0}, {"x": reach, "y": reach}])
        .mark_line(color=FAINT, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=alt.X("x:Q"), y=alt.Y("y:Q"))
    )
    return line
