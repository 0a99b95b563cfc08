"""The dialogue's words and duels: which of two covers is more of a feeling, and what people chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.inference.steering import STEPS
from albumjudge.statistics import duel_findings
from albumjudge.statistics.duel_findings import DuelFindings
from albumjudge.statistics.findings import Figure
from albumjudge.ui import charts, markup, prints, shell, visitor
from albumjudge.ui.charts.figures import Line, Ruler, card, needs, percent
from albumjudge.ui.rooms import duel
from albumjudge.ui.words import N_, _, number, spoken
from albumjudge.voting.duels import Chosen, Duel, DuelStore, DuelVote

MANY = 6
"""Visitors who lead covers from which on another one waits noticeably longer."""
MORE = {
    "amusement": N_("funnier"),
    "anger": N_("angrier"),
    "awe": N_("more awe"),
    "contentment": N_("more content"),
    "disgust": N_("more disgust"),
    "excitement": N_("more exciting"),
    "fear": N_("scarier"),
    "sadness": N_("sadder"),
}
"""What a visitor asks for, in a word or two."""
QUESTIONS = {
    "amusement": N_("Which is funnier?"),
    "anger": N_("Which is angrier?"),
    "awe": N_("Which holds more awe?"),
    "contentment": N_("Which is more content?"),
    "disgust": N_("Which is more disgusting?"),
    "excitement": N_("Which is more exciting?"),
    "fear": N_("Which is scarier?"),
    "sadness": N_("Which is sadder?"),
}
"""What is asked in a duel."""
A_CROWD = 5
"""Others who must have judged a pair before anyone is told what they chose."""


def store() -> DuelStore:
    """Pairs and choices between them."""
    return DuelStore(shell.engine())


def go(**query: str) -> None:
    """To another view of this page."""
    shell.go(**query)
    st.rerun()


# Words and pictures of a walk


def shares(now: Sequence[float], began: Sequence[float], wished: str | None = None) -> str:
    """HTML of eight bars in the places of every chart, each with a line where it was at the beginning.

    Args:
        now, began: eight shares in the fixed order.
        wished: the emotion that is asked for, marked; None marks none.
    """
    reach = 1.0 if max([*now, *began]) > charts.CLOSE_UP else charts.CLOSE_UP
    sides = []
    for names, side in ((charts.LEFT, "left"), (charts.RIGHT, "right")):
        bars = []
        for name in names:
            emotion = EMOTIONS[emotions.index(name)]
            share, before = (values[emotions.index(name)] for values in (now, began))
            mark = " wished" if name == wished else ""
            word = f"{_(name)} {emotion.sign}" if side == "left" else f"{emotion.sign} {_(name)}"
            bars.append(
                f'<div class="bar{mark}" style="--hue:{emotion.colour};--now:{share / reach:.4f};'
                f'--began:{before / reach:.4f}"><span class="word">{word}</span>'
                f'<span class="share">{percent(share)}</span><span class="track"></span></div>'
            )
        sides.append(f'<div class="side {side}">{"".join(bars)}</div>')
    heard = markup.paragraph(_("The machine feels: {shares}", shares=spoken(now)), "heard")
    return f'<div class="moving" aria-hidden="true">{"".join(sides)}</div>{heard}'


def passing(cover: Cover, still: Cover) -> str:
    """HTML of a frame on the way; whoever wants no motion sees ``still``, where it all began, instead."""
    return (
        f'<div class="passing">{prints.framed(cover, size="large", short=True)}</div>'
        f'<div class="staying">{prints.framed(still, size="large", short=True)}</div>'
    )


def step(number: int, others: int) -> str:
    """HTML of how far a walk has come, and why it takes long where many ``others`` lead covers, too."""
    sentence = _("Step {n} of {all} …", n=number, all=STEPS)
    if others >= MANY:
        sentence += " " + _("{n} others lead covers just now, so each step takes longer.", n=others)
    return markup.paragraph(sentence, "progress")


def rise(emotion: str, before: float, after: float) -> str:
    """What became of a wish, as a sentence."""
    ends = {"emotion": _(emotion), "before": percent(before), "after": percent(after)}
    if round(100 * before) == round(100 * after):
        return _("The machine’s {emotion} stayed at about {after}.", **ends)
    if after > before:
        return _("The machine’s {emotion} rose from {before} to {after}.", **ends)
    return _("The machine’s {emotion} fell from {before} to {after}.", **ends)


def crowd_on_pair(others: Counter[Chosen]) -> str:
    """What others chose in a duel, once there are enough of them."""
    if others.total() < A_CROWD:
        return _("What others chose is told once {n} of them have judged this pair.", n=A_CROWD)
    counts = {"n": others["after"], "all": others["after"] + others["before"]}
    chose = _("{n} of the {all} others who decided chose the repainted one", **counts)
    if others["neither"]:
        return f"{chose}; {_('{n} saw no difference', n=others['neither'])}."
    return f"{chose}."


def running_result(found: DuelFindings) -> str:
    """HTML of what all duels say: one number for all feelings, then one line for each."""
    after = found.after
    sentence = {
        None: _("Too few choices to say yet."),
        1: _("Yes: people find the feeling in the repainted cover more often than a coin would."),
        0: _("Not clearly: so far a coin could have chosen as people did."),
        -1: _("No: people find the feeling in the cover that it began with."),
    }[after.beside(0.5)]
    rests = [_("{n} choices.", n=number(after.n))]
    if found.neither.successes:
        rests.append(_("{n} more saw no difference.", n=number(found.neither.successes)))
    if found.left.value is not None:
        rests.append(
            _(
                "The one on the left was chosen in {share} ({low} to {high}); sides are drawn by lot.",
                share=percent(found.left.value),
                low=percent(found.left.interval.low),
                high=percent(found.left.interval.high),
            )
        )
    whole = card(
        _("Does the crowd agree that it worked?"),
        [Line("", after)],
        Ruler(0, 1, percent, 0.5, _("a coin")),
        sentence=sentence,
        term=_(
            "Share of choices for the repainted cover, by people who did not know which one that was. The bar "
            "is the 95 % interval, the wider of Wilson’s and one that draws whole pairs and whole visitors "
            "anew. Visitors choose which pairs to put up, and only where the machine feels more, so this is "
            "about those and not about every walk."
        ),
        rests_on=" ".join(rests),
    )
    lines = "".join(_one_feeling(name, figure) for name, figure in found.by_emotion)
    return (
        f'<div class="figures duels">{whole}<section class="figure"><h3>{_("Feeling by feeling")}</h3>'
        f'<ul class="feelings">{lines}</ul></section></div>'
    )


def _one_feeling(name: str, figure: Figure) -> str:
    emotion = EMOTIONS[emotions.index(name)]
    if figure.value is None or figure.interval is None:
        said, foot = "–", _("no choices yet")
    else:
        said = percent(figure.value)
        reach = _("{low} to {high}", low=percent(figure.interval.low), high=percent(figure.interval.high))
        foot = (
            f"{reach}. {needs(figure.unmet[:1])}"
            if figure.unmet
            else f"{reach}, {_('{n} choices.', n=number(figure.n))}"
        )
    return (
        f'<li class="{"faint" if figure.unmet else "firm"}">'
        f'<span class="hue-{name}" aria-hidden="true">{emotion.sign}</span> '
        f'<span class="name">{escape(_(MORE[name]))}</span> <b>{said}</b> '
        f'<span class="range">{escape(foot)}</span></li>'
    )


# One duel


def show(asked: str) -> None:
    """The pair in the link, or the next one, and what all pairs say so far."""
    duels, who = store(), visitor.current()
    stored = duel.settle(
        "pick",
        lambda choice: duels.cast(
            visitor=who,
            duel=choice.pair,
            picked=choice.picked,
            seconds_to_vote=choice.seconds,
            suspect=visitor.comes_in_floods(),
        ),
    )
    if stored is not None:
        # Quicker than the browser can take over the link of a pair that it was just shown.
        asked = str(stored.duel)
    own: set[int] = st.session_state.get("own-duels", set())
    pair = duels.find(int(asked)) if asked.isdecimal() and asked.isascii() and len(asked) < 10 else None
    if pair is None or pair.id in own:
        pair = duels.next_for(who, without=own)
    if pair is not None:
        shell.go(duel=str(pair.id))
    vote = duels.vote_of(who, pair.id) if pair is not None else None
    if pair is not None and vote is not None:
        _answer(pair, vote, duels.votes(duel=pair.id))
    elif not duel.is_open():
        closed = _("The exhibit is closed at the moment and takes no votes.")
        shell.heading(
            _("No pairs at the moment"), f"{closed} {_('Covers can still be led wherever you like.')}"
        )
    elif pair is None:
        shell.heading(
            _("No pair is waiting for you"),
            _(
                "You have judged all that there are. Lead a cover somewhere and put the pair to the vote: "
                "others will judge it."
            ),
        )
    else:
        _question(pair, who)
    if vote is not None or pair is None or not duel.is_open():  # Beside a question there is one thing to do.
        st.html(running_result(duel_findings.find(duels.votes())))
    if st.button(f"← {_('Lead a cover yourself')}", key="back-to-offer", type="tertiary"):
        go()


def _question(pair: Duel, who: str) -> None:
    """Two covers and three answers."""
    shell.from_the_top(f"duel-{pair.id}")
    with st.container(key="duel-words"):
        shell.heading(
            _(QUESTIONS[pair.emotion]),
            _("Touch it. One of the two was repainted to be so; you are not told which."),
        )
    duel.ask("pick", pair.id, str(pair.id), pair.hung(who), ("neither", _("I see no difference")))


def _answer(pair: Duel, vote: DuelVote, votes: Sequence[DuelVote]) -> None:
    """Which one was repainted, and what others chose."""
    shell.from_the_top(f"duel-{pair.id}-answer")
    yours = {
        "after": _("You chose the repainted one."),
        "before": _("You chose the one it began with."),
        "neither": _("You saw no difference."),
    }[vote.chosen]
    others = Counter(other.chosen for other in votes if other.visitor != vote.visitor)
    with st.container(key="duel-words"):
        shell.heading(yours, rise(pair.emotion, pair.share_before, pair.share_after))
    notes = {True: _("repainted"), False: _("as it was")}
    duel.onward([(cover, notes[cover is pair.after]) for cover in pair.hung(vote.visitor)])
    with st.container(key="duel-words-others"):
        markup.say(crowd_on_pair(others))
    with st.container(key="duel-onward", horizontal=True):
        if st.button(_("Next pair"), key="next-pair", type="primary", shortcut="N"):
            go(duel="next")
        if st.button(_("Lead this cover on"), key="lead-on"):
            go(cover=str(pair.after.identity))
