"""The painters' duel: two covers by two painters whose names are hidden; which one would you hang?"""

from __future__ import annotations

import streamlit as st

from albumjudge.ui import charts, markup, names, shell, visitor
from albumjudge.ui.charts import figures
from albumjudge.ui.rooms import duel, painter_duel
from albumjudge.ui.rooms.duel import Choice
from albumjudge.ui.words import _, number
from albumjudge.voting.painter_duels import PainterDuelStore, PainterVote

shell.need_frame()

JUDGED = "painters-judged"
"""The visitor's last vote, until the next pair is asked for."""


def question(painters: list[str]) -> None:
    """Two covers and three answers."""
    pair = store.next_for(visitor.current(), painters)
    covers = [judged.cover for judged in shell.exhibit().show_each(pair)]
    shell.from_the_top(f"painters-{pair[0]}-{pair[1]}")
    with st.container(key="duel-words"):
        shell.heading(
            _("Which one would you hang?"),
            _("Touch it. Two different painters made them; which ones, you are told after."),
        )
    duel.ask("hang", pair, f"{pair[0].seed}-{pair[1].seed}", covers, ("tie", _("Both alike")))


def cast(choice: Choice) -> PainterVote:
    left, right = (judged.cover for judged in shell.exhibit().show_each(choice.pair))
    return store.cast(
        visitor=visitor.current(),
        left=left,
        right=right,
        picked=choice.picked,
        seconds_to_vote=choice.seconds,
        suspect=visitor.comes_in_floods(),
    )


def answer(vote: PainterVote) -> None:
    """Who painted the two."""
    sides = {"left": vote.left, "right": vote.right}
    said = (
        _("You would hang either.")
        if vote.picked == "tie"
        else _("You chose: {painter}.", painter=names.title(sides[vote.picked].generator))
    )
    shown = [judged.cover for judged in shell.exhibit().show_each([vote.left, vote.right])]
    shell.from_the_top(f"painters-answer-{vote.left}")
    with st.container(key="duel-words"):
        shell.heading(said, _("These two painted them:"))
    duel.onward([(cover, names.title(cover.identity.generator)) for cover in shown])
    with st.container(key="duel-onward", horizontal=True):
        st.button(
            _("Next pair"),
            key="next-pair",
            type="primary",
            shortcut="N",
            on_click=lambda: st.session_state.pop(JUDGED),
        )


def so_far() -> None:
    """The ranking; not shown beside a question, where there is one thing to do."""
    votes = store.votes()
    if not votes:
        return
    found = painter_duel.ranking(votes)
    markup.title(_("Whose covers people would hang"))
    needs = figures.needs(found.painters[0].preferred.unmet)
    how = _(
        "How often a cover would be hung rather than an average painter’s (Bradley-Terry, 95 % intervals "
        "clustered by visitor; {n} choices, {ties} of them ties).",
        n=number(len(votes)),
        ties=number(found.ties.successes),
    )
    markup.say(f"{painter_duel.leader(found)} {how} {needs}", kind="quiet wide")
    st.altair_chart(charts.ranking(found, painter_duel.titles(found)), theme=None)


def painters_duel() -> None:
    if (stored := duel.settle("hang", cast)) is not None:
        st.session_state[JUDGED] = stored
    painters = [painter.revision for painter in shell.exhibit().painters]
    if (vote := st.session_state.get(JUDGED)) is not None:
        answer(vote)
    elif not duel.is_open():
        shell.heading(_("The painters’ duel"), _("The exhibit is closed at the moment and takes no votes."))
    elif len(painters) < 2:
        shell.heading(
            _("The painters’ duel"), _("Only one painter is here, so there is nobody to compare it with.")
        )
        return
    else:
        question(painters)
        return
    so_far()


store = PainterDuelStore(shell.engine())
painters_duel()
