"""What a curator does: leave visitors out, choose anchors, look through submissions, take the votes away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

import streamlit as st
from huggingface_hub import get_token

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import Settings
from albumjudge.export import dataset as vote_dataset
from albumjudge.export import hub_copy
from albumjudge.hub_upload import PublishError
from albumjudge.statistics import exclusions
from albumjudge.ui import markup, prints, shell
from albumjudge.ui.words import _, date_time, listed, ngettext, number, translate
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelStore, DuelVote
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.submissions import SubmissionStore
from albumjudge.voting.votes import StoredVote

INSIDE = "curator-inside"
AT_ONCE = 24
"""Submissions on one page."""
SHORT = 8
"""Digits of a visitor's id that tell visitors apart for the eye."""


def store() -> CurationStore:
    """The curator's decisions."""
    return CurationStore(shell.engine())


def done(sentence: str) -> None:
    """Say this after the page has been drawn anew."""
    st.session_state["curator-said"] = sentence
    st.rerun()


def attempt(work: Callable[[], object], sentence: str) -> None:
    """Do what may be refused with a sentence, and say what has been done."""
    try:
        work()
    except ValueError as error:
        markup.say(translate(str(error)), kind="sentence", role="alert")
    else:
        done(sentence)


def visitors() -> None:
    """Leave visitors out of the results, and let them in again."""
    mine, votes = store(), shell.vote_store().votes()
    choices = DuelStore(shell.engine()).votes(counted=False)
    cast = Counter(vote.visitor for vote in votes) + Counter(choice.visitor for choice in choices)
    every = mine.exclusions()
    left_out = [exclusion for exclusion in every if exclusion.lifted_at is None]
    markup.say(
        _(
            "Whoever is left out can still vote, and keeps every vote; the results do not count them, and say "
            "how many that are and why. Votes that only look odd may be honest: some people are quick, and "
            "some find the same feeling everywhere."
        ),
        kind="quiet wide",
    )
    st.html(markup.row_title(_("To look at")))
    found = exclusions.suspects(votes, {exclusion.visitor for exclusion in every}, choices)
    if not found:
        markup.say(_("Nobody votes too fast or always the same."))
    for suspect in found:
        how_many = ngettext(
            "{n} vote, within {seconds} seconds",
            "{n} votes, half of them within {seconds} seconds",
            suspect.votes,
            seconds=number(suspect.seconds, 1),
        )
        if _entry("exclude", suspect.visitor, suspect.reason, how_many, _("Leave out")):
            mine.exclude(suspect.visitor, suspect.reason)
            done(_("Visitor {id} is left out.", id=suspect.visitor[:SHORT]))
    st.html(markup.row_title(_("Left out")))
    if not left_out:
        markup.say(_("Nobody."))
    for one in left_out:
        since = ngettext(
            "{n} vote, since {when}",
            "{n} votes, since {when}",
            cast[one.visitor],
            when=date_time(one.excluded_at),
        )
        if _entry("lift", one.visitor, one.reason, since, _("Let in again")):
            mine.lift(one.visitor)
            done(_("Visitor {id} counts again.", id=one.visitor[:SHORT]))
    _by_hand(mine, [*votes, *choices], {exclusion.visitor for exclusion in left_out})


def _entry(key: str, visitor: str, reason: str, details: str, action: str) -> bool:
    """A visitor in a list, and whether the button beside them was pressed."""
    with st.container(key=f"listed-{visitor}", horizontal=True, vertical_alignment="center"):
        st.html(
            f'<p class="entry"><b>{visitor[:SHORT]}</b> {escape(translate(reason))}'
            f'<span class="quiet"> · {escape(details)}</span></p>'
        )
        return st.button(action, key=f"{key}-{visitor}")


def _by_hand(mine: CurationStore, votes: Sequence[StoredVote | DuelVote], left_out: set[str]) -> None:
    """Leave out someone whom nothing suggests, such as a school class's test device."""
    in_time = sorted(votes, key=lambda vote: vote.voted_at)
    last = {vote.visitor: vote for vote in in_time if vote.visitor not in left_out}
    if not last:
        return
    latest_first = sorted(last, key=lambda visitor: last[visitor].voted_at, reverse=True)
    st.html(markup.row_title(_("Somebody else")))
    with st.form("by-hand", border=False, clear_on_submit=True):
        visitor = st.selectbox(
            _("Visitor, the last to vote first"),
            latest_first,
            index=None,
            placeholder=_("Choose one"),
            format_func=lambda who: _(
                "{id}, last vote {when}", id=who[:SHORT], when=date_time(last[who].voted_at)
            ),
        )
        reason = st.text_input(_("Reason, as the results will say it"), max_chars=200)
        if not st.form_submit_button(_("Leave out")):
            return
        if visitor is None:
            markup.say(_("Choose a visitor first."), kind="sentence", role="alert")
            return
        attempt(lambda: mine.exclude(visitor, reason), _("Visitor {id} is left out.", id=visitor[:SHORT]))


