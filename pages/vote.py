"""The vote: rounds of six covers, blind; after each the label, the machine and the crowd; then the summary."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

import streamlit as st

from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, read_png
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.rounds import Summary
from albumjudge.ui import charts, prints, visitor
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui import share_card as card
from albumjudge.ui import shell as room
from albumjudge.ui.round_summary import NOTHING_WORDS
from albumjudge.ui.share_card import Face
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.rounds import Offer, Round
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import StoredVote, VoteStore

room.need_frame()

OUR_LINKS = ("cover", "round")
"""What this page writes into its address; whatever else stands there is left alone."""
_SIGN = {emotion.name: emotion.sign for emotion in EMOTIONS}


@dataclass(frozen=True)
class Choice:
    """What a visitor chose and is not known to be stored yet."""

    cover: CoverIdentity
    felt: str
    seconds: float


def go(**link: str) -> None:
    """Change the address."""
    kept = {name: value for name, value in st.query_params.to_dict().items() if name not in OUR_LINKS}
    if st.query_params.to_dict() != kept | link:
        st.query_params.from_dict(kept | link)


def curators() -> CurationStore:
    return CurationStore(room.engine())


def up_for_vote(box: VoteStore) -> Offer:
    """The covers that visitors are asked about."""
    revision = room.exhibit().painter.revision
    pool = [CoverIdentity(revision, seed) for seed in hanging.ballot_pool(revision)]
    return rounds.offer(box.anchors(revision), pool)


def on_the_easel(
    box: VoteStore, now: Round, mine: list[StoredVote], covers: Offer
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
    identity_due = rounds.choose(now, voted_on, covers, box.tallies(room.exhibit().painter.revision))
    if identity_due is not None:
        st.session_state["easel"] = str(identity_due)
        go(cover=str(identity_due))
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
    go(**link)
    st.rerun()


def choose(identity: CoverIdentity, felt: str) -> None:
    """Keep what was chosen, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), str(identity))
    st.session_state["choice"] = Choice(identity, felt, seconds)
    cast_now()


def cast_now() -> None:
    st.session_state["cast-now"] = True


def ballot(identity: CoverIdentity, now: Round) -> None:
    """A blind cover and the nine answers."""
    judged = room.exhibit().show_identity(identity)
    room.from_the_top(f"ballot-{identity}")
    visitor.first_sights().seconds(visitor.current(), str(identity))  # The clock starts.
    with st.container(key="pair"):
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="ballot"):
            st.html(summing_up.progress(now.due, len(now.cast)))
            room.heading("What do you feel?", "Trust the first thing that comes.")
            # The cover is part of each button's key: a late click on one ballot must never count on another.
            with st.container(key="choices"):
                for number, name in enumerate(charts.ON_SIDES, start=1):
                    st.button(
                        name,
                        key=f"felt-{name}-{identity.seed}",
                        shortcut=str(number),
                        width="stretch",
                        on_click=choose,
                        args=(identity, name),
                    )
            st.button(
                NOTHING_WORDS,
                key=f"felt-{NOTHING}-{identity.seed}",
                shortcut="0",
                width="stretch",
                on_click=choose,
                args=(identity, NOTHING),
            )
    waiting: Choice | None = st.session_state.get("choice")
    if waiting is not None and waiting.cover == identity:
        not_stored(waiting, st.session_state.get("not-stored", "Your vote is not stored yet."))


def cast(box: VoteStore, who: str, choice: Choice) -> None:
    """Store the vote that waits; if the database does not take it, it goes on waiting."""
    st.session_state["easel"] = str(choice.cover)
    go(cover=str(choice.cover))
    try:
        judged = room.exhibit().show_identity(choice.cover)
    except CoverLinkError:
        # Its painter has just been replaced; there is nothing left that the vote could be about.
        st.session_state.pop("choice", None)
        raise
    mine = box.votes(visitor=who)
    label, arm = rounds.draw_label(judged.verdict.top)
    box.cast(
        visitor=who,
        judged=judged,
        felt=choice.felt,
        label_shown=label,
        arm=arm,
        seconds_to_vote=choice.seconds,
        round_id=rounds.current(who, mine).id,
    )
    for key in ("choice", "not-stored"):
        st.session_state.pop(key, None)


def take_back(sentence: str) -> None:
    """Forget a choice that came after the doors closed, and say so."""
    for key in ("choice", "not-stored", "easel"):
        st.session_state.pop(key, None)
    st.session_state["too-late"] = sentence
    go()


def not_stored(choice: Choice, sentence: str) -> None:
    felt = NOTHING_WORDS if choice.felt == NOTHING else choice.felt
    with st.container(key="apology"):
        st.html(
            f'<p class="sentence" role="alert">{escape(sentence)} Your choice, {escape(felt)}, is '
            "kept here.</p>"
        )
        st.button("Try again", type="primary", key="try-casting-again", on_click=cast_now)


def covers_as_voted(box: VoteStore, votes: tuple[StoredVote, ...]) -> list[Cover]:
    """The covers that were voted on, whoever painted them."""
    try:
        return [judged.cover for judged in room.exhibit().show_each([vote.cover for vote in votes])]
    except CoverLinkError:
        return [_from_the_votes(box, vote.cover) for vote in votes]


