"""Words and pictures of the dialogue: feelings asked for, shares that move, and what duels have shown so far."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.duel_findings import DuelFindings
from albumjudge.statistics.findings import Figure
from albumjudge.ui import charts, prints
from albumjudge.ui.evidence import percent
from albumjudge.ui.figures import Line, Ruler, card, needs

MORE = {
    "amusement": "funnier",
    "anger": "angrier",
    "awe": "more awe",
    "contentment": "more content",
    "disgust": "more disgust",
    "excitement": "more exciting",
    "fear": "scarier",
    "sadness": "sadder",
}
"""What a visitor asks for, in a word or two."""
QUESTIONS = {
    "amusement": "Which is funnier?",
    "anger": "Which is angrier?",
    "awe": "Which holds more awe?",
    "contentment": "Which is more content?",
    "disgust": "Which is more disgusting?",
    "excitement": "Which is more exciting?",
    "fear": "Which is scarier?",
    "sadness": "Which is sadder?",
}
"""What is asked in a duel."""
A_CROWD = 5
"""Others who must have judged a pair before anyone is told what they chose."""


def shares(now: Sequence[float], began: Sequence[float], wished: str | None = None) -> str:
    """HTML of eight bars in the places of every chart, each with a line where it was at the beginning.

    Args:
        now, began: eight shares in the fixed order.
        wished: the emotion that is asked for, marked; None marks none.
    """
    reach = 1.0 if max([*now, *began]) > 0.6 else 0.6
    sides = []
    for names, side in ((charts.LEFT, "left"), (charts.RIGHT, "right")):
        bars = []
        for name in names:
            emotion = EMOTIONS[emotions.index(name)]
            share, before = (values[emotions.index(name)] for values in (now, began))
            mark = " wished" if name == wished else ""
            word = f"{name} {emotion.sign}" if side == "left" else f"{emotion.sign} {name}"
            bars.append(
                f'<div class="bar{mark}" style="--hue:{emotion.colour};--now:{share / reach:.4f};'
                f'--began:{before / reach:.4f}"><span class="word">{word}</span>'
                f'<span class="share">{percent(share)}</span><span class="track"></span></div>'
            )
        sides.append(f'<div class="side {side}">{"".join(bars)}</div>')
    return (
        f'<div class="moving" aria-hidden="true">{"".join(sides)}</div>'
        f'<p class="heard">The machine feels: {escape(charts.spoken(now))}</p>'
    )


def passing(cover: Cover, still: Cover) -> str:
    """HTML of a frame on the way; whoever wants no motion sees ``still``, where it all began, instead."""
    return (
        f'<div class="passing">{prints.framed(cover, size="large", short=True)}</div>'
        f'<div class="staying">{prints.framed(still, size="large", short=True)}</div>'
    )


def rise(emotion: str, before: float, after: float) -> str:
    """What became of a wish, as a sentence."""
    if round(100 * before) == round(100 * after):
        return f"The machine’s {emotion} stayed at about {percent(after)}."
    verb = "rose" if after > before else "fell"
    return f"The machine’s {emotion} {verb} from {percent(before)} to {percent(after)}."


def crowd_on_pair(others: Share, neither: int) -> str:
    """What others chose in a duel, once there are enough of them."""
    if others.trials + neither < A_CROWD:
        return f"What others chose is told once {A_CROWD} of them have judged this pair."
    undecided = f"; {neither} saw no difference" if neither else ""
    return f"{others.successes} of the {others.trials} others who decided chose the repainted one{undecided}."


def running_result(found: DuelFindings) -> str:
    """HTML of what all duels say: one number for all feelings, then one line for each."""
    after = found.after
    sentence = {
        None: "Too few choices to say yet.",
        1: "Yes: people find the feeling in the repainted cover more often than a coin would.",
        0: "Not clearly: so far a coin could have chosen as people did.",
        -1: "No: people find the feeling in the cover that it began with.",
    }[after.beside(0.5)]
    undecided = f" {found.neither.successes:,} more saw no difference." if found.neither.successes else ""
    whole = card(
        "Does the crowd agree that it worked?",
        [Line("", after)],
        Ruler(0, 1, percent, 0.5, "a coin"),
        sentence=sentence,
        term="Share of choices for the repainted cover, by people who did not know which one that was. The bar "
        "is the 95 % interval, the wider of Wilson’s and one that draws whole pairs and whole visitors anew. "
        "Visitors choose which pairs to put up, and only where the machine feels more, so this is about those "
        "and not about every walk.",
        rests_on=f"{after.n:,} choices.{undecided}{_sides(found.left)}",
    )
    lines = "".join(_one_feeling(name, figure) for name, figure in found.by_emotion)
    return (
        f'<div class="figures duels">{whole}<section class="figure"><h3>Feeling by feeling</h3>'
        f'<ul class="feelings">{lines}</ul></section></div>'
    )


def _sides(left: Share) -> str:
    """Whether people have a favourite side; empty without choices."""
    if left.value is None:
        return ""
    spread = f"{percent(left.interval.low)} to {percent(left.interval.high)}"
    return f" The one on the left was chosen in {percent(left.value)} ({spread}); sides are drawn by lot."


def _one_feeling(name: str, figure: Figure) -> str:
    emotion = EMOTIONS[emotions.index(name)]
    if figure.value is None or figure.interval is None:
        said, foot = "–", "no choices yet"
    else:
        said = percent(figure.value)
        foot = f"{percent(figure.interval.low)} to {percent(figure.interval.high)}"
        foot += f". {needs(figure.unmet[:1])}" if figure.unmet else f", {figure.n:,} choices"
    return (
        f'<li class="{"faint" if figure.unmet else "firm"}">'
        f'<span class="hue-{name}" aria-hidden="true">{emotion.sign}</span> '
        f'<span class="name">{escape(MORE[name])}</span> <b>{said}</b> '
        f'<span class="range">{escape(foot)}</span></li>'
    )