def anchors() -> None:
    """Choose the covers that everyone is asked about."""
    mine, exhibit = store(), shell.exhibit()
    chosen = mine.anchors()
    revision = exhibit.painter.revision
    pool = [CoverIdentity(revision, seed) for seed in seeds.ballot_pool(revision)]
    elsewhere = [cover for cover in chosen if cover.generator != revision]
    offered = list(dict.fromkeys([*(c for c in chosen if c.generator == revision), *pool]))
    markup.say(
        _(
            "Anchors are covers that every visitor is asked about, whatever else they see: votes on the same "
            "covers are what visitors can be compared by. Four to twelve are a good number. Without any choice "
            "of yours, the exhibit takes the first of those that are up for a vote."
        ),
        kind="quiet wide",
    )
    if elsewhere:
        markup.say(
            ngettext(
                "One of the anchors is by an earlier painter and waits for its return. Saving lets go of it.",
                "{n} of the anchors are by an earlier painter and wait for its return. Saving lets go of them.",
                len(elsewhere),
            )
        )
    # The set is part of the keys, or a tick from before would outlive a set that was cleared.
    version = hash(tuple(chosen)) & 0xFFFFFF
    with st.form("anchors", border=False):
        with st.container(key="anchor-wall"):
            ticked = []
            for place, judged in enumerate(exhibit.show_each(offered)):
                identity = judged.cover.identity
                with st.container(key=f"anchor-{place}"):
                    st.html(
                        prints.framed(judged.cover, size="small", short=True, feeling=_(judged.verdict.top))
                    )
                    label = _("Anchor {cover}", cover=prints.number(judged.cover))
                    if st.checkbox(label, identity in chosen, key=f"tick-{version}-{identity}"):
                        ticked.append(identity)
        with st.container(key="anchor-buttons", horizontal=True):
            save = st.form_submit_button(_("Make these the anchors"), type="primary")
            clear = st.form_submit_button(_("Clear"))
    if save or clear:
        mine.set_anchors(ticked if save else [])
        many = len(ticked) if save else 0
        done(
            ngettext("{n} cover is an anchor now.", "{n} covers are anchors now.", many)
            if many
            else _("There are no chosen anchors any more.")
        )


