"""The wall of the day: which covers hang on it, a visitor's votes on it, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, read_png
from albumjudge.domain.emotions import EMOTIONS, NOTHING
from albumjudge.domain.settings import Settings
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.rounds import Summary
from albumjudge.ui import round_summary as summing_up
from albumjudge.ui import shell, visitor, words
from albumjudge.ui.rooms.ballot import Choice
from albumjudge.ui.words import _
from albumjudge.voting.days import DayCover, DayStore, day_round_id
from albumjudge.voting.rounds import CARDS, Round
from albumjudge.voting.votes import StoredVote, VoteStore

PARAMETER = "day"
DAYS_BACK = 14
"""Days whose results can be reached by the row of dates; older ones have their link."""
_SIGNS = {emotion.name: emotion.sign for emotion in EMOTIONS}
_STREAK = Path(__file__).with_name("streak.js")


@dataclass(frozen=True)
class Wall:
    """The six covers of a day."""

    day: date
    covers: tuple[CoverIdentity, ...]

    def voted(self, mine: Sequence[StoredVote]) -> tuple[StoredVote, ...]:
        """A visitor's votes on these covers, in the order of the wall."""
        by_cover = {vote.cover: vote for vote in mine}
        return tuple(by_cover[cover] for cover in self.covers if cover in by_cover)

    def due(self, mine: Sequence[StoredVote]) -> CoverIdentity | None:
        """The first cover that the visitor has not voted on."""
        seen = {vote.cover for vote in mine}
        return next((cover for cover in self.covers if cover not in seen), None)


def store() -> DayStore:
    """What was voted on walls of days."""
    return DayStore(shell.engine())


def today() -> date:
    """The day that it is for the exhibit."""
    return seeds.day_of(datetime.now(UTC), Settings.from_environment().time_zone)


def read_day(text: str) -> date | None:
    """The day in a link, ``2026-11-28``; None if there was or is no such day."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text and found <= today() else None


def hours_left(day: date) -> int:
    """Whole hours until the next wall, at least 1."""
    zone = Settings.from_environment().time_zone
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    return max(1, round((midnight - datetime.now(UTC)).total_seconds() / 3600))


def wall(day: date) -> Wall:
    """The wall of a day, painted by whoever painted it for the first visitor of that day.

    Where that painter is gone on the same day, the one that is here paints a new wall.
    """
    exhibit = shell.exhibit()
    first = store().painter(day)
    gone = first is None or (day == today() and exhibit.painter_of(first) is None)
    generator = exhibit.painter.revision if first is None or gone else first
    return Wall(day, tuple(CoverIdentity(generator, seed) for seed in seeds.wall_of_the_day(day, CARDS)))


def hangs(day: date) -> bool:
    """Whether a wall can be shown: that of today, or one of a past day on which somebody voted."""
    return day == today() or store().painter(day) is not None


def waits_for(day: date) -> Choice | None:
    """The visitor's choice on the wall of a day that is not known to be stored yet."""
    waiting: Choice | None = st.session_state.get("choice")
    wanted = waiting is not None and waiting.cover.seed in seeds.wall_of_the_day(day, CARDS)
    return waiting if wanted else None


def pictures(hung: Wall) -> list[Cover]:
    """The covers of a wall; of a painter that is gone those that people voted on."""
    try:
        return [judged.cover for judged in shell.exhibit().show_each(hung.covers)]
    except CoverLinkError:
        return [stored_cover(found) for found in store().results(hung.covers)]


def summary(box: VoteStore, hung: Wall, mine: list[StoredVote]) -> Summary:
    """What came of a visitor's round on a wall."""
    this = Round(day_round_id(visitor.current(), hung.day), hung.voted(mine))
    tallies = {cover: box.crowd(cover, without=visitor.current()) for cover in hung.covers}
    found = round_summaries.summarise(this, mine, tallies)
    assert found is not None
    return found


def crowd_with_machine(found: Sequence[DayCover]) -> Share:
    """Covers on which most visitors felt what the machine feels, of those where a crowd felt something."""
    known = [(crowd, one.verdict.top) for one in found if (crowd := round_summaries.crowd(one.people))]
    return Share(sum(crowd == top for crowd, top in known), len(known))


def stored_cover(found: DayCover) -> Cover:
    """The picture that people voted on."""
    return read_png(found.identity, found.png)


def title(day: date) -> str:
    """``The wall of 28 November 2026``"""
    return _("The wall of {day}", day=words.day(day))


def headline(you: Share | None, crowd: Share, cards: int = CARDS) -> str:
    """``You and the machine agreed on 4 of 6, the crowd and the machine on 3.``"""

    def of(share: Share) -> str:
        return _("{n} of {all}", n=share.successes, all=share.trials)

    if you is None:
        if not crowd.trials:
            return _("Too few came to say what the crowd felt.")
        return _("The crowd and the machine agreed on {crowd}.", crowd=of(crowd))
    if not crowd.trials:
        return _("You and the machine agreed on {yours}.", yours=of(you))
    return _(
        "You and the machine agreed on {yours}, the crowd and the machine on {crowd}.",
        yours=of(you),
        crowd=str(crowd.successes) if crowd.trials == cards else of(crowd),
    )


def marks(found: Summary) -> str:
    """The round without a spoiler: a full mark for each cover on which both felt the same."""
    return "".join("●" if one.vote.felt == one.vote.verdict.top else "○" for one in found.cards)


@st.cache_resource
def _streak() -> Any:
    """The script, registered once per process."""
    return st.components.v2.component(
        "albumjudge_streak", js=_STREAK.read_text(encoding="utf-8"), isolate_styles=False
    )


def streak(day: date, *, done: bool) -> None:
    """How many days in a row this browser has voted; it alone knows."""
    _streak()(
        key="streak",
        data={
            "day": day.isoformat(),
            "today": today().isoformat(),
            "done": done,
            "first": _("Day one. Come back tomorrow, and it is two in a row."),
            "many": _("{n} days in a row.").replace("{n}", "#"),
            "waits": _("{n} days in a row so far; today’s wall would be the next.").replace("{n}", "#"),
        },
    )


def strip(hung: Wall, voted: Sequence[StoredVote], due: CoverIdentity) -> str:
    """HTML of six tiles: what was felt so far, which cover is due, and what is to come."""
    felt = {vote.cover: vote.felt for vote in voted}
    tiles = ""
    for cover in hung.covers:
        name = felt.get(cover)
        place = "done" if name else "here" if cover == due else "due"
        tiles += f'<i class="{place} hue-{name or NOTHING}">{_SIGNS.get(name, "–") if name else ""}</i>'
    said = _("{n} of {all}", n=len(voted) + 1, all=len(hung.covers))
    return f'<p class="strip"><span>{escape(said)}</span><span aria-hidden="true">{tiles}</span></p>'


def crowd_words(found: DayCover) -> str:
    """HTML of what most visitors felt, or that they were too few or torn."""
    crowd = round_summaries.crowd(found.people)
    if crowd is not None:
        return summing_up.feeling(crowd)
    torn = sum(found.people) >= round_summaries.A_CROWD
    return f'<span class="none">{escape(_("torn") if torn else _("too few"))}</span>'
