"""The vote: one cover, blind; then what the machine feels, what the crowd felt, and is the label right?"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge import charts, emotions, hanging
from albumjudge.covers import CoverIdentity, CoverLinkError, read_png
from albumjudge.curation import CuratorsBook
from albumjudge.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.exhibit import JudgedCover
from albumjudge.votes import BallotBox, StoredVote, VoteError
from frame import prints, room, visitor

room.need_frame()

NOTHING_WORDS = "nothing, or something else"


@dataclass(frozen=True)
class Choice:
    """What a visitor chose and could not be stored yet."""

    cover: str
    felt: str
    seconds: float


def on_the_easel(box: BallotBox, who: str) -> CoverIdentity | StoredVote | None:
    """The cover in the link if this visitor may vote on it, their vote if they have, else one that is due.

    Returns:
        None if the visitor has voted on all covers there are.
    """
    revision = room.exhibit().painter.revision
    pool = hanging.ballot_pool(revision)
    # A quick visitor answers before the browser has taken over the link that this page has just set; the
    # session knows which cover was shown.
    for link in (st.query_params.get("cover"), st.session_state.get("easel")):
        try:
            identity = CoverIdentity.parse(link or "")
        except CoverLinkError:
            continue
        if (stored := box.find(who, identity)) is not None:
            return stored
        if identity.generator == revision and identity.seed in pool:
            st.session_state["easel"] = str(identity)
            return identity
    seed = box.next_seed(who, revision, pool)
    if seed is None:
        return None
    identity = CoverIdentity(revision, seed)
    st.session_state["easel"] = str(identity)
    st.query_params.from_dict({"cover": str(identity)})
    return identity


def take_next() -> None:
    """Leave this cover for the next one that is due."""
    for key in ("easel", "choice"):
        st.session_state.pop(key, None)
    st.query_params.clear()
    st.rerun()


def ballot(box: BallotBox, who: str, identity: CoverIdentity) -> None:
    """A blind cover and the nine answers."""
    judged = room.exhibit().show_identity(identity)
    room.from_the_top(f"ballot-{identity}")
    waiting: Choice | None = st.session_state.get("choice")
    if waiting is not None and waiting.cover != str(identity):
        waiting = None
    chosen = None
    with st.container(key="pair"):
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="ballot"):
            room.heading("What do you feel?", "Trust the first thing that comes.")
            # The cover is part of each button's key: a late click on one ballot must never count on another.
            with st.container(key="choices"):
                for number, name in enumerate(charts.ON_SIDES, start=1):
                    if st.button(
                        name, key=f"felt-{name}-{identity.seed}", shortcut=str(number), width="stretch"
                    ):
                        chosen = name
            if st.button(NOTHING_WORDS, key=f"felt-{NOTHING}-{identity.seed}", shortcut="0", width="stretch"):
                chosen = NOTHING
    seconds = visitor.first_sights().seconds(who, str(identity))
    if chosen is not None:
        waiting = Choice(str(identity), chosen, seconds)
    if waiting is not None and (chosen is not None or st.session_state.pop("cast-again", False)):
        cast(box, who, judged, waiting)
    elif waiting is not None:
        not_stored(waiting, "Your vote is not stored yet.")


def cast(box: BallotBox, who: str, judged: JudgedCover, choice: Choice) -> None:
    """Store the vote and go on to the reveal; if the database does not take it, keep the choice."""
    try:
        box.cast(
            visitor=who,
            judged=judged,
            felt=choice.felt,
            label_shown=judged.verdict.top,
            seconds_to_vote=choice.seconds,
        )
    except VoteError as error:
        st.session_state["choice"] = choice
        not_stored(choice, str(error))
        return
    st.session_state.pop("choice", None)
    st.rerun()


def not_stored(choice: Choice, sentence: str) -> None:
    felt = NOTHING_WORDS if choice.felt == NOTHING else choice.felt
    with st.container(key="apology"):
        st.html(
            f'<p class="sentence" role="alert">{escape(sentence)} Your choice, {escape(felt)}, is '
            "kept here.</p>"
        )
        if st.button("Try again", type="primary", key="try-casting-again"):
            st.session_state["cast-again"] = True
            st.rerun()


def cover_as_voted(box: BallotBox, vote: StoredVote) -> str:
    """HTML of the cover that was voted on, whoever painted it."""
    feeling = vote.verdict.words
    try:
        return prints.framed(room.exhibit().show_identity(vote.cover).cover, size="large", feeling=None)
    except CoverLinkError:
        stored = box.stored_cover(vote.cover)
        if stored is None:
            raise
        return prints.framed(read_png(vote.cover, stored[0]), size="large", feeling=feeling)


def your_words(felt: str) -> str:
    if felt == NOTHING:
        return "You felt nothing, or something else."
    sign = EMOTIONS[emotions.index(felt)].sign
    return f'You felt <b class="hue-{felt}">{sign} {felt}</b>.'


def crowd_words(crowd: dict[str, int], felt: str) -> str:
    """What the others felt, in a sentence; the visitor's own vote is not counted among theirs."""
    others = {name: people - (name == felt) for name, people in crowd.items()}
    total = sum(others.values())
    if total == 0:
        return "You are the first to vote on this cover."
    ranked = sorted((name for name in others if others[name]), key=lambda name: -others[name])
    parts = ", ".join(
        f"{others[name]} {'nothing or something else' if name == NOTHING else name}" for name in ranked
    )
    same = others.get(felt, 0)
    if total == 1:
        start = "One other visitor has voted on it"
    else:
        start = f"{total} other visitors have voted on it"
    with_you = "nobody felt as you did" if not same else f"{same} felt as you did"
    return f"{start}; {with_you}. They felt: {parts}."


