"""The curator's room: who counts, what is asked, when it is open, the votes to take away, and how things stand.

There is none without ``ALBUMJUDGE_CURATOR_PASSWORD``.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from albumjudge.domain.cover import CoverLinkError
from albumjudge.domain.settings import Settings
from albumjudge.ui import health, markup, shell
from albumjudge.ui.rooms import ballot
from albumjudge.ui.rooms.curation import (
    INSIDE,
    anchors,
    attempt,
    done,
    safekeeping,
    store,
    submissions,
    visitors,
    votes_to_take,
)
from albumjudge.ui.words import N_, _, date_time, ngettext, number, translate
from albumjudge.voting.curation import AdminPassword, PleaseWaitError
from albumjudge.voting.database import VoteError
from albumjudge.voting.submissions import SubmissionStore

shell.need_frame()

SOURCES = {"directory": N_("from a folder"), "hub": N_("from the Hub"), "bundled": N_("bundled")}


def door(password: str) -> None:
    """Ask for the password."""
    shell.heading(_("Curator"), _("This room is for whoever looks after the exhibit."))
    with st.form("door", border=False, enter_to_submit=True), st.container(key="curator-door"):
        given = st.text_input(_("Password"), type="password", autocomplete="current-password")
        entered = st.form_submit_button(_("Enter"), type="primary")
    if not entered:
        return
    try:
        if AdminPassword(shell.engine(), password).admits(given):
            st.session_state[INSIDE] = True
            st.rerun()
        refused = _("This is not the password.")
    except PleaseWaitError as error:
        refused = translate(str(error))
    markup.say(refused, kind="sentence", role="alert")


def opening() -> None:
    """Open and close the exhibit to votes."""
    mine = store()
    periods = mine.periods()
    if mine.is_open():
        now = (
            _("The exhibit is open: {period}.", period=periods[0].name)
            if periods
            else _("The exhibit is open, as it always was.")
        )
        markup.say(now, kind="sentence")
        markup.say(
            _(
                "When it is closed, covers can still be looked at, but no votes are taken: visitors are told "
                "so in a sentence."
            )
        )
        if st.button(_("Close the exhibit"), key="close"):
            mine.close()
            done(_("The exhibit is closed."))
    else:
        markup.say(_("The exhibit is closed and takes no votes."), kind="sentence")
        with st.form("open", border=False, clear_on_submit=True):
            name = st.text_input(
                _("Name of the next period"), placeholder=_("Long Night of Museums"), max_chars=200
            )
            if st.form_submit_button(_("Open the exhibit"), type="primary"):
                attempt(lambda: mine.open(name), _("The exhibit is open."))
    if periods:
        st.html(markup.row_title(_("Periods")))
        st.html(
            markup.terms(
                [
                    (
                        period.name,
                        _(
                            "{start} to {end}",
                            start=date_time(period.opened_at),
                            end=date_time(period.closed_at) if period.closed_at else _("now"),
                        ),
                    )
                    for period in periods
                ],
                "list",
            )
        )


def state() -> None:
    """How the exhibit is: models, database, what went wrong lately."""
    exhibit = shell.exhibit()
    kinds = {"generator": _("painter"), "judge": _("judge")}
    pairs = [
        (kinds[kind], f"{found.revision}, {_(SOURCES[found.source])}")
        for kind, found in exhibit.checkpoints.items()
    ]
    try:
        votes, given = shell.vote_store().count(), SubmissionStore(shell.engine()).count()
        kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[shell.engine().dialect.name]
        reached = ngettext(
            "{kind}, can be reached, {n} vote", "{kind}, can be reached, {n} votes", votes, kind=kind
        )
        pairs.append((_("database"), reached))
        kept = _(
            "{kept}, {hidden} of them hidden; {deleted} deleted",
            kept=number(given.kept),
            hidden=number(given.hidden),
            deleted=number(given.deleted),
        )
        pairs.append((_("pictures given by visitors"), kept))
    except VoteError as error:
        pairs.append((_("database"), translate(str(error))))
    status = " ".join(map(translate, exhibit.status()))
    pairs.append((_("Hub and folders"), status or _("All is as the settings ask.")))
    st.html(markup.terms(pairs, "list"))
    st.html(markup.row_title(_("Lately")))
    troubles = health.listen().latest()
    if not troubles:
        markup.say(_("No warnings and no errors since the exhibit was started."))
        return
    st.html(
        markup.terms(
            [(f"{date_time(t.at)}, {t.where}, {t.level.lower()}", t.message) for t in troubles], "list"
        )
    )
    markup.say(
        _("Ids, addresses and what visitors typed are left out. The log of the server says more, in English.")
    )


SECTIONS: dict[str, Callable[[], None]] = {
    N_("Opening"): opening,
    N_("Visitors"): visitors,
    N_("Anchors"): anchors,
    N_("Submissions"): submissions,
    N_("Votes"): votes_to_take,
    N_("State"): state,
}


def up_for_a_vote() -> None:
    """Covers that visitors are asked about, below what fills no screen."""
    st.html(markup.row_title(_("Up for a vote")))
    ballot.wait_on_a_wall(shell.vote_store(), [])


def curator() -> None:
    password = Settings.from_environment().curator_password
    if password is None:
        shell.heading(_("Curator"), _("This exhibit has no curator’s room."))
        shell.link_to(shell.STAGE, _("To the stage"))
        return
    if not st.session_state.get(INSIDE):
        door(password)
        up_for_a_vote()
        return
    shell.heading(
        _("Curator"),
        _("What you decide here takes effect at once. All but a deleted picture can be taken back."),
    )
    safekeeping()
    section = st.segmented_control(
        _("Section"),
        list(SECTIONS),
        default="Opening",
        format_func=_,
        required=True,
        key="section",
        label_visibility="collapsed",
    )
    if sentence := st.session_state.pop("curator-said", None):
        markup.say(sentence, kind="done", role="status")
    with st.container(key="curator"):
        try:
            SECTIONS[str(section)]()
        except CoverLinkError as error:
            markup.say(translate(str(error)), kind="sentence", role="alert")
    if section != "Anchors":  # It shows them itself.
        up_for_a_vote()
    if st.button(_("Leave this room"), key="leave-room", type="tertiary"):
        del st.session_state[INSIDE]
        st.rerun()


curator()
