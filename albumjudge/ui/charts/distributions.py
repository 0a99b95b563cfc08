"""Shares of the eight emotions: of a verdict, a visitor, a jury."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror
from albumjudge.ui.charts.theme import (
    CLOSE_UP,
    INK,
    LEFT,
    ON_SIDES,
    RIGHT,
    SIGN,
    TRACK,
    WALL,
    from_zero,
    hang,
    hue,
    names_axis,
    need_eight,
    percent_axis,
    rows_of,
    share_of,
    signed,
    sized,
    tips,
)
from albumjudge.ui.words import _, language, percent, spoken, translate

_ROWS = "rows"
Spec = dict[str, Any]
"""A chart as Vega-Lite describes it."""


def distribution(
    probabilities: Sequence[float], *, felt: str | None = None, others: Sequence[float] | None = None
) -> Spec:
    """Eight bars from a middle line outwards, always in the same places, each with its word and percentage.

    Args:
        probabilities: eight numbers that add up to one, in the fixed order.
        felt: the emotion that the visitor chose, to be marked; None or "nothing" marks none.
        others: the share of other visitors who felt each emotion, drawn as ticks; None draws none.
    """
    need_eight(probabilities, others)
    heard = _("What the machine feels: {shares}", shares=spoken(probabilities))
    return _two_sides(probabilities, others, felt, whose=_("the machine"), description=heard)


def profile(yours: Sequence[float], everyone: Sequence[float] | None = None) -> Spec:
    """What a visitor tends to feel, as bars, and what everyone does, as ticks over them.

    Args:
        yours: share of the visitor's votes for each of the eight emotions, in the fixed order; they need not add
            up to one, for some votes are for none of the eight.
        everyone: the same of all others; None draws none.
    """
    need_eight(yours, everyone, what="profile")
    heard = _("What you felt: {shares}", shares=spoken(yours))
    if everyone is not None:
        heard += " " + _("Everyone: {shares}", shares=spoken(everyone))
    return _two_sides(yours, everyone, None, whose=_("you"), description=heard)


def _side_rows(
    shares: Sequence[float], ticks: Sequence[float] | None, felt: str | None, reach: float
) -> list[dict[str, object]]:
    gap = reach * 0.012
    rows: list[dict[str, object]] = []
    for side, names in ((-1, LEFT), (1, RIGHT)):
        for row, name in enumerate(names):
            share, chosen = share_of(shares, name), name == felt
            you, said = [_("you")] if chosen else [], percent(share)
            words = [*you, f"{said}  {_(name)} {SIGN[name]}"]
            if side > 0:
                words = [f"{SIGN[name]} {_(name)}  {said}", *you]
            rows.append(
                {
                    "emotion": _(name),
                    "side": side,
                    "share": share,
                    "word": " · ".join(words),
                    "start": side * gap,
                    "end": side * (gap + share),
                    "limit": side * (gap + reach),
                    "others": None if ticks is None else side * (gap + share_of(ticks, name)),
                    "top": row + 0.5,
                    "bottom": row + 0.82,
                    "line": row + 0.24,
                    "chosen": chosen,
                }
            )
    return rows


def _two_sides(
    shares: Sequence[float], ticks: Sequence[float] | None, felt: str | None, *, whose: str, description: str
) -> Spec:
    """Eight bars from a middle line outwards, with ticks over them, and one of them marked as felt."""
    reach = 1.0 if max([*shares, *(ticks or ())]) > CLOSE_UP else CLOSE_UP
    rows = _side_rows(shares, ticks, felt, reach)
    template = _two_sides_without_rows(reach, whose, felt in NAMES, ticks is not None, language())
    return {**template, "datasets": {_ROWS: rows}, "description": description}


@lru_cache
def _two_sides_without_rows(reach: float, whose: str, marked: bool, ticked: bool, _language: str) -> Spec:
    """The chart for any rows; Altair takes long to check it, and visitors see one at every step."""
    end = reach + reach * 0.012
    x_scale = alt.Scale(domain=[-end, end], nice=False, zero=False)
    y_scale = alt.Scale(domain=[0, len(LEFT)], reverse=True, nice=False)

    def across(field: str) -> alt.X:
        return alt.X(f"{field}:Q", axis=None, scale=x_scale)

    data = alt.Chart(alt.NamedData(name=_ROWS))
    base = data.encode(y=alt.Y("top:Q", axis=None, scale=y_scale), y2="bottom:Q")
    track = base.mark_rect(color=TRACK).encode(x=across("start"), x2="limit:Q")
    bars = base.mark_rect().encode(
        x=across("start"),
        x2="end:Q",
        color=hue(),
        tooltip=tips("emotion:N", ("share:Q", ".1%", whose)),
    )
    layers: list[alt.Chart] = [track, bars]
    if marked:  # An empty layer would be a picture without a name to a screen reader.
        outline = base.transform_filter("datum.chosen").mark_rect(fillOpacity=0, stroke=INK, strokeWidth=1.5)
        layers.append(outline.encode(x=across("start"), x2="limit:Q"))
    if ticked:
        layers.append(base.mark_rule(color=INK, strokeWidth=3).encode(x=across("others")))
    words = data.encode(x=across("start"), y=alt.Y("line:Q", axis=None, scale=y_scale), text="word:N")
    left, right = (words.transform_filter(f"datum.side {side} 0") for side in "<>")
    layers.append(left.mark_text(align="right", baseline="middle", fontSize=sized(15), color=INK))
    layers.append(right.mark_text(align="left", baseline="middle", fontSize=sized(15), color=INK))
    spec: Spec = hang(*layers, height=232).to_dict()
    return spec


def jurors(jury: Sequence[Juror]) -> alt.LayerChart:
    """What each juror feels, a dot each, one line for each emotion; upright lines are the jury's mean."""
    shares = {n: [share_of(juror.probabilities, n) for juror in jury] for n in ON_SIDES}
    rows = [
        {
            "emotion": _(n),
            "label": signed(n),
            "juror": translate(juror.name),
            "share": share,
            "mean": sum(shares[n]) / len(jury),
        }
        for n in ON_SIDES
        for juror, share in zip(jury, shares[n], strict=True)
    ]
    base = rows_of(rows).encode(y=names_axis("label", [signed(n) for n in ON_SIDES], grid=True))
    scale = from_zero(max(map(max, shares.values())) * 1.06)
    dots = base.mark_point(size=90, filled=True, opacity=0.75).encode(
        x=alt.X("share:Q", scale=scale, title=_("how much of it each juror feels"), axis=percent_axis()),
        color=hue(),
        tooltip=tips("juror:N", "emotion:N", ("share:Q", ".1%", _("feels"))),
    )
    middle = base.mark_tick(color=INK, thickness=2, size=22).encode(x=alt.X("mean:Q", scale=scale))
    spans = "; ".join(
        _("{what} {low} to {high}", what=_(n), low=percent(min(of)), high=percent(max(of)))
        for n, of in shares.items()
    )
    return hang(
        middle,
        dots,
        height=300,
        description=_(
            "What {n} jurors feel, from the one who feels it least to the most: {spans}.",
            n=len(jury),
            spans=spans,
        ),
    )


