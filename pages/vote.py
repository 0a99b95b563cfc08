"""The vote: rounds of six covers, blind; after each the label; its answer leads to the next cover or the summary.

The reveal of a cover, machine and crowd, stands small beside the next one, and whole where it is touched.
"""

from __future__ import annotations

import streamlit as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.ui import prints, shell, visitor
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.rooms.ballot import (
    SEEN,
    Choice,
    already_voted,
    cast,
    choices,
    covers_as_voted,
    curators,
    lately,
    machine_and_crowd,
    not_stored,
    on_the_easel,
    take_back,
    take_next,
    up_for_vote,
    with_others,
    your_words,
)
from albumjudge.ui.rooms.round_end import finished
from albumjudge.ui.words import _, translate
from albumjudge.voting import days, rounds
from albumjudge.voting.database import VoteError
from albumjudge.voting.rounds import Round
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import StoredVote, VoteStore

shell.need_frame()


def ballot(store: VoteStore, identity: CoverIdentity, now: Round) -> None:
    """A blind cover and the nine answers; beside it the reveal of the cover before."""
    judged = shell.exhibit().show_identity(identity)
    last = now.cast[-1] if now.cast and now.cast[-1].agrees is not None else None
    before = (with_others(store, last), covers_as_voted(store, (last,))[0]) if last else None
    shell.from_the_top(f"ballot-{identity}")
    visitor.first_sights().seconds(visitor.current(), str(identity))  # The clock starts.
    with st.container(key="pair"):
        with st.container(key="band"):
            lately(before)
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="ballot"):
            st.html(summing_up.progress(now.due, len(now.cast)))
            shell.heading(_("What do you feel?"), _("Trust the first thing that comes."))
            choices(identity)
    waiting: Choice | None = st.session_state.get("choice")
    if waiting is not None and waiting.cover == identity:
        not_stored(waiting, st.session_state.get("not-stored", _("Your vote is not stored yet.")))


def reveal(store: VoteStore, vote: StoredVote, mine: list[StoredVote]) -> None:
    """Your choice and the label; once it is answered, the machine's eight feelings and the crowd's."""
    its_round = rounds.played(vote.round or "", mine)
    place = its_round.place(vote) if vote in its_round.cast else None
    # Once the end of a round has told which labels were drawn at random, an answer would prove nothing.
    # On the wall of a day, no label is asked about.
    told_all = place != rounds.CARDS or vote.round in st.session_state.get("disclosed", ())
    disclosed = days.is_day_round(vote.round) or (its_round.full and told_all)
    asked = vote.agrees is None and not disclosed and str(vote.cover) not in st.session_state.get(SEEN, ())
    others, (cover,) = with_others(store, vote), covers_as_voted(store, (vote,))
    shell.from_the_top(f"{'label' if asked else 'reveal'}-{vote.cover}")
    with st.container(key="pair"):
        with st.container(key="band"):
            st.html(f'<h1 class="title breath">{your_words(vote.felt)}</h1>')
        st.html(prints.framed(cover, size="large"), width="content")
        with st.container(key="asked" if asked else "words"):
            if place is not None:
                st.html(summing_up.progress(place, len(its_round.cast)))
            if asked:
                question(vote)
            else:
                machine_and_crowd(others, disclosed)
                onward(vote, its_round)


def question(vote: StoredVote) -> None:
    """Is the label right? Nothing else is shown before the answer, that it may not depend on it."""
    with st.container(key="breath-2"):
        label = _("The machine’s label: {feeling}.", feeling=summing_up.feeling(vote.label_shown))
        st.html(f'<p class="machine label">{label}</p><p class="lead">{_("Do you agree?")}</p>')
        with st.container(key="agreement"):
            for key, words, shortcut in (("yes", _("Yes, I agree"), "Y"), ("no", _("No, I do not"), "N")):
                st.button(
                    words,
                    key=f"agree-{key}",
                    shortcut=shortcut,
                    width="stretch",
                    on_click=answer,
                    args=(vote.cover, key == "yes"),
                )
        st.button(_("I cannot say"), key="skip", type="tertiary", on_click=answer, args=(vote.cover, None))


