"""What a visitor is asked in a round, and the vote that waits until it is stored."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import streamlit as st

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, read_png
from albumjudge.ui import prints, shell, visitor
from albumjudge.ui.words import _
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.rounds import Offer, Round
from albumjudge.voting.votes import StoredVote, VoteStore


@dataclass(frozen=True)
class Choice:
    """What a visitor chose and is not known to be stored yet."""

    cover: CoverIdentity
    felt: str
    seconds: float


def curators() -> CurationStore:
    return CurationStore(shell.engine())


def up_for_vote(store: VoteStore) -> Offer:
    """The covers that visitors are asked about."""
    revision = shell.exhibit().painter_revision
    pool = [CoverIdentity(revision, seed) for seed in seeds.ballot_pool(revision)]
    return rounds.offer(CurationStore(store.engine).anchors(revision), pool)


def wait_on_a_wall(store: VoteStore, mine: list[StoredVote], most: int = 12) -> None:
    """A wall of covers: the visitor's own, with what they felt, then those that wait for a vote."""
    felt = {vote.cover: vote.felt for vote in mine}
    waiting = up_for_vote(store).left(felt)[: most - len(mine)]
    with st.container(key="wall-waiting"):
        for cover in covers_as_voted(store, tuple(mine[:most])):
            words = _("you: {emotion}", emotion=_(felt[cover.identity]))
            st.html(prints.framed(cover, size="wall", note=words), width="content")
        for judged in shell.exhibit().show_each(waiting):
            st.html(prints.framed(judged.cover, size="wall"), width="content")


def on_the_easel(
    store: VoteStore, now: Round, mine: list[StoredVote], covers: Offer
) -> CoverIdentity | StoredVote | None:
    """The cover in the link if this visitor may vote on it, their vote if they have, else one that is due.

    Returns:
        None if the visitor has voted on all covers there are.
    """
    voted_on = {vote.cover: vote for vote in mine}
    left = covers.left(voted_on)
    for identity in asked_for():
        if identity in voted_on:
            return voted_on[identity]
        if identity in left:
            st.session_state["easel"] = str(identity)
            return identity
    if not left:
        return None
    identity_due = rounds.choose(now, voted_on, covers, store.tallies(shell.exhibit().painter_revision))
    if identity_due is not None:
        st.session_state["easel"] = str(identity_due)
        shell.go(cover=str(identity_due))
    return identity_due


def asked_for() -> list[CoverIdentity]:
    """The covers that this page should show, the likeliest first.

    A quick visitor answers before the browser has taken over the link that this page has just set; the session
    knows which cover was shown.
    """
    found = []
    for link in (st.query_params.get("cover"), st.session_state.get("easel")):
        with contextlib.suppress(CoverLinkError):
            found.append(CoverIdentity.parse(link or ""))
    return found


def already_voted(mine: list[StoredVote]) -> StoredVote | None:
    """The visitor's vote on the cover that is asked for, if there is one."""
    voted_on = {vote.cover: vote for vote in mine}
    return next((voted_on[identity] for identity in asked_for() if identity in voted_on), None)


def take_next(**link: str) -> None:
    """Leave this cover: for the next one that is due, or for what the link says."""
    for key in ("easel", "choice"):
        st.session_state.pop(key, None)
    shell.go(**link)
    shell.again()


def choose(identity: CoverIdentity, felt: str) -> None:
    """Keep what was chosen, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), str(identity))
    st.session_state["choice"] = Choice(identity, felt, seconds)
    cast_now()


def cast_now() -> None:
    st.session_state["cast-now"] = True


def cast(store: VoteStore, who: str, choice: Choice) -> None:
    """Store the vote that waits; if the database does not take it, it goes on waiting."""
    st.session_state["easel"] = str(choice.cover)
    shell.go(cover=str(choice.cover))
    try:
        judged = shell.exhibit().show_identity(choice.cover)
    except CoverLinkError:
        # Its painter has just been replaced; there is nothing left that the vote could be about.
        st.session_state.pop("choice", None)
        raise
    mine = store.votes(visitor=who)
    label, arm = rounds.draw_label(judged.verdict.top)
    store.cast(
        visitor=who,
        judged=judged,
        felt=choice.felt,
        label_shown=label,
        arm=arm,
        seconds_to_vote=choice.seconds,
        round_id=rounds.current(who, mine).id,
        suspect=visitor.comes_in_floods(),
    )
    for key in ("choice", "not-stored"):
        st.session_state.pop(key, None)


def take_back(sentence: str) -> None:
    """Forget a choice that came after the doors closed, and say so."""
    for key in ("choice", "not-stored", "easel"):
        st.session_state.pop(key, None)
    st.session_state["too-late"] = sentence
    shell.go()


def covers_as_voted(store: VoteStore, votes: tuple[StoredVote, ...]) -> list[Cover]:
    """The covers that were voted on, whoever painted them."""
    try:
        return [judged.cover for judged in shell.exhibit().show_each([vote.cover for vote in votes])]
    except CoverLinkError:
        return [_from_the_votes(store, vote.cover) for vote in votes]


def _from_the_votes(store: VoteStore, identity: CoverIdentity) -> Cover:
    stored = store.stored_cover(identity)
    if stored is None:
        raise CoverLinkError(f"Cover No. {identity.number} is gone.")
    return read_png(identity, stored[0])
