"""A first visit begins with one cover and one question, and goes on to the wall."""

from __future__ import annotations

import streamlit as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import SettingsError
from albumjudge.ui import prints, shell, visitor
from albumjudge.ui.rooms import ballot
from albumjudge.ui.rooms.ballot import Choice
from albumjudge.ui.words import _
from albumjudge.voting import rounds
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import StoredVote, VoteStore

OVER = "first-minute-over"
"""In the session: whether the visitor has gone on to the wall."""
_COVER = "first-cover"
_OF_THE_STAGE = {"wall", "cover", "genre", "decade", "manner", "painter"}


def shown() -> bool:
    """Show the first minute to whoever comes for the first time and follows no link; whether that was so."""
    if st.session_state.get(OVER) or _OF_THE_STAGE & st.query_params.to_dict().keys():
        return False
    try:
        store, who = shell.vote_store(), visitor.current()
        mine = store.votes(visitor=who)
        if str(st.session_state.get(_COVER)) not in [str(vote.cover) for vote in mine]:
            return not mine and ballot.curators().is_open() and _ask(store, who, mine)
    except (VoteError, SettingsError) as error:
        # The wall hangs without a database, too.
        return _waits(str(error))
    _answer(store, next(vote for vote in mine if str(vote.cover) == str(st.session_state[_COVER])))
    return True


def _waits(sentence: str) -> bool:
    """Whether a vote waits until the votes can be read; then it is said, with a way to try again and one on."""
    waiting: Choice | None = st.session_state.get("choice")
    if waiting is not None:
        ballot.not_stored(waiting, sentence)
        _skip()
    return waiting is not None


def _ask(store: VoteStore, who: str, mine: list[StoredVote]) -> bool:
    """One cover, large, and nine answers."""
    waiting: Choice | None = st.session_state.get("choice")
    if waiting is not None and st.session_state.pop("cast-now", False):
        try:
            ballot.cast(store, who, waiting, rounds.current(who, []).id, label_asked=False)
        except ClosedError:
            _go_on()
        except VoteError as error:
            st.session_state["not-stored"] = str(error)
        else:
            shell.again()
    identity = waiting.cover if waiting is not None else _due(store, who, mine)
    if identity is None:
        return False
    st.session_state[_COVER] = identity
    judged = shell.exhibit().show_identity(identity)
    shell.from_the_top(f"first-{identity}")
    visitor.first_sights().seconds(who, str(identity))  # The clock starts.
    with st.container(key="pair"):
        with st.container(key="band"):
            shell.heading(_("What do you feel?"), _("No band ever had this cover: a machine painted it."))
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="ballot"):
            ballot.choices(identity)
            _skip()
    if waiting is not None:
        ballot.not_stored(waiting, st.session_state.get("not-stored", _("Your vote is not stored yet.")))
    return True


def _due(store: VoteStore, who: str, mine: list[StoredVote]) -> CoverIdentity | None:
    """The cover that this visitor was shown already, else the one that a round would begin with."""
    known: CoverIdentity | None = st.session_state.get(_COVER)
    revision = shell.exhibit().painter_revision
    if known is not None and known.generator == revision:
        return known
    return rounds.choose(rounds.current(who, mine), {}, ballot.up_for_vote(store), store.tallies(revision))


def _answer(store: VoteStore, vote: StoredVote) -> None:
    """Your word, the machine's, the crowd's."""
    others, (cover,) = ballot.with_others(store, vote), ballot.covers_as_voted(store, (vote,))
    shell.from_the_top(f"first-answer-{vote.cover}")
    with st.container(key="pair"):
        with st.container(key="band"):
            st.html(f'<h1 class="title breath">{ballot.your_words(vote.felt)}</h1>')
        st.html(prints.framed(cover, size="large"), width="content")
        with st.container(key="words"):
            ballot.machine_and_crowd(others, True)
            with st.container(key="onward", horizontal=True, vertical_alignment="center"):
                st.button(
                    _("To the wall"), key="to-the-wall", type="primary", shortcut="Right", on_click=_over
                )
                shell.link_to(shell.VOTE, _("Five more like this"))


def _skip() -> None:
    st.button(_("Just show me the covers"), key="skip-first", type="tertiary", on_click=_over)


def _over() -> None:
    st.session_state[OVER] = True


def _go_on() -> None:
    _over()
    st.session_state.pop("choice", None)
    shell.again()
