"""The curator's room: who counts, what is asked, when it is open, the votes to take away, and how things stand.

There is none without ``ALBUMJUDGE_CURATOR_PASSWORD``.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from albumjudge.domain.cover import CoverLinkError
from albumjudge.domain.settings import Settings
from albumjudge.ui import health
from albumjudge.ui import shell as room
from albumjudge.ui.rooms.curation import (
    INSIDE,
    anchors,
    decisions,
    moment,
    safekeeping,
    said,
    sentence,
    submissions,
    terms,
    visitors,
    votes_to_take,
)
from albumjudge.voting.admin_password import AdminPassword, PleaseWaitError
from albumjudge.voting.database import VoteError
from albumjudge.voting.submissions import SubmissionStore

room.need_frame()

SOURCES = {"directory": "from a folder", "hub": "from the Hub", "bundled": "bundled"}


def door(password: str) -> None:
    """Ask for the password."""
    room.heading("Curator", "This room is for whoever looks after the exhibit.")
    with st.form("door", border=False, enter_to_submit=True), st.container(key="curator-door"):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        entered = st.form_submit_button("Enter", type="primary")
    if not entered:
        return
    try:
        if AdminPassword(room.engine(), password).admits(given):
            st.session_state[INSIDE] = True
            st.rerun()
        sentence("This is not the password.", alert=True)
    except PleaseWaitError as error:
        sentence(str(error), alert=True)


def opening() -> None:
    """Open and close the exhibit to votes."""
    mine = decisions()
    periods = mine.periods()
    if mine.is_open():
        now = (
            f"The exhibit is open: {periods[0].name}."
            if periods
            else "The exhibit is open, as it always was."
        )
        sentence(now)
        st.html(
            '<p class="quiet">When it is closed, covers can still be looked at, but no votes are taken: visitors '
            "are told so in a sentence.</p>"
        )
        if st.button("Close the exhibit", key="close"):
            mine.close()
            said("The exhibit is closed.")
    else:
        sentence("The exhibit is closed and takes no votes.")
        with st.form("open", border=False, clear_on_submit=True):
            name = st.text_input(
                "Name of the next period", placeholder="Long Night of Museums", max_chars=200
            )
            if st.form_submit_button("Open the exhibit", type="primary"):
                try:
                    mine.open(name)
                except ValueError as error:
                    sentence(str(error), alert=True)
                else:
                    said("The exhibit is open.")
    if periods:
        st.html('<h2 class="row-title">Periods</h2>')
        st.html(
            terms(
                [
                    (p.name, f"{moment(p.opened_at)} to {moment(p.closed_at) if p.closed_at else 'now'}")
                    for p in periods
                ]
            )
        )


def state() -> None:
    """How the exhibit is: models, database, what went wrong lately."""
    exhibit = room.exhibit()
    pairs = [
        ("painter" if kind == "generator" else "judge", f"{found.revision}, {SOURCES[found.source]}")
        for kind, found in exhibit.checkpoints.items()
    ]
    try:
        number, counts = room.vote_store().count(), SubmissionStore(room.engine()).count()
        kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[room.engine().dialect.name]
        pairs.append(("database", f"{kind}, can be reached, {number:,} {'vote' if number == 1 else 'votes'}"))
        pairs.append(
            (
                "pictures given by visitors",
                f"{counts.kept:,}, {counts.hidden:,} of them hidden; {counts.deleted:,} deleted",
            )
        )
    except VoteError as error:
        pairs.append(("database", str(error)))
    pairs.append(("Hub and folders", " ".join(exhibit.status()) or "All is as the settings ask."))
    st.html(terms(pairs))
    st.html('<h2 class="row-title">Lately</h2>')
    troubles = health.listen().latest()
    if not troubles:
        st.html('<p class="quiet">No warnings and no errors since the exhibit was started.</p>')
        return
    st.html(
        terms([(f"{moment(t.at)}, {t.where}, {t.level.lower()}", t.message) for t in troubles])
        + '<p class="quiet">Ids, addresses and what visitors typed are left out. The log of the server says '
        "more.</p>"
    )


SECTIONS: dict[str, Callable[[], None]] = {
    "Opening": opening,
    "Visitors": visitors,
    "Anchors": anchors,
    "Submissions": submissions,
    "Votes": votes_to_take,
    "State": state,
}


def curator() -> None:
    password = Settings.from_environment().curator_password
    if password is None:
        room.heading("Curator", "This exhibit has no curator’s room.")
        st.page_link(room.STAGE, label="To the stage")
        return
    if not st.session_state.get(INSIDE):
        door(password)
        return
    room.heading(
        "Curator", "What you decide here takes effect at once. All but a deleted picture can be taken back."
    )
    safekeeping()
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default="Opening",
        required=True,
        key="section",
        label_visibility="collapsed",
    )
    if done := st.session_state.pop("curator-said", None):
        st.html(f'<p class="done" role="status">{escape(done)}</p>')
    with st.container(key="curator"):
        try:
            SECTIONS[str(section)]()
        except CoverLinkError as error:
            sentence(str(error), alert=True)
    if st.button("Leave this room", key="leave-room", type="tertiary"):
        del st.session_state[INSIDE]
        st.rerun()


curator()
