"""The painters' duel: two covers by two painters whose names are hidden; which one would you hang?"""

from __future__ import annotations

from typing import cast

import streamlit as st

from albumjudge.ui import charts, markup, names, prints, shell, visitor
from albumjudge.ui.charts import figures
from albumjudge.ui.rooms import painter_duel as duel
from albumjudge.ui.rooms import two_covers
from albumjudge.ui.words import _, number
from albumjudge.voting.painter_duels import PainterVote, Pair, Picked

shell.need_frame()


def question(pair: Pair) -> None:
    """Two covers and three answers."""
    shell.from_the_top(f"painters-{pair[0]}-{pair[1]}")
    with st.container(key="duel-words"):
        shell.heading(
            _("Which one would you hang?"),
            _("Touch it. Two different painters made them; which ones, you are told after."),
        )
    shown = shell.exhibit().show_each(pair)
    duel.begin(pair)
    covers = [judged.cover for judged in shown]

    def choose(side: str) -> None:
        duel.pick(pair, cast(Picked, side))

    view = f"{pair[0].seed}-{pair[1].seed}"
    two_covers.ask("hang", view, covers, ("tie", _("Both alike")), choose)


def answer(vote: PainterVote) -> None:
    """Who painted the two."""
    sides = {"left": vote.left, "right": vote.right}
    said = (
        _("You would hang either.")
        if vote.picked == "tie"
        else _("You chose: {painter}.", painter=names.title(sides[vote.picked].generator))
    )
    shell.from_the_top(f"painters-answer-{vote.left}")
    with st.container(key="duel-words"):
        shell.heading(said, _("These two painted them:"))
    with st.container(key="duel"):
        for judged in shell.exhibit().show_each([vote.left, vote.right]):
            title = names.title(judged.cover.identity.generator)
            st.html(prints.framed(judged.cover, size="large", short=True, note=title), width="content")
    with st.container(key="duel-onward", horizontal=True):
        st.button(_("Next pair"), key="next-pair", type="primary", shortcut="N", on_click=duel.go_on)


def so_far() -> None:
    """The ranking; not shown beside a question, where there is one thing to do."""
    votes = duel.store().votes()
    if not votes:
        return
    found = duel.ranking(votes)
    markup.title(_("Whose covers people would hang"))
    needs = figures.needs(found.painters[0].preferred.unmet)
    how = _(
        "How often a cover would be hung rather than an average painter’s (Bradley-Terry, 95 % intervals "
        "clustered by visitor; {n} choices, {ties} of them ties).",
        n=number(len(votes)),
        ties=number(found.ties.successes),
    )
    markup.say(f"{duel.leader(found)} {how} {needs}", kind="quiet wide")
    st.altair_chart(charts.ranking(found, duel.titles(found)), theme=None)


def sorry(sentence: str) -> None:
    """Say that a choice is not stored, and offer to try again while it is kept."""
    with st.container(key="apology"):
        markup.say(sentence, kind="sentence", role="alert")
        if duel.waits():
            st.button(_("Try again"), type="primary", key="try-hanging-again")


def painters_duel() -> None:
    if trouble := duel.cast():
        sorry(trouble)
        if duel.waits():
            return
    vote = duel.judged()
    if vote is not None:
        answer(vote)
        so_far()
    elif not duel.is_open():
        shell.heading(_("The painters’ duel"), _("The exhibit is closed at the moment and takes no votes."))
        so_far()
    elif len(duel.painters()) < 2:
        shell.heading(
            _("The painters’ duel"), _("Only one painter is here, so there is nobody to compare it with.")
        )
    else:
        question(duel.store().next_for(visitor.current(), duel.painters()))


painters_duel()
