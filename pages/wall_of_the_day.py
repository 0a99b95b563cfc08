"""The wall of the day: six covers for everyone, and at the end what you, the crowd and the machine felt."""

from __future__ import annotations

from datetime import date
from html import escape

import streamlit as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.ui import kiosk, prints, shell, visitor, words
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui.rooms import ballot, day
from albumjudge.ui.rooms.day import Wall
from albumjudge.ui.rooms.round_end import card_of, keep
from albumjudge.ui.words import _, ngettext, translate
from albumjudge.voting import days
from albumjudge.voting.database import VoteError
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import StoredVote, VoteStore

shell.need_frame()


def question(hung: Wall, mine: list[StoredVote], identity: CoverIdentity) -> None:
    """A blind cover and the nine answers."""
    judged = shell.exhibit().show_identity(identity)
    shell.from_the_top(f"day-{identity}")
    visitor.first_sights().seconds(visitor.current(), str(identity))  # The clock starts.
    voted = hung.voted(mine)
    with st.container(key="pair"):
        with st.container(key="band"):
            st.html(day.strip(hung, voted, identity))
            shell.heading(
                _("What do you feel?"),
                _("The wall of {day}: the same six covers for everyone.", day=words.day(hung.day)),
            )
        st.html(prints.framed(judged.cover, size="large"), width="content")
        with st.container(key="ballot"):
            ballot.choices(identity)
            if not voted and not kiosk.is_on():
                day.streak(hung.day, done=False)
    if (waiting := day.waits_for(hung.day)) is not None:
        ballot.not_stored(waiting, st.session_state.get("not-stored", _("Your vote is not stored yet.")))


def yours(box: VoteStore, hung: Wall, mine: list[StoredVote]) -> None:
    """The whole wall, with what you, the crowd and the machine felt."""
    found = day.summary(box, hung, mine)
    covers = ballot.covers_as_voted(box, hung.voted(mine))
    said, title = day.headline(found.with_machine, found.crowd_with_machine), day.title(hung.day)
    link = shell.address(f"/share/day/{hung.day.isoformat()}", **words.in_link())
    picture, others = card_of(found, covers, title, link), other_days(hung)
    shell.from_the_top(f"day-{hung.day}-over", anew=True)
    with st.container(key="round-head"):
        shell.heading(title, said)
        if not kiosk.is_on():
            day.streak(hung.day, done=True)
    st.html(summing_up.hung(found, covers, True))
    with st.container(key="side-by-side-day"):
        with st.container(key="round-numbers"):
            counts = summing_up.counts(found) if found.with_crowd.trials else ""
            st.html(counts + summing_up.crowd_note(found) + summing_up.alone(found, True))
            next_wall(hung)
        keep(
            picture,
            f"wall-{hung.day}.png",
            _("Whoever opens the link is asked about the same six covers. It says no answer of yours."),
            f"{title}: {day.marks(found)}\n{link}",
        )
    links_to(others)


def everyones(hung: Wall) -> None:
    """The results of a past day, for whoever did not vote on it."""
    found, others = day.store().results(hung.covers), other_days(hung)
    with st.container(key="round-head"):
        shell.heading(day.title(hung.day), day.headline(None, day.crowd_with_machine(found)))
    if found:
        rows = "".join(
            f'<div class="card" style="--place:{place}">{prints.framed(day.stored_cover(one), size="wall")}<dl>'
            f"<div><dt>{escape(_('crowd'))}</dt><dd>{day.crowd_words(one)}</dd></div>"
            f"<div><dt>{escape(_('machine'))}</dt><dd>{summing_up.feeling(one.verdict.top)}</dd></div></dl></div>"
            for place, one in enumerate(found)
        )
        people = max(sum(one.people) for one in found)
        st.html(f'<div class="cards">{rows}</div>')
        st.html(
            f'<p class="quiet">{escape(ngettext("{n} visitor voted.", "{n} visitors voted.", people))}</p>'
        )
    links_to(others)


def next_wall(hung: Wall) -> None:
    """When there is something new."""
    if hung.day == day.today():
        hours = day.hours_left(hung.day)
        said = ngettext("The next wall hangs in {n} hour.", "The next wall hangs in {n} hours.", hours)
        st.html(f'<p class="quiet">{escape(said)}</p>')
    with st.container(key="onward", horizontal=True, vertical_alignment="center"):
        shell.link_to(shell.VOTE, _("Vote on more covers"))
        shell.link_to(shell.PEOPLE, _("See how everyone voted"))


def other_days(hung: Wall) -> list[date]:
    """Today and earlier days with a wall, but this one."""
    return [one for one in [day.today(), *day.store().before(day.today(), day.DAYS_BACK)] if one != hung.day]


def links_to(others: list[date]) -> None:
    """Links to today's wall and to earlier ones."""
    if not others:
        return
    st.html(f'<h2 class="row-title">{escape(_("Other days"))}</h2>')
    with st.container(key="days", horizontal=True):
        for one in others:
            label = _("Today’s wall") if one == day.today() else words.day(one)
            shell.link_to(shell.DAY, label, day=one.isoformat())


def take_waiting(box: VoteStore, who: str, hung: Wall) -> None:
    """Store the choice that waits for this wall, if there is one."""
    waiting = day.waits_for(hung.day)
    if waiting is None or not st.session_state.pop("cast-now", False):
        return
    try:
        ballot.cast(box, who, waiting, days.day_round_id(who, hung.day), label_asked=False)
    except ClosedError as error:
        ballot.take_back(str(error))
    except VoteError as error:
        st.session_state["not-stored"] = str(error)


def no_such_day() -> None:
    shell.heading(
        _("No wall to show"),
        _("No wall hung on that day. Perhaps a part of the link was cut off on its way here."),
    )
    shell.link_to(shell.DAY, _("Today’s wall"))


def closed(hung: Wall) -> None:
    late: str | None = st.session_state.pop("too-late", None)
    shell.heading(
        _("The wall of {day}", day=words.day(hung.day)),
        translate(late) if late else _("The exhibit is closed at the moment and takes no votes."),
    )
    links_to(other_days(hung))


def wall_of_the_day() -> None:
    asked = st.query_params.get(day.PARAMETER)
    shown = day.today() if asked is None else day.read_day(asked)
    if shown is None or not (day.hangs(shown) or day.waits_for(shown)):
        no_such_day()
        return
    # The day stands in the link, so that a round that begins before midnight stays on its wall.
    if asked is None:
        st.query_params[day.PARAMETER] = shown.isoformat()
    box, who, hung = shell.vote_store(), visitor.current(), day.wall(shown)
    take_waiting(box, who, hung)
    mine = box.votes(visitor=who)
    due, waiting = hung.due(mine), day.waits_for(shown)
    if due is None:
        yours(box, hung, mine)
        return
    can_go_on = shown == day.today() or hung.voted(mine) or waiting
    if not can_go_on or shell.exhibit().painter_of(due.generator) is None:
        everyones(hung)
    elif not ballot.curators().is_open():
        closed(hung)
    else:
        question(hung, mine, waiting.cover if waiting else due)


wall_of_the_day()
