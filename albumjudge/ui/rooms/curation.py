"""What a curator does: leave visitors out, choose anchors, look through submissions, take the votes away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import streamlit as st
from huggingface_hub import get_token

from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import Settings
from albumjudge.export import dataset as vote_dataset
from albumjudge.export import hub_copy
from albumjudge.hub_upload import PublishError
from albumjudge.statistics import vote_quality
from albumjudge.ui import prints
from albumjudge.ui import shell as room
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelStore, DuelVote
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.submissions import SubmissionStore
from albumjudge.voting.votes import StoredVote

INSIDE = "curator-inside"


AT_ONCE = 24


SHORT = 8
"""Digits of a visitor's id that tell visitors apart for the eye."""


def decisions() -> CurationStore:
    return CurationStore(room.engine())


def said(sentence: str) -> None:
    """Say this after the page has been drawn anew."""
    st.session_state["curator-said"] = sentence
    st.rerun()


def sentence(words: str, *, alert: bool = False) -> None:
    st.html(f'<p class="sentence"{" role=alert" if alert else ""}>{escape(words)}</p>')


def moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%d %b %Y, %H:%M} UTC"


def terms(pairs: Sequence[tuple[str, str]]) -> str:
    return (
        '<dl class="terms list">'
        + "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in pairs)
        + "</dl>"
    )


def visitors() -> None:
    """Leave visitors out of the results, and let them in again."""
    mine, votes = decisions(), room.vote_store().votes()
    choices = DuelStore(room.engine()).votes(counted=False)
    cast = Counter(vote.visitor for vote in votes) + Counter(choice.visitor for choice in choices)
    every = mine.exclusions()
    left_out = [exclusion for exclusion in every if exclusion.lifted_at is None]
    st.html(
        '<p class="quiet wide">Whoever is left out can still vote, and keeps every vote; the results do not '
        "count them, and say how many that are and why. Votes that only look odd may be honest: some people are "
        "quick, and some find the same feeling everywhere.</p>"
    )
    st.html('<h2 class="row-title">To look at</h2>')
    found = vote_quality.suspects(votes, {exclusion.visitor for exclusion in every}, choices)
    if not found:
        st.html('<p class="quiet">Nobody votes too fast or always the same.</p>')
    for suspect in found:
        with st.container(key=f"suspect-{suspect.visitor}", horizontal=True, vertical_alignment="center"):
            many = "vote" if suspect.votes == 1 else "votes"
            st.html(
                f'<p class="entry"><b>{suspect.visitor[:SHORT]}</b> {escape(suspect.reason)}'
                f'<span class="quiet"> · {suspect.votes} {many}, half of them within {suspect.seconds:.1f} '
                "seconds</span></p>"
            )
            if st.button("Leave out", key=f"exclude-{suspect.visitor}"):
                mine.exclude(suspect.visitor, suspect.reason)
                said(f"Visitor {suspect.visitor[:SHORT]} is left out.")
    st.html('<h2 class="row-title">Left out</h2>')
    if not left_out:
        st.html('<p class="quiet">Nobody.</p>')
    for exclusion in left_out:
        many = "vote" if cast[exclusion.visitor] == 1 else "votes"
        with st.container(key=f"excluded-{exclusion.visitor}", horizontal=True, vertical_alignment="center"):
            st.html(
                f'<p class="entry"><b>{exclusion.visitor[:SHORT]}</b> {escape(exclusion.reason)}'
                f'<span class="quiet"> · {cast[exclusion.visitor]} {many}, since '
                f"{moment(exclusion.excluded_at)}</span></p>"
            )
            if st.button("Let in again", key=f"lift-{exclusion.visitor}"):
                mine.lift(exclusion.visitor)
                said(f"Visitor {exclusion.visitor[:SHORT]} counts again.")
    by_hand(mine, [*votes, *choices], {exclusion.visitor for exclusion in left_out})