def submissions() -> None:
    """Look through the pictures that visitors gave; hide one for a reason, and delete what is hidden."""
    given = SubmissionStore(shell.engine())
    count = given.count()
    markup.say(
        _(
            "Pictures that visitors brought and let the exhibit keep, 64 × 64 pixels each, the latest first. "
            "Whoever gave one reads your reason. Only a hidden picture can be deleted, and a deleted one is "
            "gone for good."
        ),
        kind="quiet wide",
    )
    if not count.kept:
        none = _("There is none at the moment.") if count.deleted else _("Nobody has given a picture yet.")
        markup.say(none, kind="sentence")
        return
    pages, page = -(-count.kept // AT_ONCE), 1
    if pages > 1:
        page = int(st.number_input(_("Page, 1 to {n}", n=pages), 1, pages, 1, key="submissions-page"))
    label = _("Reason, as whoever gave it will read it")
    reason = st.text_input(label, max_chars=200, key="submission-reason")
    with st.container(key="submission-wall"):
        for one in given.latest((page - 1) * AT_ONCE, AT_ONCE):
            picture, who = one.submission, one.visitor[:SHORT]
            state = _("from {id}", id=who) if one.hidden is None else _("Hidden: {reason}", reason=one.hidden)
            alt = _("Submission {number} by visitor {id}.", number=picture.id, id=who)
            with st.container(key=f"curated-{picture.id}"):
                st.html(
                    prints.brought(picture.png, alt, f"{date_time(picture.given_at)}. {state}", size="small")
                )
                _decide(given, picture.id, one.hidden is not None, reason)


def _decide(given: SubmissionStore, submission: int, hidden: bool, reason: str) -> None:
    """Hide a picture, or show it again, or delete it."""
    if not hidden:
        if st.button(_("Hide"), key=f"hide-{submission}"):
            attempt(
                lambda: given.hide(submission, reason), _("Submission {number} is hidden.", number=submission)
            )
        return
    if st.button(_("Show again"), key=f"show-{submission}"):
        given.show_again(submission)
        done(_("Submission {number} is hidden no longer.", number=submission))
    if st.button(_("Delete for good"), key=f"delete-{submission}"):
        given.delete(submission)
        done(_("Submission {number} is deleted.", number=submission))


def safekeeping() -> None:
    """Whether the votes outlive a restart, and when they were pushed to the Hub."""
    settings = Settings.from_environment()
    if problem := hub_copy.storage_problem(settings):
        markup.say(translate(problem), kind="sentence", role="alert")
    if settings.hub_push_minutes:
        votes, at = hub_copy.PushTurns(shell.engine()).last()
        how_often = _(
            "Votes are pushed to {place} every {minutes} minutes:",
            place=settings.hub_dataset,
            minutes=f"{settings.hub_push_minutes:g}",
        )
        when = (
            ngettext("last on {when}, {n} vote.", "last on {when}, {n} votes.", votes, when=date_time(at))
            if at
            else _("none yet.")
        )
        markup.say(f"{how_often} {when}")


def votes_to_take() -> None:
    """The votes as files, and as a data set on the Hub."""
    votes, excluded = shell.vote_store(), store().left_out()
    painters = PainterDuelStore(shell.engine())
    if not votes.count():
        markup.say(_("Nobody has voted yet, so there is nothing to take away."), kind="sentence")
        return
    markup.say(
        _(
            "One row per vote, anonymous: a hash stands for each visitor’s random id. Votes of visitors who "
            "are left out are among them, with the reason in a column of its own. Pictures that visitors gave "
            "are not: they leave the exhibit by no export."
        ),
        kind="quiet wide",
    )
    # Functions, so that the files are made when somebody wants them and not whenever the page is drawn.
    files: tuple[tuple[str, Callable[[], str | bytes], str], ...] = (
        (vote_dataset.CSV_FILE, lambda: vote_dataset.as_csv(votes.votes(), excluded), "text/csv"),
        (
            vote_dataset.PARQUET_FILE,
            lambda: vote_dataset.as_parquet(votes.votes(), excluded),
            "application/vnd.apache.parquet",
        ),
        (
            vote_dataset.PAINTERS_FILE,
            lambda: vote_dataset.painters_as_csv(painters.votes(counted=False), excluded),
            "text/csv",
        ),
        ("columns.md", vote_dataset.columns, "text/markdown"),
    )
    with st.container(key="take-away", horizontal=True):
        for name, made, kind in files:
            label = _("What the columns mean") if name == "columns.md" else _("Download {file}", file=name)
            st.download_button(label, made, name, kind, on_click="ignore")
    st.html(markup.row_title(_("To the Hub")))
    _to_the_hub(excluded)


def _to_the_hub(excluded: dict[str, str]) -> None:
    settings, token = Settings.from_environment(), get_token()
    wanted = (("ALBUMJUDGE_HUB_DATASET", settings.hub_dataset), ("HF_TOKEN", token))
    missing = [name for name, there in wanted if not there]
    if missing or settings.hub_dataset is None:
        markup.say(
            _(
                "The votes can be pushed to the Hugging Face Hub as a data set with its card. Set {names} for "
                "that and start the exhibit again.",
                names=listed(missing),
            )
        )
        return
    with st.form("push", border=False):
        licence = st.selectbox(
            _("What others may do with them"),
            list(vote_dataset.LICENCES),
            format_func=lambda name: translate(vote_dataset.LICENCES[name]),
        )
        public = st.checkbox(_("Everyone may see them. Otherwise the data set is private."))
        pushed = st.form_submit_button(_("Push to {place}", place=settings.hub_dataset))
    if not pushed:
        return
    try:
        with st.spinner(_("Pushing to {place} …", place=settings.hub_dataset)):
            pushed_as = vote_dataset.push(
                shell.vote_store().votes(),
                excluded,
                settings.hub_dataset,
                endpoint=settings.hub_endpoint,
                token=token,
                licence=str(licence),
                day=datetime.now(UTC),
                private=not public,
            )
    except PublishError as error:
        markup.say(translate(str(error)), kind="sentence", role="alert")
    else:
        where = {"address": pushed_as.url, "commit": pushed_as.commit[:SHORT]}
        markup.say(_("The votes are on the Hub: {address} at commit {commit}.", **where), kind="sentence")
