"""The dialogue: ask for more of a feeling, watch a cover being led there, and let others say if it worked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import CoverIdentity, CoverLinkError
from albumjudge.inference.exhibit import JudgedCover
from albumjudge.inference.steering import LONGEST, SHORTEST, STEPS, SteeringTarget
from albumjudge.statistics import duel_findings
from albumjudge.statistics.agreement import Share
from albumjudge.ui import charts, prints, visitor
from albumjudge.ui import duels as pairs
from albumjudge.ui import shell as room
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import Duel, DuelStore, Picked
from albumjudge.voting.store import ClosedError

room.need_frame()

ON_OFFER = 6
STRENGTHS = {"a touch": 0.25, "some": 0.45, "much": 0.7, "all the way": 1.0}


@dataclass(frozen=True)
class Step:
    """One place on a visitor's way: a cover, and what was asked for to get there (None at the beginning)."""

    cover: CoverIdentity
    wished: str | None = None


@dataclass(frozen=True)
class Pick:
    """What a visitor chose in a duel and could not be stored yet."""

    duel: int
    picked: Picked
    seconds: float


def book() -> DuelStore:
    return DuelStore(room.engine())


def go(**query: str) -> None:
    """To another view of this room."""
    st.query_params.from_dict(query)
    st.rerun()


def name_of(revision: str) -> str:
    return revision.rsplit("-", 1)[0]


# Choosing a cover


