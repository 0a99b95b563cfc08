"""A measured number on the wall: a question, the number on a line with its interval, and a plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from albumjudge.statistics.findings import Figure, Need
from albumjudge.ui import words
from albumjudge.ui.words import _, number


def percent(share: float) -> str:
    """A percentage that no line break tears from its sign."""
    return words.percent(share).replace(" ", "\u202f")


def points(share: float) -> str:
    """A difference of two percentages: "+12"."""
    whole = round(100 * share)
    return f"{'+' if whole > 0 else ''}{number(whole)}"


def decimal(value: float) -> str:
    """A number from -1 to 1 with two decimals."""
    return number(value, 2)


def rests_on(figure: Figure) -> str:
    """``300 votes by 40 visitors on 59 covers.``"""
    has = {"visitors": 0, "covers": 0} | {need.what: need.has for need in figure.needs}
    counts = {what: number(has[what]) for what in ("visitors", "covers")}
    return _("{votes} votes by {visitors} visitors on {covers} covers.", votes=number(figure.n), **counts)


@dataclass(frozen=True)
class Line:
    """One number on a card; ``name`` says what it belongs to, empty if the card has only one."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Ruler:
    """What the lines of a card are drawn on: its ends, how numbers are written, perhaps a mark as of chance."""

    lowest: float
    highest: float
    show: Callable[[float], str]
    mark: float | None = None
    mark_words: str = ""

    def place(self, number: float) -> float:
        """Where a number lies, 0 to 100 % of the length; beyond the ends at the end."""
        share = (number - self.lowest) / (self.highest - self.lowest)
        return round(100 * min(1.0, max(0.0, share)), 2)


def card(
    question: str, lines: Sequence[Line], ruler: Ruler, *, sentence: str, term: str, rests_on: str
) -> str:
    """HTML of one card; faint, with what it still needs, while it rests on too little.

    Args:
        question: heading, as a visitor would ask it.
        lines: the numbers.
        ruler: what they are drawn on.
        sentence: what they mean, plainly.
        term: what the method is called, and how to read it.
        rests_on: on how many votes, by how many, on what.
    """
    unmet = list(dict.fromkeys(need for line in lines for need in line.figure.unmet))
    foot = needs(unmet) if unmet else rests_on
    ends = ""
    if ruler.mark is not None:
        at = ruler.place(ruler.mark)
        named = f"<span>{escape(ruler.mark_words)}</span>"
        ends = f'<p class="mark-words" style="--at:{at}%" aria-hidden="true">{named}</p>'
    return (
        f'<section class="figure{" faint" if unmet else ""}"><h3>{escape(question)}</h3>'
        f"{''.join(_line(line, ruler) for line in lines)}{ends}"
        f'<p class="says">{escape(sentence)}</p><p class="quiet">{escape(term)}</p>'
        f'<p class="rests">{escape(foot)}</p></section>'
    )


def needs(unmet: Sequence[Need]) -> str:
    """What is missing, in words: "Needs 30 votes, has 4."."""
    return " ".join(
        _(
            "Needs {needed} {what}, has {has}.",
            needed=number(n.needed),
            what=words.translate(n.what),
            has=number(n.has),
        )
        for n in unmet
    )


def _line(line: Line, ruler: Ruler) -> str:
    figure = line.figure
    name = f'<span class="name">{escape(line.name)}</span>' if line.name else ""
    if figure.value is None:
        return f'<p class="value">{name}<b>–</b></p>'
    interval, drawn = figure.interval, ""
    reach = _("no interval yet")
    if interval is not None:
        reach = _("{low} to {high}", low=ruler.show(interval.low), high=ruler.show(interval.high))
        low, high = ruler.place(interval.low), ruler.place(interval.high)
        drawn = f'<span class="span" style="left:{low}%;width:{round(high - low, 2)}%"></span>'
    mark = "" if ruler.mark is None else f'<span class="mark" style="left:{ruler.place(ruler.mark)}%"></span>'
    return (
        f'<p class="value">{name}<b>{escape(ruler.show(figure.value))}</b> '
        f'<span class="range">{escape(reach)}</span></p>'
        f'<div class="track" aria-hidden="true">{mark}{drawn}'
        f'<span class="dot" style="left:{ruler.place(figure.value)}%"></span></div>'
    )