def juror(shares: Sequence[float], jury: Sequence[float], reach: float) -> alt.LayerChart:
    """One juror's distribution, small: eight columns under their signs, and the jury's mean across them.

    Args:
        shares: of the juror, in the fixed order.
        jury: of the whole jury.
        reach: share at the top, the same for all jurors that hang side by side.
    """
    need_eight(shares, jury)
    rows = [
        {
            "emotion": _(n),
            "sign": SIGN[n],
            "share": share_of(shares, n),
            "jury": share_of(jury, n),
            "word": f"{100 * share_of(shares, n):.0f}",
            "top": max(share_of(shares, n), share_of(jury, n)),
        }
        for n in ON_SIDES
    ]
    scale = from_zero(reach * 1.2)
    base = rows_of(rows).encode(
        x=alt.X(
            "sign:N",
            sort=[SIGN[n] for n in ON_SIDES],
            title=None,
            scale=alt.Scale(paddingInner=0.22, paddingOuter=0.1),
            axis=alt.Axis(domain=False, ticks=False, labelAngle=0, labelColor=INK, labelFontSize=sized(15)),
        )
    )
    bars = base.mark_bar().encode(
        y=alt.Y("share:Q", axis=None, scale=scale),
        color=hue(),
        tooltip=tips("emotion:N", ("share:Q", ".1%", _("this juror")), ("jury:Q", ".1%", _("the jury"))),
    )
    words = base.mark_text(baseline="bottom", dy=-5, fontSize=sized(13), color=INK).encode(
        y=alt.Y("top:Q", axis=None, scale=scale), text="word:N"
    )
    across = alt.Y("jury:Q", axis=None, scale=scale)
    # Dark below light: one of them shows on any hue.
    middle = [
        base.mark_tick(color=colour, thickness=thick, bandSize=26).encode(y=across)
        for colour, thick in ((WALL, 5), (INK, 2))
    ]
    return hang(
        bars,
        *middle,
        words,
        height=130,
        description=_("What this juror feels: {shares}", shares=spoken(shares)),
    )