def offer() -> None:
    """A small wall to choose from, and the way to the duels."""
    room.from_the_top("dialogue-offer")
    room.heading(
        "Dialogue",
        "Choose a cover and ask for more of a feeling. The painter repaints it, step by step, until the jury "
        "feels more of it.",
    )
    number: int = st.session_state.setdefault("dialogue-wall", secrets.randbelow(99_999) + 1)
    painter = room.exhibit().painter.revision
    with st.container(key="wall-offer"):
        for judged in room.exhibit().show_each(
            [CoverIdentity(painter, seed) for seed in hanging.wall(number, ON_OFFER)]
        ):
            identity = judged.cover.identity
            with st.container(key=f"print-offer-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=judged.verdict.words))
                if st.button(
                    f"This one: cover {identity.seed}, {judged.verdict.words}", key=f"lead-{identity.seed}"
                ):
                    go(cover=str(identity))
    with st.container(key="afterwards", horizontal=True):
        if st.button("Other covers", key="others"):
            st.session_state["dialogue-wall"] = secrets.randbelow(99_999) + 1
            st.rerun()
        if st.button("Judge a pair: did it work?", key="to-duels"):
            go(duel="next")


# Leading it


def way_to(link: str) -> list[Step]:
    """The visitor's way so far, ending in the cover of the link; another cover begins a new way.

    Raises:
        CoverLinkError: if the link names no cover.
    """
    identity = CoverIdentity.parse(link)
    way: list[Step] = st.session_state.get("way", [])
    if identity in [step.cover for step in way]:
        # The browser's own way back is an undo, too.
        way = way[: [step.cover for step in way].index(identity) + 1]
    else:
        way = [Step(identity)]
    st.session_state["way"] = way
    return way


def began_at(way: list[Step]) -> int:
    """Place in the way of the cover from which the last feeling was asked for, be it once or several times."""
    place = len(way) - 1
    while place > 0 and way[place].wished == way[-1].wished:
        place -= 1
    return place


def link_to(identity: CoverIdentity) -> str:
    """The address that opens this cover on the stage."""
    here = urlsplit(st.context.url or "")
    return here._replace(path="/", query=f"cover={identity}", fragment="").geturl()


def studio(link: str) -> None:
    """One cover, the shares beside it, and eight feelings to ask for."""
    try:
        way = way_to(link)
        shown = room.exhibit().show_each([step.cover for step in way])
    except CoverLinkError as error:
        room.heading("This cover cannot be led", str(error))
        if st.button("Choose another", key="back-to-offer", type="primary"):
            go()
        return
    now, wished = shown[-1], way[-1].wished
    began = shown[began_at(way)]
    room.from_the_top(f"dialogue-{way[0].cover.number}")
    if st.button("← Other covers", key="back-to-offer", type="tertiary"):
        go()
    wish: SteeringTarget | None = None
    with st.container(key="pair"):
        with st.container(key="canvas"):
            canvas, progress = st.empty(), st.empty()
            canvas.html(prints.framed(now.cover, size="large", short=True))
            progress.html('<p class="progress"></p>')
        with st.container(key="words"):
            words, bars = st.empty(), st.empty()
            tell(words, now, said(way, began, now))
            bars.html(pairs.shares(now.verdict.probabilities, began.verdict.probabilities, wished))
            st.html('<p class="quiet">Make it …</p>')
            with st.container(key="wishes"):
                pressed = [
                    name
                    for name in charts.ON_SIDES
                    if st.button(pairs.MORE[name], key=f"felt-{name}-wish", width="stretch")
                ]
            with st.container(key="reins"):
                strength = st.select_slider("How strongly", list(STRENGTHS), value="much", key="strength")
                leash = st.slider(
                    "Leash",
                    SHORTEST,
                    LONGEST,
                    SteeringTarget.radius,
                    1.0,
                    format="%.0f",
                    key="leash",
                    help="How far it may get from the cover it began with. Two covers taken at random are about "
                    "14 apart.",
                )
            if pressed:
                wish = SteeringTarget(pressed[0], STRENGTHS[str(strength)], float(leash))
        if len(way) > 1:
            with st.container(key="after"):
                afterwards(way, shown)
    if wish is not None:
        lead(wish, way, now, (canvas, progress, words, bars))


def said(way: list[Step], began: JudgedCover, now: JudgedCover) -> str:
    """What became of the last wish."""
    if (stuck := st.session_state.pop("stuck", None)) is not None:
        return str(stuck)
    wished = way[-1].wished
    if wished is None:
        return "The line in each bar shows where it was."
    place = emotions.index(wished)
    return pairs.rise(wished, began.verdict.probabilities[place], now.verdict.probabilities[place])


Place = st.delta_generator.DeltaGenerator


def tell(place: Place, judged: JudgedCover, sentence: str) -> None:
    place.html(
        f'<h1 class="title verdict">{escape(judged.verdict.words)}</h1>'
        f'<p class="quiet" role="status">{escape(sentence)}</p>'
    )


def lead(
    wish: SteeringTarget, way: list[Step], start: JudgedCover, places: tuple[Place, Place, Place, Place]
) -> None:
    """Show each frame as it comes, then keep the last one."""
    canvas, progress, words, bars = places
    place = emotions.index(wish.emotion)
    at_first = start.verdict.probabilities
    last: JudgedCover | None = None
    for number, frame in enumerate(room.exhibit().steer(start.cover.identity, wish), start=1):
        last = frame
        canvas.html(pairs.passing(frame.cover, start.cover))
        progress.html(f'<p class="progress">Step {number} of {STEPS} …</p>')
        tell(words, frame, pairs.rise(wish.emotion, at_first[place], frame.verdict.probabilities[place]))
        bars.html(pairs.shares(frame.verdict.probabilities, at_first, wish.emotion))
    if last is None or last.cover.identity in [step.cover for step in way]:
        st.session_state["stuck"] = (
            f"From here the painter finds no way to more {wish.emotion}. Another cover may have one."
        )
    else:
        way.append(Step(last.cover.identity, wish.emotion))
        st.session_state["way"] = way
        st.query_params.from_dict({"cover": str(last.cover.identity)})
    st.rerun()


def afterwards(way: list[Step], shown: list[JudgedCover]) -> None:
    """The way here, undo, the vote and the link."""
    items = "".join(
        f'<li class="{"here" if judged is shown[-1] else "past"}">'
        + prints.framed(
            judged.cover,
            size="small",
            short=True,
            note=pairs.MORE[step.wished] if step.wished else "beginning",
        )
        + "</li>"
        for step, judged in zip(way, shown, strict=True)
    )
    st.html(f'<h2 class="row-title">The way here</h2><ol class="way">{items}</ol>')
    emotion, before, after = str(way[-1].wished), shown[began_at(way)], shown[-1]
    place = emotions.index(emotion)
    with st.container(key="afterwards", horizontal=True):
        if st.button("Undo the last step", key="undo"):
            go(cover=str(way[-2].cover))
        if st.button("Back to the beginning", key="restart", disabled=len(way) < 3):
            go(cover=str(way[0].cover))
        rose = after.verdict.probabilities[place] > before.verdict.probabilities[place]
        put_up = st.button("Put this pair to the vote", key="challenge", type="primary", disabled=not rose)
    if put_up:
        try:
            duel = book().challenge(before=before, after=after, emotion=emotion)
            st.session_state.setdefault("own-duels", set()).add(duel.id)
            st.session_state["put-up"] = after.cover.identity
        except VoteError as error:
            st.html(f'<p class="sentence" role="alert">{escape(str(error))}</p>')
    if st.session_state.get("put-up") == after.cover.identity:
        st.html(
            f'<p class="sentence" role="status">Done. Others will be asked: {escape(pairs.QUESTIONS[emotion])} '
            "They will not know which of the two came first.</p>"
        )
        if st.button("Judge a pair by someone else", key="to-duels"):
            go(duel="next")
    st.html('<p class="quiet">This cover has an address of its own, the same for everyone:</p>')
    st.code(link_to(after.cover.identity), language=None, wrap_lines=True)


# Duels


def duel_room(asked: str) -> None:
    """The pair in the link, or the next one, and what all pairs say so far."""
    try:
        show_pair(asked)
    except VoteError as error:
        waiting: Pick | None = st.session_state.get("pick")
        if waiting is None:
            raise
        not_stored(waiting, str(error))


def show_pair(asked: str) -> None:
    duels, who = book(), visitor.current()
    own: set[int] = st.session_state.get("own-duels", set())
    duel = duels.find(int(asked)) if asked.isdecimal() and asked.isascii() and len(asked) < 10 else None
    if duel is None or duel.id in own:
        duel = duels.next_for(who, without=own)
        if duel is not None:
            st.query_params.from_dict({"duel": str(duel.id)})
    voted = duel is not None and duels.vote_of(who, duel.id) is not None
    if not voted and not CurationStore(room.engine()).is_open():
        st.session_state.pop("pick-now", None)
        late: str | None = st.session_state.pop("too-late", None)
        if st.session_state.pop("pick", None) is not None:
            late = str(ClosedError("Your choice was not stored"))
        room.heading(
            "No pairs at the moment",
            f"{late or 'The exhibit is closed at the moment and takes no votes.'} "
            "Covers can still be led wherever you like.",
        )
        so_far(duels)
    elif duel is None:
        room.heading(
            "No pair is waiting for you",
            "You have judged all that there are. Lead a cover somewhere and put the pair to the vote: others "
            "will judge it.",
        )
        so_far(duels)
    elif not voted:
        question(duels, who, duel)
    else:
        answer(duels, who, duel)
        so_far(duels)
    if st.button("← Lead a cover yourself", key="back-to-offer", type="tertiary"):
        go()


def so_far(duels: DuelStore) -> None:
    """What all pairs say; not shown beside a question, where there is one thing to do."""
    st.html(pairs.running_result(duel_findings.find(duels.votes())))


def pick(duel: int, side: Picked) -> None:
    """Keep what was picked, before anything that could fail is touched."""
    seconds = visitor.first_sights().seconds(visitor.current(), f"duel {duel}")
    st.session_state["pick"] = Pick(duel, side, seconds)
    pick_now()


def pick_now() -> None:
    st.session_state["pick-now"] = True


def question(duels: DuelStore, who: str, duel: Duel) -> None:
    """Two covers and three answers."""
    room.from_the_top(f"duel-{duel.id}")
    with st.container(key="duel-words"):
        room.heading(
            pairs.QUESTIONS[duel.emotion],
            "One of the two was repainted to be so; you are not told which. Trust your own eyes.",
        )
    visitor.first_sights().seconds(who, f"duel {duel.id}")  # The clock starts.
    with st.container(key="duel"):
        sides: tuple[tuple[Picked, str], ...] = (("left", "Left"), ("right", "Right"))
        for (side, arrow), cover in zip(sides, duel.hung(who), strict=True):
            with st.container(key=f"print-{side}"):
                st.html(prints.framed(cover, size="large", short=True))
                st.button(
                    f"The {side} one",
                    key=f"pick-{side}-{duel.id}",
                    shortcut=arrow,
                    on_click=pick,
                    args=(duel.id, side),
                )
    with st.container(key="neither"):
        st.button(
            "I see no difference",
            key=f"pick-neither-{duel.id}",
            shortcut="0",
            width="stretch",
            on_click=pick,
            args=(duel.id, "neither"),
        )
    waiting: Pick | None = st.session_state.get("pick")
    if waiting is not None and waiting.duel == duel.id:
        if st.session_state.pop("pick-now", False):
            cast(duels, who, waiting)
        else:
            not_stored(waiting, "Your choice is not stored yet.")


def cast(duels: DuelStore, who: str, waiting: Pick) -> None:
    """Store a choice; if the database does not take it, keep it."""
    try:
        duels.cast(visitor=who, duel=waiting.duel, picked=waiting.picked, seconds_to_vote=waiting.seconds)
    except ClosedError as error:
        st.session_state.pop("pick", None)
        st.session_state["too-late"] = str(error)
        go(duel=str(waiting.duel))
    except VoteError as error:
        not_stored(waiting, str(error))
        return
    st.session_state.pop("pick", None)
    # Quicker than the browser can take over the link of a pair that it was just shown.
    go(duel=str(waiting.duel))


def not_stored(waiting: Pick, sentence: str) -> None:
    chosen = "no difference" if waiting.picked == "neither" else f"the {waiting.picked} one"
    with st.container(key="apology"):
        st.html(
            f'<p class="sentence" role="alert">{escape(sentence)} Your choice, {chosen}, is kept here.</p>'
        )
        st.button("Try again", type="primary", key="try-picking-again", on_click=pick_now)


def answer(duels: DuelStore, who: str, duel: Duel) -> None:
    """Which one was repainted, and what others chose."""
    vote = duels.vote_of(who, duel.id)
    assert vote is not None
    room.from_the_top(f"duel-{duel.id}-answer")
    yours = {
        "after": "You chose the repainted one.",
        "before": "You chose the one it began with.",
        "neither": "You saw no difference.",
    }[vote.chosen]
    others = [other for other in duels.votes(duel=duel.id) if other.visitor != who]
    decided = [other for other in others if other.chosen != "neither"]
    crowd = Share(sum(other.chosen == "after" for other in decided), len(decided))
    with st.container(key="duel-words"):
        room.heading(yours, pairs.rise(duel.emotion, duel.share_before, duel.share_after))
    with st.container(key="duel"):
        for cover in duel.hung(who):
            note = "repainted" if cover is duel.after else "as it was"
            st.html(prints.framed(cover, size="large", short=True, note=note), width="content")
    with st.container(key="duel-words-others"):
        st.html(f'<p class="quiet">{escape(pairs.crowd_on_pair(crowd, len(others) - len(decided)))}</p>')
    with st.container(key="duel-onward", horizontal=True):
        if st.button("Next pair", key="next-pair", type="primary", shortcut="N"):
            go(duel="next")
        if st.button("Lead this cover on", key="lead-on"):
            go(cover=str(duel.after.identity))


if (pair_asked_for := st.query_params.get("duel")) is not None:
    duel_room(pair_asked_for)
elif (cover_asked_for := st.query_params.get("cover")) is not None:
    studio(cover_asked_for)
else:
    offer()
