"""People vs. machine: what the votes say, as a story first; all the statistics one level deeper."""

from __future__ import annotations

import streamlit as st

from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.statistics import exclusions
from albumjudge.statistics.story import Story
from albumjudge.ui import charts, markup, prints, shell
from albumjudge.ui.rooms import ballot, in_depth, results
from albumjudge.ui.words import _, ngettext, number

shell.need_frame()

COUNT_AGAIN = 15
"""Seconds between two looks at how many have voted."""


@st.fragment(run_every=COUNT_AGAIN)
def counter(counted: int, left_out: int) -> None:
    """How many votes the page tells of, and how many have come since."""
    since = max(0, shell.vote_store().count() - counted - left_out)
    said = ngettext("{n} vote so far", "{n} votes so far", counted)
    if since:
        said += f", {_('{n} more since you came', n=number(since))}"
    with st.container(key="counter", horizontal=True, vertical_alignment="center"):
        markup.say(f"{said}.", role="status")
        if since and st.button(_("Count them, too"), key="count-again", type="tertiary"):
            st.rerun()


def picture(story: Story) -> None:
    """Covers by how pleasant people and machine find them, and the one that was touched."""
    with st.container(key="story"):
        with st.container(key="story-picture"):
            markup.say(
                _(
                    "Each mark is a cover: further right, more people felt something pleasant; further up, the "
                    "machine did. Touch one."
                )
            )
            chosen = st.altair_chart(
                charts.covers_by_pleasantness(story),
                theme=None,
                on_select="rerun",
                selection_mode=charts.SELECTED,
                key="story-chart",
            )
        with st.container(key="story-cover"):
            touched(story, chosen)


def touched(story: Story, chosen: object) -> None:
    """The cover that was touched last; at first the one that people voted on most."""
    link = results.selected(chosen)
    point = next((point for point in story.points if str(point.cover) == link), None)
    point = point or max(story.points, key=lambda one: one.people.trials)
    stored = shell.vote_store().stored_cover(point.cover)
    if stored is None:
        return
    st.html(
        prints.framed(
            read_png(point.cover, stored[0]),
            size="wall",
            feeling=_("people: {people} · machine: {machine}", people=_(point.felt), machine=_(point.said)),
            note=_(
                "{n} of {all} votes for something pleasant", n=point.people.successes, all=point.people.trials
            ),
        )
    )
    if shell.exhibit().painter_of(CoverIdentity.parse(str(point.cover)).generator) is not None:
        shell.link_to(shell.STAGE, _("Look closer"), cover=str(point.cover))


def in_short(story: Story) -> None:
    """One sentence, one picture, three findings."""
    st.html(f'<p class="finding">{results.headline(story)}</p>')
    if story.points:
        picture(story)
    found = "".join(
        f'<section class="{"faint" if one.faint else ""}"><h2>{one.title}</h2>'
        f"{markup.paragraph(one.sentence, 'says')}{markup.paragraph(one.doubt)}</section>"
        for one in results.three_findings(story)
    )
    st.html(f'<div class="three">{found}</div>')


def nothing_yet(sentence: str) -> None:
    shell.heading(_("People vs. machine"), sentence)
    shell.link_to(shell.VOTE, _("Vote on a cover"))
    ballot.wait_on_a_wall(shell.vote_store(), [])
    in_depth.dialogue_if_any()


def people_vs_machine() -> None:
    everything, excluded = shell.vote_store().votes(), results.left_out()
    if not everything:
        nothing_yet(_("Nobody has voted yet, so there is nothing to compare. Be the first."))
        return
    reasons = exclusions.reasons_now(everything, excluded)
    if st.session_state.get(in_depth.EARLIER):
        reasons.pop(exclusions.EARLIER_GENERATOR, None)
    sifted = exclusions.sift(everything, reasons)
    votes = sifted.counted
    if not votes:
        nothing_yet(_("All votes so far are left out, so there is nothing to compare."))
        in_depth.left_out(sifted, everything)
        return
    with st.container(key="story-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="story-words"):
            shell.heading(_("People vs. machine"), _("Do people feel what the machine feels?"))
        counter(len(votes), len(everything) - len(votes))
    found = results.found(results.state_of(votes, excluded), votes)
    in_short(found)

    def not_counted() -> None:
        in_depth.left_out(sifted, everything)
        in_depth.for_curators()

    markup.one_open(
        _("Ask the votes"),
        {
            "agree": (_("Do they agree?"), lambda: in_depth.agreement_at_large(found)),
            "emotions": (_("Who feels what?"), lambda: in_depth.emotions_felt(found)),
            "emotion": (_("One emotion"), lambda: in_depth.one_emotion(found)),
            "covers": (_("On which covers?"), lambda: in_depth.cover_by_cover(found)),
            "percentages": (_("Are its percentages right?"), lambda: in_depth.percentages(found)),
            "dialogue": (_("Does the dialogue work?"), in_depth.dialogue),
            "left-out": (_("What is not counted?"), not_counted),
        },
        "all",
    )


people_vs_machine()
