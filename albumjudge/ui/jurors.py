"""What is known of the jury, in plain words from what was measured and written down beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albumjudge.domain import emotions
from albumjudge.domain.verdict import Verdict
from albumjudge.ui.words import N_, _, listed, number, translate

LEAST_ABOVE = 1.15
"""An emotion stands out that is so many times as strong as before covers on average."""
MEANING = N_("Light lies where hiding a place takes most of the feeling away.")
SALIENT, RANDOM = "painted over: the most salient quarter", "painted over: random squares"
Metrics = Mapping[str, Any]
"""The jury's tables; a sentence about what was not measured is left out."""


def descriptions(training: Mapping[str, Any]) -> dict[str, str]:
    """Every juror in a plain sentence, by name; empty if nothing is written about them.

    Args:
        training: the jury's ``training.json``, see :mod:`training.train_jury`.
    """
    return {str(one["name"]): translate(str(one["description"])) for one in training.get("jurors", ())}


def _numbers(metrics: Metrics, table: str, *cells: tuple[str, str]) -> list[float] | None:
    """Numbers of a table by row and column; None where one was not measured."""
    rows = metrics.get(table, {}).get("rows", {})
    found = [rows.get(row, {}).get(column) for row, column in cells]
    return None if None in found else [float(value) for value in found]


def saliency_meaning(metrics: Metrics) -> str:
    """What is lit, and whether hiding it was measured to weaken the feeling more than hiding places at random."""
    cells = (SALIENT, "share_lost"), (RANDOM, "share_lost"), (RANDOM, "low"), (SALIENT, "pictures")
    if (found := _numbers(metrics, "saliency", *cells)) is None:
        return _(MEANING)
    lost, by_chance, low, covers = found
    if low <= 0:
        said = _(
            "On {n} covers that was not clearly more than hiding places at random takes away.",
            n=number(covers),
        )
    else:
        said = _(
            "Measured on {n} covers: with the most lit quarter painted over, the strongest feeling lost {lost} "
            "percentage points; with as much painted over at random, {by_chance}.",
            n=number(covers),
            lost=number(100 * lost, 1),
            by_chance=number(100 * by_chance, 1),
        )
    return f"{_(MEANING)} {said}"


def beside_the_label(verdict: Verdict, metrics: Metrics) -> str | None:
    """The emotion furthest above its share before real covers; None if none is, or the label says it."""
    usual = _numbers(
        metrics, "covers_by_genre", *(("all covers", f"share_{name}") for name in emotions.NAMES)
    )
    if usual is None:
        return None
    name, multiple = emotions.stands_out(verdict.probabilities, usual)
    if multiple < LEAST_ABOVE or name == verdict.top:
        return None
    return _("more {feeling} than most covers", feeling=_(name))


def how_far(metrics: Metrics) -> str:
    """How far the jury can be believed: before abstract paintings, other paintings, and covers."""
    home = _numbers(metrics, "benchmark", ("jury", "polarity"), ("vote_noise", "polarity"))
    away = _numbers(metrics, "other_paintings", ("jury", "valence_sign"), ("mean_prediction", "valence_sign"))
    if home is None or away is None:
        return ""
    same, best, right, always = (number(100 * share) for share in home + away)
    return _(
        "How far to believe it: before abstract paintings that it never saw it says pleasant or unpleasant "
        "as most people did for {same} in 100, where {best} would be perfect, since so few voted; before "
        "other paintings for {right} in 100, where always saying pleasant gives {always}; before covers "
        "nobody has measured it yet, and your votes will.",
        same=same,
        best=best,
        right=right,
        always=always,
    )


def seldom_first(metrics: Metrics) -> str:
    """Which feelings come first before fewer than one real cover in two hundred, and why; else empty text."""
    covers, people = (
        _numbers(metrics, "on_covers", *((row, f"first_{name}") for name in emotions.NAMES))
        for row in ("real covers: the jury corrected", "paintings: people’s votes")
    )
    if covers is None or people is None or min(covers) >= 0.005:
        return ""
    seldom = [place for place, share in enumerate(covers) if share < 0.005]
    return _(
        "Hardly any cover is put down as one of {feelings}. People felt that most before {n} in 100 of the "
        "paintings only, and whoever learned from few votes stays near what is usual. What stands out beside a "
        "label, compared with other covers, can be each of the eight.",
        feelings=listed([_(emotions.NAMES[place]) for place in seldom]),
        n=number(100 * sum(people[place] for place in seldom)),
    )