def answer(cover: CoverIdentity, agrees: bool | None) -> None:
    """Keep what was said about a label, None for nothing, until it is stored."""
    st.session_state["answer"] = cover, agrees


def store_answer(store: VoteStore, who: str, mine: list[StoredVote]) -> None:
    """Store what was said about a label, if anything was, and go on, before anything is drawn."""
    cover, agrees = st.session_state.get("answer", (None, None))
    vote = next((vote for vote in mine if vote.cover == cover), None)
    if vote is not None and agrees is not None:
        store.answer(visitor=who, cover=vote.cover, agrees=agrees)
    st.session_state.pop("answer", None)
    if vote is not None:
        leave(vote, rounds.played(vote.round or "", mine))


def onward(vote: StoredVote, its_round: Round) -> None:
    """To the next cover, or to the end of the round."""
    with st.container(key="onward", horizontal=True, vertical_alignment="center"):
        words = _("See your round") if its_round.full else _("Next cover")
        if st.button(words, key="next", type="primary", shortcut="Right"):
            leave(vote, its_round)


def leave(vote: StoredVote, its_round: Round) -> None:
    waiting = st.session_state.get("easel", str(vote.cover))
    if waiting != str(vote.cover):  # It was shown before; an earlier cover has only been looked at again.
        shell.go(cover=waiting)
        shell.again()
    take_next(**({"round": its_round.id} if its_round.full else {}))


def all_seen() -> None:
    shell.heading(_("Vote"), _("You have voted on every cover that is up for a vote. Thank you."))
    shell.link_to(shell.PEOPLE, _("See how everyone voted"))
    shell.link_to(shell.STAGE, _("Back to the stage"))


def closed(now: Round) -> None:
    late: str | None = st.session_state.pop("too-late", None)
    shell.heading(
        _("Vote"),
        f"{translate(late) if late else _('The exhibit is closed at the moment and takes no votes.')} "
        f"{_('The covers still hang on the stage.')}",
    )
    if now.cast and st.button(_("See your round so far"), key="so-far", type="primary"):
        take_next(round=now.id)
    with st.container(horizontal=True):
        shell.link_to(shell.STAGE, _("To the stage"))
        shell.link_to(shell.PEOPLE, _("See how everyone voted"))


def play(store: VoteStore, who: str) -> None:
    mine = store.votes(visitor=who)
    store_answer(store, who, mine)
    now = rounds.current(who, mine)
    link = st.query_params.get("round")
    if link:
        finished(store, who, link)
        return
    if not curators().is_open():
        # What was voted on before the doors closed can still be answered and looked at.
        voted = already_voted(mine)
        if voted is None:
            closed(now)
        else:
            reveal(store, voted, mine)
        return
    found = on_the_easel(store, now, mine, up_for_vote(store))
    if isinstance(found, StoredVote):
        reveal(store, found, mine)
    elif found is not None:
        ballot(store, found, now)
    elif now.cast:
        take_next(round=now.id)
    else:
        all_seen()


def vote_page() -> None:
    who = visitor.current()
    waiting: Choice | None = st.session_state.get("choice")
    try:
        store = shell.vote_store()
        if waiting is not None and st.session_state.pop("cast-now", False):
            try:
                # The page stays with this cover, whatever its link said before.
                st.session_state["easel"] = str(waiting.cover)
                shell.go(cover=str(waiting.cover))
                round_id = rounds.current(who, store.votes(visitor=who)).id
                cast(store, who, waiting, round_id, label_asked=True)
            except ClosedError as error:
                take_back(str(error))
            except VoteError as error:
                st.session_state["not-stored"] = str(error)
        play(store, who)
    except VoteError as error:
        waiting = st.session_state.get("choice")
        if waiting is None:
            raise
        not_stored(waiting, str(error))


shell.in_place(vote_page)