def by_hand(mine: CurationStore, votes: Sequence[StoredVote | DuelVote], left_out: set[str]) -> None:
    """Leave out someone whom nothing suggests, such as a school class's test device."""
    in_time = sorted(votes, key=lambda vote: vote.voted_at)
    last = {vote.visitor: vote for vote in in_time if vote.visitor not in left_out}
    if not last:
        return
    latest_first = sorted(last, key=lambda visitor: last[visitor].voted_at, reverse=True)
    st.html('<h2 class="row-title">Somebody else</h2>')
    with st.form("by-hand", border=False, clear_on_submit=True):
        visitor = st.selectbox(
            "Visitor, the last to vote first",
            latest_first,
            index=None,
            placeholder="Choose one",
            format_func=lambda who: f"{who[:SHORT]}, last vote {moment(last[who].voted_at)}",
        )
        reason = st.text_input("Reason, as the results will say it", max_chars=200)
        if not st.form_submit_button("Leave out"):
            return
        if visitor is None:
            sentence("Choose a visitor first.", alert=True)
            return
        try:
            mine.exclude(visitor, reason)
        except ValueError as error:
            sentence(str(error), alert=True)
        else:
            said(f"Visitor {visitor[:SHORT]} is left out.")


def anchors() -> None:
    """Choose the covers that everyone is asked about."""
    mine, exhibit = decisions(), room.exhibit()
    chosen = mine.anchors()
    revision = exhibit.painter.revision
    pool = [CoverIdentity(revision, seed) for seed in hanging.ballot_pool(revision)]
    elsewhere = [cover for cover in chosen if cover.generator != revision]
    offered = list(dict.fromkeys([*(c for c in chosen if c.generator == revision), *pool]))
    st.html(
        '<p class="quiet wide">Anchors are covers that every visitor is asked about, whatever else they see: '
        "votes on the same covers are what visitors can be compared by. Four to twelve are a good number. "
        "Without any choice of yours, the exhibit takes the first of those that are up for a vote.</p>"
    )
    if elsewhere:
        st.html(
            f'<p class="quiet">{len(elsewhere)} of the anchors are by an earlier generator and wait for its '
            "return. Saving lets go of them.</p>"
        )
    # The set is part of the keys, or a tick from before would outlive a set that was cleared.
    version = hash(tuple(chosen)) & 0xFFFFFF
    with st.form("anchors", border=False):
        with st.container(key="anchor-wall"):
            ticked = []
            for place, judged in enumerate(exhibit.show_each(offered)):
                identity = judged.cover.identity
                with st.container(key=f"anchor-{place}"):
                    st.html(prints.framed(judged.cover, size="small", short=True, feeling=judged.verdict.top))
                    if st.checkbox(
                        f"Anchor No. {identity.number}", identity in chosen, key=f"tick-{version}-{identity}"
                    ):
                        ticked.append(identity)
        with st.container(key="anchor-buttons", horizontal=True):
            save = st.form_submit_button("Make these the anchors", type="primary")
            clear = st.form_submit_button("Clear")
    if save or clear:
        mine.set_anchors(ticked if save else [])
        number = len(ticked) if save else 0
        said(
            f"{number} {'cover is an anchor' if number == 1 else 'covers are anchors'} now."
            if number
            else "There are no chosen anchors any more."
        )


