"""The dialogue's words and duels: which of two covers is more of a feeling, and what people chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import cast

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.inference.steering import STEPS
from albumjudge.statistics import duel_findings
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.duel_findings import DuelFindings
from albumjudge.statistics.findings import Figure
from albumjudge.ui import charts, markup, prints, shell, visitor
from albumjudge.ui.charts.figures import Line, Ruler, card, needs, percent
from albumjudge.ui.rooms import two_covers
from albumjudge.ui.words import N_, _, number, spoken, translate
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import Duel, DuelStore, Picked
from albumjudge.voting.store import ClosedError

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


@dataclass(frozen=True)
class Pick:
    """What a visitor chose in a duel and could not be stored yet."""

    duel: int
    picked: Picked
    seconds: float


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


def crowd_on_pair(others: Share, neither: int) -> str:
    """What others chose in a duel, once there are enough of them."""
    if others.trials + neither < A_CROWD:
        return _("What others chose is told once {n} of them have judged this pair.", n=A_CROWD)
    counts = {"n": others.successes, "all": others.trials}
    chose = _("{n} of the {all} others who decided chose the repainted one", **counts)
    return f"{chose}; {_('{n} saw no difference', n=neither)}." if neither else f"{chose}."


# What all duels say


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
    try:
        _show_pair(asked)
    except VoteError as error:
        waiting: Pick | None = st.session_state.get("pick")
        if waiting is None:
            raise
        _not_stored(waiting, translate(str(error)))


def _show_pair(asked: str) -> None:
    duels, who = store(), visitor.current()
    own: set[int] = st.session_state.get("own-duels", set())
    duel = duels.find(int(asked)) if asked.isdecimal() and asked.isascii() and len(asked) < 10 else None
    if duel is None or duel.id in own:
        duel = duels.next_for(who, without=own)
        if duel is not None:
            shell.go(duel=str(duel.id))
    voted = duel is not None and duels.vote_of(who, duel.id) is not None
    if not voted and not CurationStore(shell.engine()).is_open():
        st.session_state.pop("pick-now", None)
        late: str | None = st.session_state.pop("too-late", None)
        if st.session_state.pop("pick", None) is not None:
            late = str(ClosedError("Your choice was not stored"))
        closed = translate(late) if late else _("The exhibit is closed at the moment and takes no votes.")
        shell.heading(
            _("No pairs at the moment"), f"{closed} {_('Covers can still be led wherever you like.')}"
        )
        _so_far(duels)
    elif duel is None:
        shell.heading(
            _("No pair is waiting for you"),
            _(
                "You have judged all that there are. Lead a cover somewhere and put the pair to the vote: "
                "others will judge it."
            ),
        )
        _so_far(duels)
    elif not voted:
        _question(duels, who, duel)
    else:
        _answer(duels, who, duel)
        _so_far(duels)
    if st.button(f"← {_('Lead a cover yourself')}", key="back-to-offer", type="tertiary"):
        go()


def _so_far(duels: DuelStore) -> None:
    """What all pairs say; not shown beside a question, where there is one thing to do."""
    st.html(running_result(duel_findings.find(duels.votes())))


def _pick(duel: int, side: str) -> None:
    """Keep what was picked, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), f"duel {duel}")
    st.session_state["pick"] = Pick(duel, cast(Picked, side), seconds)
    _pick_now()


def _pick_now() -> None:
    st.session_state["pick-now"] = True


def _question(duels: DuelStore, who: str, duel: Duel) -> None:
    """Two covers and three answers."""
    shell.from_the_top(f"duel-{duel.id}")
    with st.container(key="duel-words"):
        shell.heading(
            _(QUESTIONS[duel.emotion]),
            _("Touch it. One of the two was repainted to be so; you are not told which."),
        )
    visitor.first_sights().seconds(who, f"duel {duel.id}")  # The clock starts.
    two_covers.ask(
        "pick", str(duel.id), duel.hung(who), ("neither", _("I see no difference")), partial(_pick, duel.id)
    )
    waiting: Pick | None = st.session_state.get("pick")
    if waiting is not None and waiting.duel == duel.id:
        if st.session_state.pop("pick-now", False):
            _cast(duels, who, waiting)
        else:
            _not_stored(waiting, _("Your choice is not stored yet."))


def _cast(duels: DuelStore, who: str, waiting: Pick) -> None:
    """Store a choice; if the database does not take it, keep it."""
    try:
        duels.cast(
            visitor=who,
            duel=waiting.duel,
            picked=waiting.picked,
            seconds_to_vote=waiting.seconds,
            suspect=visitor.comes_in_floods(),
        )
    except ClosedError as error:
        st.session_state["too-late"] = str(error)
    except VoteError as error:
        _not_stored(waiting, translate(str(error)))
        return
    st.session_state.pop("pick", None)
    # Quicker than the browser can take over the link of a pair that it was just shown.
    go(duel=str(waiting.duel))


def _not_stored(waiting: Pick, sentence: str) -> None:
    kept = {
        "neither": _("Your choice, no difference, is kept here."),
        "left": _("Your choice, the left one, is kept here."),
        "right": _("Your choice, the right one, is kept here."),
    }[waiting.picked]
    with st.container(key="apology"):
        markup.say(f"{sentence} {kept}", kind="sentence", role="alert")
        st.button(_("Try again"), type="primary", key="try-picking-again", on_click=_pick_now)


def _answer(duels: DuelStore, who: str, duel: Duel) -> None:
    """Which one was repainted, and what others chose."""
    vote = duels.vote_of(who, duel.id)
    assert vote is not None
    shell.from_the_top(f"duel-{duel.id}-answer")
    yours = {
        "after": _("You chose the repainted one."),
        "before": _("You chose the one it began with."),
        "neither": _("You saw no difference."),
    }[vote.chosen]
    others = [other for other in duels.votes(duel=duel.id) if other.visitor != who]
    decided = [other for other in others if other.chosen != "neither"]
    crowd = Share(sum(other.chosen == "after" for other in decided), len(decided))
    with st.container(key="duel-words"):
        shell.heading(yours, rise(duel.emotion, duel.share_before, duel.share_after))
    with st.container(key="duel"):
        for cover in duel.hung(who):
            note = _("repainted") if cover is duel.after else _("as it was")
            st.html(prints.framed(cover, size="large", short=True, note=note), width="content")
    with st.container(key="duel-words-others"):
        markup.say(crowd_on_pair(crowd, len(others) - len(decided)))
    with st.container(key="duel-onward", horizontal=True):
        if st.button(_("Next pair"), key="next-pair", type="primary", shortcut="N"):
            go(duel="next")
        if st.button(_("Lead this cover on"), key="lead-on"):
            go(cover=str(duel.after.identity))
