"""What the votes say, worked out once for all visitors, as tables and prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge.domain.cover import read_png
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.statistics import agreement, duel_findings, findings, story
from albumjudge.statistics.agreement import CoverAgreement, Share, Summary
from albumjudge.statistics.by_emotion import EmotionOnCover
from albumjudge.statistics.duel_findings import DuelFindings
from albumjudge.statistics.findings import Figure, Findings
from albumjudge.statistics.story import Story, Temperament
from albumjudge.ui import charts, prints
from albumjudge.ui import shell as room
from albumjudge.ui.evidence import decimal, percent, points
from albumjudge.ui.figures import needs
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelVote
from albumjudge.voting.votes import StoredVote, VoteStore

MOST_COVERS = 4
"""Covers in a row of one emotion."""


SIGNS = {e.name: e.sign for e in EMOTIONS}


@st.cache_data(show_spinner="Counting the votes ...", max_entries=4)
def worked_out(key: tuple[object, ...], _votes: Sequence[StoredVote]) -> Findings:
    """The findings, kept until a vote or an answer is added; ``key`` is from :func:`state_of`."""
    return findings.find(_votes)


@st.cache_data(show_spinner=False, max_entries=4)
def worked_out_of_pairs(key: tuple[object, ...], _votes: Sequence[DuelVote]) -> DuelFindings:
    """What the choices between pairs say, kept until there is another; a choice never changes."""
    return duel_findings.find(_votes)


@st.cache_data(show_spinner=False, max_entries=4)
def told(key: tuple[object, ...], _votes: Sequence[StoredVote]) -> Story:
    """The story, kept as :func:`worked_out` is."""
    return story.tell(_votes)


def left_out() -> dict[str, str]:
    """Visitors whom the curator leaves out, with the reasons."""
    return CurationStore(room.engine()).left_out()


def most_felt(votes: Sequence[StoredVote]) -> str:
    """The emotion that people felt most often."""
    return max(charts.ON_SIDES, key=lambda name: sum(vote.felt == name for vote in votes))


def selected(chosen: object) -> str | None:
    """Link of the cover that was touched in the picture, from what the chart gave."""
    rows = getattr(getattr(chosen, "selection", None), charts.SELECTED, None) or []
    return str(rows[0].get("link", "")) if rows else None


def headline(found: Story) -> str:
    """HTML of the story in one sentence."""
    same, chance = found.agreement.share, found.agreement.chance
    in_ten = round(10 * (same.value or 0.0))
    often = {0: "hardly ever", 10: "nearly always"}.get(in_ten, f"in about <b>{in_ten} of 10</b> votes")
    beside = found.agreement.excess.beside(0)
    verdict = {
        1: f"more often than chance alone would have it ({percent(chance.value or 0.0)})",
        -1: f"less often than chance alone would have it ({percent(chance.value or 0.0)})",
    }.get(beside or 0, "which cannot be told from chance so far")
    early = (
        f" It is early: below {findings.FEWEST_VOTES} votes this is a first glimpse." if found.faint else ""
    )
    return f"People and machine feel the same {often}, {verdict}.{early}"


@dataclass(frozen=True)
class InShort:
    """One finding in plain words; ``faint`` while it rests on too little."""

    title: str
    sentence: str
    doubt: str
    faint: bool


def three_findings(found: Story) -> list[InShort]:
    """What the story tells beside its picture, each with its doubt."""
    return [_pleasant(found.pleasantness), _temper(found.temperament), _polite(found.politeness.difference)]


def _pleasant(figure: Figure) -> InShort:
    sentence = {
        1: "What people find pleasant, the machine tends to find pleasant, too.",
        -1: "What people find pleasant, the machine tends to find unpleasant.",
    }.get(figure.beside(0) or 0, "Whether both find the same covers pleasant cannot be told yet.")
    return InShort(
        "Pleasant or not", sentence, doubt("Rank correlation", figure, decimal, "covers"), bool(figure.unmet)
    )


def _temper(found: Temperament | None) -> InShort:
    title = "Two temperaments"
    if found is None:
        return InShort(title, "Nobody has felt one of the eight yet.", "", True)
    side = found.difference.beside(0)
    more, less = (
        ("People feel", "the machine")
        if (found.difference.value or 0) > 0
        else ("The machine feels", "people")
    )
    sentence = f"{more} {found.emotion} more often than {less}."
    if not side:
        sentence = f"They differ most about {found.emotion}, but that may be chance."
    return InShort(
        title, sentence, doubt("Difference", found.difference, points, "votes"), bool(found.difference.unmet)
    )


def _polite(figure: Figure) -> InShort:
    sentence = {
        1: "People agree with the machine’s label more often than with a random one: not out of mere politeness.",
        -1: "People agree less often with the machine’s label than with a random one.",
    }.get(
        figure.beside(0) or 0, "Whether people agree with the machine or are just polite cannot be told yet."
    )
    return InShort("Politeness", sentence, doubt("Difference", figure, points, "answers"), bool(figure.unmet))


def doubt(what: str, figure: Figure, show: Callable[[float], str], of: str) -> str:
    """A number with its interval, or what it still needs."""
    if figure.value is None or figure.unmet:
        return needs(figure.unmet)
    reach = figure.interval
    spread = f", 95 % interval {show(reach.low)} to {show(reach.high)}" if reach else ", no interval yet"
    unit = " points" if show is points else ""
    return f"{what} {show(figure.value)}{unit}{spread}, from {figure.n:,} {of}."


def state_of(votes: Sequence[StoredVote], excluded: Iterable[str]) -> tuple[object, ...]:
    """Tells two states of the votes apart without comparing every vote."""
    answers = sum(vote.agrees is not None for vote in votes)
    last = (votes[-1].visitor, str(votes[-1].cover)) if votes else ()
    return (len(votes), answers, *last, *sorted(excluded))


def counted(number: int, one: str, many: str) -> str:
    return f"<div><dt>{one if number == 1 else many}</dt><dd>{number:,}</dd></div>"


def span(share: Share) -> str:
    """The interval in words: "between 12 % and 40 %"."""
    return f"between {percent(share.interval.low)} and {percent(share.interval.high)}"


def counts(numbers: Summary) -> str:
    return (
        '<dl class="counts">'
        + counted(numbers.votes, "vote", "votes")
        + counted(numbers.visitors, "visitor", "visitors")
        + counted(numbers.covers, "cover", "covers")
        + "</dl>"
    )


def finding(numbers: Summary, found: Findings) -> str:
    """The main result in a sentence, with its interval and what chance alone would give."""
    felt, chance = numbers.felt_agreement, numbers.chance
    level = chance.marginal if chance.marginal is not None else chance.uniform
    judgement = {
        None: "So far that cannot be told from chance.",
        0: "So far that cannot be told from chance.",
        1: "That is more than chance.",
        -1: "That is less than chance.",
    }[found.agreement.excess.beside(0)]
    first = (
        f'<p class="finding">In <b>{percent(felt.value or 0.0)}</b> of the votes, people and machine '
        f"felt the same before they knew of each other: {felt.successes} of {felt.trials}. {judgement}</p>"
    )
    details = (
        f"With so many votes the true share lies {span(felt)} (Wilson interval, 95 %, taking each vote for "
        "itself). If both kept their habits but answered without looking, they would meet in "
        f"{percent(level)} of the cases."
    )
    answers = numbers.says_agree
    if answers.trials:
        noun = "answer" if answers.trials == 1 else "answers"
        details += (
            " Asked afterwards, with the machine’s label before them, people agreed in "
            f"{percent(answers.value or 0.0)} of {answers.trials} {noun} ({span(answers)})."
        )
    if felt.trials < findings.FEWEST_VOTES:
        details += f" Below {findings.FEWEST_VOTES} votes all of this is a first glimpse."
    return f'{first}<p class="lead">{escape(details)}</p>'


def share_cell(share: Share) -> str:
    if share.value is None:
        return "<td>–</td>"
    low, high = percent(share.interval.low), percent(share.interval.high)
    return f'<td>{percent(share.value)} <span class="range">{low} to {high}</span></td>'


def emotion_table(votes: Sequence[StoredVote]) -> str:
    """HTML of the per-emotion table; unpleasant ones first, as everywhere."""
    rows = {row.emotion: row for row in agreement.per_emotion(votes)}
    lines = "".join(
        f'<tr><th scope="row"><span class="hue-{name}" aria-hidden="true">{SIGNS[name]}</span> {name}</th>'
        f"<td>{rows[name].felt}</td><td>{rows[name].named}</td>{share_cell(rows[name].recognised)}{share_cell(rows[name].shared)}{share_cell(rows[name].says_agree)}</tr>"
        for name in charts.ON_SIDES
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Emotion by emotion"><table '
        'class="measures">'
        '<thead><tr><th scope="col">emotion</th><th scope="col">people<br>felt it</th>'
        '<th scope="col">machine<br>felt it</th><th scope="col">when people did,<br>machine did too</th>'
        '<th scope="col">when machine did,<br>people did too</th><th scope="col">people '
        f"agreed<br>with this label</th></tr></thead><tbody>{lines}</tbody></table></div>"
    )


def gallery(box: VoteStore, rows: Sequence[CoverAgreement]) -> None:
    """A row of covers, each with how many felt as the machine did."""
    shown = []
    for row in rows:
        stored = box.stored_cover(row.cover)
        if stored is None:
            continue
        share = row.agreement
        shown.append(
            prints.framed(
                read_png(row.cover, stored[0]),
                size="small",
                short=True,
                feeling=f"machine: {row.verdict.top}",
                note=f"{share.successes} of {share.trials} people too",
            )
        )
    st.html(f'<div class="row">{"".join(shown)}</div>')


def rankings(box: VoteStore, covers: Sequence[CoverAgreement]) -> None:
    fewest = agreement.FEWEST_VOTES
    if max(row.agreement.trials for row in covers) < fewest:
        st.html(
            '<div class="prose"><h2>Most agreed on, most disputed</h2></div>'
            f'<p class="quiet">A cover is ranked once {fewest} people have voted on it. None is so far.</p>'
        )
        return
    for title, rows, none in (
        (
            "Most agreed on",
            agreement.most_agreed(covers),
            "On no cover do most people feel as the machine does.",
        ),
        (
            "Most disputed",
            agreement.most_disputed(covers),
            "There is no cover on which most people feel otherwise.",
        ),
    ):
        st.html(f'<div class="prose"><h2>{title}</h2></div>')
        if rows:
            gallery(box, rows)
        else:
            st.html(f'<p class="quiet">{none} Counted are covers with at least {fewest} votes.</p>')


def emotion_prints(box: VoteStore, rows: Sequence[EmotionOnCover]) -> None:
    """Covers of one emotion, with how many people felt it and how probable the machine thinks it."""
    shown = []
    for here in rows[:MOST_COVERS]:
        stored = box.stored_cover(here.cover.cover)
        if stored is not None:
            shown.append(
                prints.framed(
                    read_png(here.cover.cover, stored[0]),
                    size="small",
                    short=True,
                    feeling=f"people: {here.people} of {here.voters}",
                    note=f"machine: {percent(here.machine)}",
                )
            )
    st.html(f'<div class="row">{"".join(shown)}</div>')
    if len(rows) > MOST_COVERS:
        st.html(f'<p class="quiet">And {len(rows) - MOST_COVERS} more.</p>')
