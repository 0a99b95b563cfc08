"""What a visitor is asked, the vote that waits until it is stored, and what is revealed after it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import streamlit as st

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, read_png
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.ui import charts, markup, prints, shell, visitor
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.words import _, number, translate
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.rounds import Offer, Round
from albumjudge.voting.votes import StoredVote, VoteStore

_SIGN = {emotion.name: emotion.sign for emotion in EMOTIONS}
SEEN = "machine-seen"
"""In the session: covers whose label cannot be asked about any more, since the machine's answer was shown."""


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
    pool = [CoverIdentity.of(revision, seed) for seed in seeds.ballot_pool(revision)]
    return rounds.offer(CurationStore(store.engine).anchors(revision), pool)


def wait_on_a_wall(store: VoteStore, mine: list[StoredVote], most: int = 12) -> None:
    """A wall of covers: the visitor's own, with what they felt, then those that wait for a vote."""
    felt = {vote.cover: vote.felt for vote in mine}
    waiting = up_for_vote(store).left(felt)[: max(0, most - len(mine))]
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


def cast(store: VoteStore, who: str, choice: Choice, round_id: str, *, label_asked: bool) -> None:
    """Store the vote that waits; if the database does not take it, it goes on waiting.

    Args:
        label_asked: the visitor is asked about a label next; else the machine's own is revealed at once.
    """
    try:
        judged = shell.exhibit().show_identity(choice.cover)
    except CoverLinkError:
        # Its painter has just been replaced; there is nothing left that the vote could be about.
        st.session_state.pop("choice", None)
        raise
    label, arm = rounds.draw_label(judged.verdict.top) if label_asked else (judged.verdict.top, "judge")
    store.cast(
        visitor=who,
        judged=judged,
        felt=choice.felt,
        label_shown=label,
        arm=arm,
        seconds_to_vote=choice.seconds,
        round_id=round_id,
        suspect=visitor.comes_in_floods(),
    )
    if not label_asked:
        st.session_state[SEEN] = {*st.session_state.get(SEEN, ()), str(choice.cover)}
    for key in ("choice", "not-stored"):
        st.session_state.pop(key, None)


def take_back(sentence: str) -> None:
    """Forget a choice that came after the doors closed, and say so."""
    for key in ("choice", "not-stored", "easel"):
        st.session_state.pop(key, None)
    st.session_state["too-late"] = sentence
    curators().forget()
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


def choices(identity: CoverIdentity) -> None:
    """The nine answers."""

    def answer(felt: str, shortcut: str) -> None:
        st.button(
            summing_up.felt_words(felt),
            # The cover is part of each button's key: a late click on one cover must never count on another.
            key=f"felt-{felt}-{identity.seed}",
            shortcut=shortcut,
            width="stretch",
            on_click=choose,
            args=(identity, felt),
        )

    with st.container(key="choices"):
        for place, name in enumerate(charts.ON_SIDES, start=1):
            answer(name, str(place))
    answer(NOTHING, "0")


def not_stored(choice: Choice, sentence: str) -> None:
    """Say that a vote waits, and offer to try again."""
    kept = _("Your choice, {felt}, is kept here.", felt=summing_up.felt_words(choice.felt))
    with st.container(key="apology"):
        markup.say(f"{translate(sentence)} {kept}", kind="sentence", role="alert")
        st.button(_("Try again"), type="primary", key="try-casting-again", on_click=cast_now)


def your_words(felt: str) -> str:
    """HTML of what the visitor felt, as a sentence."""
    if felt == NOTHING:
        return _("You felt nothing, or something else.")
    return _("You felt {feeling}.", feeling=f'<b class="hue-{felt}">{_SIGN[felt]} {_(felt)}</b>')


def with_others(store: VoteStore, vote: StoredVote) -> round_summaries.Card:
    """A vote, and what the others felt before its cover."""
    return round_summaries.card(vote, store.crowd(vote.cover, without=vote.visitor))


def lately(before: tuple[round_summaries.Card, Cover] | None) -> None:
    """The reveal of the cover before, small; a touch shows it whole. Before the first one, what a round is."""
    if before is None:
        markup.say(_("Six covers. You say what you feel, then the machine does."), kind="machine")
        return
    others, cover = before
    with st.container(key="print-lately"):
        st.html(summing_up.lately(others, cover, your_words(others.vote.felt)))
        st.button(
            _("Look at it again: {number}", number=prints.number(cover)),
            key=f"look-again-{others.vote.cover}",
            on_click=shell.go,
            kwargs={"cover": str(others.vote.cover)},
        )


def machine_and_crowd(others: round_summaries.Card, disclosed: bool) -> None:
    """What the jury and the others felt."""
    vote = others.vote
    eight = sum(others.others[: len(NAMES)])
    enough = sum(others.others) >= round_summaries.A_CROWD and eight > 0
    shares = [people / eight for people in others.others[: len(NAMES)]] if enough else None
    with st.container(key="breath-2"):
        said = _("The machine feels {feeling}.", feeling=translate(vote.verdict.words))
        st.html(
            summing_up.meeting(vote.felt, vote.verdict.top)
            + markup.paragraph(said, "machine")
            + markup.above_chart(vote.verdict.probabilities)
        )
        st.vega_lite_chart(
            charts.distribution(vote.verdict.probabilities, felt=vote.felt, others=shares), theme=None
        )
    with st.container(key="breath-3"):
        lines = [summing_up.crowd_sentence(others)]
        if shares:
            lines.append(
                _("In the chart, bars are the machine, upright lines the {n} others.", n=number(eight))
            )
        asked = "" if str(vote.cover) in st.session_state.get(SEEN, ()) else _label(vote, disclosed)
        st.html(asked + markup.paragraph(" ".join(lines)))


def _label(vote: StoredVote, disclosed: bool) -> str:
    """HTML of what was answered about the label, and, once that is told, that it was drawn at random."""
    label = {"label": _(vote.label_shown)}
    said = {
        True: _("You agree with the label “{label}”.", **label),
        False: _("You do not agree with the label “{label}”.", **label),
        None: _("You gave no answer to the label “{label}”.", **label),
    }[vote.agrees]
    if vote.arm == "placebo":
        said += " " + (
            _(
                "That label was drawn at random, to see who says yes to anything; the machine’s own would "
                "have been “{own}”.",
                own=_(vote.verdict.top),
            )
            if disclosed
            else _("It does not go with the chart? The end of the round explains.")
        )
    return markup.paragraph(said, "quiet said")