def reveal(box: BallotBox, who: str, vote: StoredVote) -> None:
    """Cover, your choice, the machine's, the crowd's; then the question whether the label is right."""
    room.from_the_top(f"reveal-{vote.cover}")
    crowd = box.crowd(vote.cover)
    eight = sum(crowd[name] for name in NAMES)
    shares = [crowd[name] / eight for name in NAMES] if eight > 1 else None
    with st.container(key="pair"):
        st.html(cover_as_voted(box, vote), width="content")
        with st.container(key="words"):
            st.html(f'<h1 class="title breath">{your_words(vote.felt)}</h1>')
            with st.container(key="breath-2"):
                st.html(
                    f'<p class="machine">The machine feels {escape(vote.verdict.words)}.</p>'
                    '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
                    f'<p class="heard">{escape(charts.spoken(vote.verdict.probabilities))}</p>'
                )
                st.altair_chart(
                    charts.distribution(vote.verdict.probabilities, felt=vote.felt, crowd=shares), theme=None
                )
            with st.container(key="breath-3"):
                legend = (
                    f" In the chart, bars are the machine, upright lines the {eight} people."
                    if shares
                    else ""
                )
                st.html(f'<p class="quiet">{escape(crowd_words(crowd, vote.felt) + legend)}</p>')
                agreement(box, who, vote)


def agreement(box: BallotBox, who: str, vote: StoredVote) -> None:
    """Ask once whether the label is right; afterwards say what the answer was."""
    if vote.agrees is None:
        st.html(
            f'<p class="sentence">The machine’s label is “{escape(vote.label_shown)}”. Do you agree '
            "with it?</p>"
        )
        with st.container(key="agreement", horizontal=True):
            yes = st.button("Yes, I agree", key="agree-yes", shortcut="Y")
            no = st.button("No, I do not", key="agree-no", shortcut="N")
            skipped = st.button("Next cover", key="next", type="tertiary")
        if yes or no:
            box.answer(visitor=who, cover=vote.cover, agrees=yes)
            st.rerun()
        if skipped:
            take_next()
        return
    said = "You agree" if vote.agrees else "You do not agree"
    st.html(f'<p class="sentence">{said} with the label “{escape(vote.label_shown)}”.</p>')
    with st.container(key="onward", horizontal=True):
        if st.button("Next cover", key="next", type="primary", shortcut="Right"):
            take_next()
        st.page_link(room.PEOPLE, label="See how everyone voted")


def all_seen() -> None:
    room.heading("Vote", "You have voted on every cover that is up for a vote. Thank you.")
    st.page_link(room.PEOPLE, label="See how everyone voted")
    st.page_link(room.STAGE, label="Back to the stage")


def closed() -> None:
    room.heading(
        "Vote", "The exhibit is closed at the moment and takes no votes. The covers still hang on the stage."
    )
    with st.container(horizontal=True):
        st.page_link(room.STAGE, label="To the stage")
        st.page_link(room.PEOPLE, label="See how everyone voted")


def vote_page() -> None:
    if not CuratorsBook(room.engine()).is_open():
        closed()
        return
    box, who = room.ballot_box(), visitor.current()
    found = on_the_easel(box, who)
    if found is None:
        all_seen()
    elif isinstance(found, StoredVote):
        reveal(box, who, found)
    else:
        ballot(box, who, found)


vote_page()