def _from_the_votes(box: VoteStore, identity: CoverIdentity) -> Cover:
    stored = box.stored_cover(identity)
    if stored is None:
        raise CoverLinkError(f"Cover No. {identity.number} is gone.")
    return read_png(identity, stored[0])


def your_words(felt: str) -> str:
    if felt == NOTHING:
        return "You felt nothing, or something else."
    return f'You felt <b class="hue-{felt}">{_SIGN[felt]} {felt}</b>.'


def reveal(box: VoteStore, vote: StoredVote, mine: list[StoredVote]) -> None:
    """Your choice and the label; once it is answered, the machine's eight feelings and the crowd's."""
    its_round = rounds.played(vote.round or "", mine)
    place = its_round.place(vote) if vote in its_round.cast else None
    # Once the end of a round has told which labels were drawn at random, an answer would prove nothing.
    told = its_round.full and (place != rounds.CARDS or vote.round in st.session_state.get("told", ()))
    asked = vote.agrees is None and not told
    room.from_the_top(f"{'label' if asked else 'reveal'}-{vote.cover}")
    (cover,) = covers_as_voted(box, (vote,))
    with st.container(key="pair"):
        st.html(prints.framed(cover, size="large"), width="content")
        with st.container(key="words"):
            if place is not None:
                st.html(summing_up.progress(place, len(its_round.cast)))
            st.html(f'<h1 class="title breath">{your_words(vote.felt)}</h1>')
            if asked:
                question(box, vote, its_round)
            else:
                machine_and_crowd(box, vote, told)
                onward(vote, its_round)


def question(box: VoteStore, vote: StoredVote, its_round: Round) -> None:
    """Is the label right? Nothing else is shown before the answer, that it may not depend on it."""
    with st.container(key="breath-2"):
        st.html(
            f'<p class="machine label">The machine’s label: {summing_up.feeling(vote.label_shown)}.</p>'
            '<p class="lead">Do you agree?</p>'
        )
        with st.container(key="agreement"):
            yes = st.button("Yes, I agree", key="agree-yes", shortcut="Y", width="stretch")
            no = st.button("No, I do not", key="agree-no", shortcut="N", width="stretch")
        skipped = st.button("I cannot say", key="skip", type="tertiary")
    if yes or no:
        box.answer(visitor=vote.visitor, cover=vote.cover, agrees=yes)
        st.rerun()
    if skipped:
        leave(its_round)


def machine_and_crowd(box: VoteStore, vote: StoredVote, told: bool) -> None:
    """What the jury and the others felt."""
    others = round_summaries.card(vote, box.crowd(vote.cover, without=vote.visitor))
    eight = sum(others.others[: len(NAMES)])
    enough = sum(others.others) >= round_summaries.A_CROWD and eight > 0
    shares = [people / eight for people in others.others[: len(NAMES)]] if enough else None
    with st.container(key="breath-2"):
        said = {True: "You agree with", False: "You do not agree with", None: "You gave no answer to"}
        aside = ""
        if vote.arm == "placebo":
            aside = (
                f" That label was drawn at random, to see who agrees out of politeness; the machine’s own would "
                f"have been “{vote.verdict.top}”."
                if told
                else " It does not go with the chart? The end of the round explains."
            )
        st.html(
            summing_up.meeting(vote.felt, vote.verdict.top)
            + f'<p class="machine">The machine feels {escape(vote.verdict.words)}.</p>'
            '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
            f'<p class="heard">{escape(charts.spoken(vote.verdict.probabilities))}</p>'
        )
        st.altair_chart(
            charts.distribution(vote.verdict.probabilities, felt=vote.felt, others=shares), theme=None
        )
    with st.container(key="breath-3"):
        legend = f" In the chart, bars are the machine, upright lines the {eight} others." if shares else ""
        st.html(
            f'<p class="quiet said">{said[vote.agrees]} the label “{escape(vote.label_shown)}”.'
            f"{escape(aside)}</p>"
            f'<p class="quiet">{escape(summing_up.crowd_sentence(others) + legend)}</p>'
        )


def onward(vote: StoredVote, its_round: Round) -> None:
    """To the next cover, or to the end of the round."""
    with st.container(key="onward", horizontal=True, vertical_alignment="center"):
        words = "See your round" if its_round.full else "Next cover"
        if st.button(words, key="next", type="primary", shortcut="Right"):
            leave(its_round)


def leave(its_round: Round) -> None:
    if its_round.full:
        take_next(round=its_round.id)
    take_next()


def link_to(round_id: str) -> str:
    """The address that shows this round anywhere."""
    here = urlsplit(st.context.url or "")
    return here._replace(path=here.path or "/", query=f"round={round_id}", fragment="").geturl()