def submissions() -> None:
    """Look through the pictures that visitors gave; hide one for a reason, and delete what is hidden."""
    store = SubmissionStore(room.engine())
    counts = store.count()
    st.html(
        '<p class="quiet wide">Pictures that visitors brought and let the exhibit keep, 64 × 64 pixels each, the '
        "latest first. Whoever gave one reads your reason. Only a hidden picture can be deleted, and a deleted "
        "one is gone for good.</p>"
    )
    if not counts.kept:
        sentence("Nobody has given a picture yet." if not counts.deleted else "There is none at the moment.")
        return
    pages = -(-counts.kept // AT_ONCE)
    page = 1
    if pages > 1:
        page = int(st.number_input(f"Page, 1 to {pages}", 1, pages, 1, key="submissions-page"))
    reason = st.text_input("Reason, as whoever gave it will read it", max_chars=200, key="submission-reason")
    with st.container(key="submission-wall"):
        for one in store.latest((page - 1) * AT_ONCE, AT_ONCE):
            picture, who = one.submission, one.visitor[:SHORT]
            state_now = f"Hidden: {one.hidden}" if one.hidden is not None else f"from {who}"
            words = f"{moment(picture.given_at)}. {state_now}"
            with st.container(key=f"curated-{picture.id}"):
                st.html(
                    prints.brought(
                        picture.png, f"Submission {picture.id} by visitor {who}.", words, size="small"
                    )
                )
                if one.hidden is None:
                    if st.button("Hide", key=f"hide-{picture.id}"):
                        hide(store, picture.id, reason)
                else:
                    if st.button("Show again", key=f"show-{picture.id}"):
                        store.show_again(picture.id)
                        said(f"Submission {picture.id} is hidden no longer.")
                    if st.button("Delete for good", key=f"delete-{picture.id}"):
                        store.delete(picture.id)
                        said(f"Submission {picture.id} is deleted.")


def hide(store: SubmissionStore, submission: int, reason: str) -> None:
    try:
        store.hide(submission, reason)
    except ValueError as error:
        sentence(str(error), alert=True)
    else:
        said(f"Submission {submission} is hidden.")


def safekeeping() -> None:
    """Whether the votes outlive a restart, and when they were pushed to the Hub."""
    settings = Settings.from_environment()
    if problem := hub_copy.storage_problem(settings):
        sentence(problem, alert=True)
    if settings.hub_push_minutes:
        last = hub_copy.PushTurns(room.engine()).last()
        when = f"last {moment(last.at)}, {last.votes:,} votes" if last.at else "none yet"
        st.html(
            f'<p class="quiet">Votes are pushed to {escape(str(settings.hub_dataset))} every '
            f"{settings.hub_push_minutes} minutes: {when}.</p>"
        )


def votes_to_take() -> None:
    """The votes as files, and as a data set on the Hub."""
    box, excluded = room.vote_store(), decisions().left_out()
    painters = PainterDuelStore(room.engine())
    if not box.count():
        sentence("Nobody has voted yet, so there is nothing to take away.")
        return
    st.html(
        '<p class="quiet wide">One row per vote, anonymous: a hash stands for each visitor’s random id. Votes of '
        "visitors who are left out are among them, with the reason in a column of its own. Pictures that "
        "visitors gave are not: they leave the exhibit by no export.</p>"
    )
    with st.container(key="take-away", horizontal=True):
        # Functions, so that the files are made when somebody wants them and not whenever the page is drawn.
        st.download_button(
            "Download votes.csv",
            lambda: vote_dataset.as_csv(box.votes(), excluded),
            vote_dataset.CSV_FILE,
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "Download votes.parquet",
            lambda: vote_dataset.as_parquet(box.votes(), excluded),
            vote_dataset.PARQUET_FILE,
            "application/vnd.apache.parquet",
            on_click="ignore",
        )
        st.download_button(
            "Download painters.csv",
            lambda: vote_dataset.painters_as_csv(painters.votes(counted=False), excluded),
            vote_dataset.PAINTERS_FILE,
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "What the columns mean",
            vote_dataset.columns(),
            "columns.md",
            "text/markdown",
            on_click="ignore",
        )
    st.html('<h2 class="row-title">To the Hub</h2>')
    to_the_hub(excluded)


def to_the_hub(excluded: dict[str, str]) -> None:
    settings, token = Settings.from_environment(), get_token()
    missing = [
        name
        for name, there in (("ALBUMJUDGE_HUB_DATASET", settings.hub_dataset), ("HF_TOKEN", token))
        if not there
    ]
    if missing or settings.hub_dataset is None:
        st.html(
            '<p class="quiet">The votes can be pushed to the Hugging Face Hub as a data set with its card. Set '
            f"{escape(' and '.join(missing))} for that and start the exhibit again.</p>"
        )
        return
    with st.form("push", border=False):
        licence = st.selectbox(
            "What others may do with them",
            list(vote_dataset.LICENCES),
            format_func=lambda name: vote_dataset.LICENCES[name],
        )
        public = st.checkbox("Everyone may see them. Otherwise the data set is private.")
        pushed = st.form_submit_button(f"Push to {settings.hub_dataset}")
    if not pushed:
        return
    try:
        with st.spinner(f"Pushing to {settings.hub_dataset} ..."):
            done = vote_dataset.push(
                room.vote_store().votes(),
                excluded,
                settings.hub_dataset,
                endpoint=settings.hub_endpoint,
                token=token,
                licence=str(licence),
                day=datetime.now(UTC),
                private=not public,
            )
    except PublishError as error:
        sentence(str(error), alert=True)
    else:
        sentence(f"The votes are on the Hub: {done.url} at commit {done.commit[:SHORT]}.")