def finished(box: VoteStore, who: str, link: str) -> None:
    """A round by its link: its summary, once it is over."""
    cast_in_it = box.votes(round_id=link)
    if not cast_in_it:
        no_round("This link leads to no round. Perhaps a part of it was cut off on its way here.")
        return
    owner = cast_in_it[0].visitor
    votes = box.votes(visitor=owner)
    this = rounds.played(link, votes)
    left = up_for_vote(box).left({vote.cover for vote in votes}) if curators().is_open() else ()
    if not this.full and left:
        no_round(f"This round is still being played: {len(this.cast)} of {rounds.CARDS} covers so far.")
        return
    tallies = {}
    for generator in {vote.cover.generator for vote in this.cast}:
        tallies.update(box.tallies(generator, without=owner))
    found = round_summaries.summarise(this, votes, tallies)
    assert found is not None
    summary(found, covers_as_voted(box, this.cast), yours=owner == who, more=bool(left))


def no_round(sentence: str) -> None:
    room.heading("No round to show", sentence)
    if st.button("Play a round", key="another", type="primary"):
        take_next()


def summary(found: Summary, covers: list[Cover], *, yours: bool, more: bool) -> None:
    """What came of a round."""
    room.from_the_top(f"round-{found.id}")
    if yours:
        st.session_state["told"] = {*st.session_state.get("told", ()), found.id}
    with st.container(key="round-head"):
        room.heading("Your round" if yours else "A visitor’s round", summing_up.headline(found, yours))
    st.html(summing_up.hung(found, covers, yours))
    with st.container(key="side-by-side-round"):
        with st.container(key="round-numbers"):
            st.html(summing_up.counts(found) + summing_up.crowd_note(found))
            st.html(summing_up.alone(found, yours) + summing_up.truth(found, yours))
            with st.container(key="onward", horizontal=True, vertical_alignment="center"):
                words = "Another round" if yours else "Play a round yourself"
                if (more or not yours) and st.button(words, key="another", type="primary", shortcut="Right"):
                    take_next()
                st.page_link(room.PEOPLE, label="See how everyone voted")
        with st.container(key="round-profile"):
            st.html(
                f"<h2>{'Your' if yours else 'The visitor’s'} feeling profile</h2>"
                '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
                f'<p class="heard">{escape(charts.spoken(found.yours.shares))}</p>'
            )
            everyone = None if found.everyone is None else found.everyone.shares
            st.altair_chart(charts.profile(found.yours.shares, everyone), theme=None)
            st.html(f'<p class="quiet">{escape(summing_up.profile_note(found, yours))}</p>')
            if yours:
                keep(found, covers)


def keep(found: Summary, covers: list[Cover]) -> None:
    """The link to share and the card to keep."""
    link = link_to(found.id)
    faces = [
        Face(cover, shown.vote.felt, shown.vote.verdict.top)
        for cover, shown in zip(covers, found.cards, strict=True)
    ]
    png = card.draw(faces, "My round", summing_up.on_the_card(found), link, lettering=room.serif())
    with st.container(key="to-keep"):
        st.html("<h2>To keep, to share</h2>")
        st.html('<p class="quiet">This link shows the round to anyone. Who played it, it does not say.</p>')
        st.code(link, language=None, wrap_lines=True)
        st.download_button(
            "Keep it as a picture",
            png,
            file_name=f"round-{found.id}.png",
            mime="image/png",
            key="card",
            on_click="ignore",
        )


def all_seen() -> None:
    room.heading("Vote", "You have voted on every cover that is up for a vote. Thank you.")
    st.page_link(room.PEOPLE, label="See how everyone voted")
    st.page_link(room.STAGE, label="Back to the stage")


def closed(now: Round) -> None:
    late: str | None = st.session_state.pop("too-late", None)
    room.heading(
        "Vote",
        f"{late or 'The exhibit is closed at the moment and takes no votes.'} "
        "The covers still hang on the stage.",
    )
    if now.cast and st.button("See your round so far", key="so-far", type="primary"):
        take_next(round=now.id)
    with st.container(horizontal=True):
        st.page_link(room.STAGE, label="To the stage")
        st.page_link(room.PEOPLE, label="See how everyone voted")


def play(box: VoteStore, who: str) -> None:
    mine = box.votes(visitor=who)
    now = rounds.current(who, mine)
    link = st.query_params.get("round")
    if link:
        finished(box, who, link)
        return
    if not curators().is_open():
        # What was voted on before the doors closed can still be answered and looked at.
        voted = already_voted(mine)
        if voted is None:
            closed(now)
        else:
            reveal(box, voted, mine)
        return
    found = on_the_easel(box, now, mine, up_for_vote(box))
    if isinstance(found, StoredVote):
        reveal(box, found, mine)
    elif found is not None:
        ballot(found, now)
    elif now.cast:
        take_next(round=now.id)
    else:
        all_seen()


def vote_page() -> None:
    who = visitor.current()
    waiting: Choice | None = st.session_state.get("choice")
    try:
        box = room.vote_store()
        if waiting is not None and st.session_state.pop("cast-now", False):
            try:
                cast(box, who, waiting)
            except ClosedError as error:
                take_back(str(error))
            except VoteError as error:
                st.session_state["not-stored"] = str(error)
        play(box, who)
    except VoteError as error:
        waiting = st.session_state.get("choice")
        if waiting is None:
            raise
        not_stored(waiting, str(error))


vote_page()
