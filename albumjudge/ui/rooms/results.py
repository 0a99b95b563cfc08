"""What the votes say, worked out once for all visitors, as sentences, tables and prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.statistics import agreement, duel_findings, findings
from albumjudge.statistics.agreement import CoverAgreement, Share
from albumjudge.statistics.by_emotion import EmotionOnCover
from albumjudge.statistics.duel_findings import DuelFindings
from albumjudge.statistics.findings import Figure, Findings
from albumjudge.statistics.story import Story, Temperament
from albumjudge.ui import charts, markup, prints, shell
from albumjudge.ui.charts.figures import decimal, needs, percent, points
from albumjudge.ui.words import _, ngettext, number
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelVote
from albumjudge.voting.votes import StoredVote

MOST_COVERS = 4
"""Covers in a row of one emotion."""
SIGNS = {e.name: e.sign for e in EMOTIONS}


@st.cache_resource(show_spinner=False, max_entries=4)
def found(key: tuple[object, ...], _votes: Sequence[StoredVote]) -> Story:
    """The findings, kept until a vote or an answer is added; ``key`` is from :func:`state_of`."""
    return Story(_votes)


@st.cache_data(show_spinner=False, max_entries=4)
def worked_out_of_pairs(key: tuple[object, ...], _votes: Sequence[DuelVote]) -> DuelFindings:
    """What the choices between pairs say, kept until there is another; a choice never changes."""
    return duel_findings.find(_votes)


def left_out() -> dict[str, str]:
    """Visitors whom the curator leaves out, with the reasons."""
    return CurationStore(shell.engine()).left_out()


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
    often = {
        0: _("People and machine hardly ever feel the same"),
        10: _("People and machine nearly always feel the same"),
    }.get(in_ten) or _("People and machine feel the same in about <b>{n} of 10</b> votes", n=in_ten)
    by_chance = percent(chance.value or 0.0)
    verdict = {
        1: _("more often than chance alone would have it ({chance}).", chance=by_chance),
        -1: _("less often than chance alone would have it ({chance}).", chance=by_chance),
    }.get(found.agreement.excess.beside(0) or 0) or _("which cannot be told from chance so far.")
    early = _("It is early: below {n} votes this is a first glimpse.", n=findings.FEWEST_VOTES)
    return f"{often}, {verdict} {early if found.faint else ''}".strip()


@dataclass(frozen=True)
class InShort:
    """One finding in plain words; ``faint`` while it rests on too little."""

    title: str
    sentence: str
    doubt: str
    faint: bool


def three_findings(found: Story) -> list[InShort]:
    """What the story tells beside its picture, each with its doubt."""
    placebo = found.against_placebo.difference
    return [_pleasant(found.pleasantness), _temper(found.temperament), _placebo(placebo)]


def _pleasant(figure: Figure) -> InShort:
    sentence = {
        1: _("What people find pleasant, the machine tends to find pleasant, too."),
        -1: _("What people find pleasant, the machine tends to find unpleasant."),
    }.get(figure.beside(0) or 0) or _("Whether both find the same covers pleasant cannot be told yet.")
    doubt = _doubt(_("Rank correlation"), figure, decimal, _("covers"))
    return InShort(_("Pleasant or not"), sentence, doubt, bool(figure.unmet))


def _temper(found: Temperament | None) -> InShort:
    title = _("Two temperaments")
    if found is None:
        return InShort(title, _("Nobody has felt one of the eight yet."), "", True)
    apart, emotion = found.difference, _(found.emotion)
    if not apart.beside(0):
        sentence = _("They differ most about {emotion}, but that may be chance.", emotion=emotion)
    elif (apart.value or 0) > 0:
        sentence = _("People feel {emotion} more often than the machine.", emotion=emotion)
    else:
        sentence = _("The machine feels {emotion} more often than people.", emotion=emotion)
    return InShort(title, sentence, _doubt(_("Difference"), apart, points, _("votes")), bool(apart.unmet))


def _placebo(figure: Figure) -> InShort:
    sentence = {
        1: _("People agree with the machine’s label more often than with a random one: not from mere habit."),
        -1: _("People agree less often with the machine’s label than with a random one."),
    }.get(figure.beside(0) or 0) or _("Whether people agree or just like to say yes cannot be told yet.")
    doubt = _doubt(_("Difference"), figure, points, _("answers"))
    return InShort(_("The placebo test"), sentence, doubt, bool(figure.unmet))


def _doubt(what: str, figure: Figure, show: Callable[[float], str], of: str) -> str:
    """A number with its interval, or what it still needs."""
    if figure.value is None or figure.unmet:
        return needs(figure.unmet)
    reach, unit = figure.interval, _(" points") if show is points else ""
    spread = (
        _("95 % interval {low} to {high}", low=show(reach.low), high=show(reach.high))
        if reach
        else _("no interval yet")
    )
    return _(
        "{what} {value}, {spread}, from {n} {of}.",
        what=what,
        value=f"{show(figure.value)}{unit}",
        spread=spread,
        n=number(figure.n),
        of=of,
    )


def state_of(votes: Sequence[StoredVote], excluded: Iterable[str]) -> tuple[object, ...]:
    """Tells two states of the votes apart without comparing every one."""
    answers = sum(vote.agrees is not None for vote in votes)
    last = (votes[-1].visitor, str(votes[-1].cover)) if votes else ()
    return (len(votes), answers, *last, *sorted(excluded))


def counts(found: Findings) -> str:
    """HTML of how much the statistics rest on."""
    votes, covers = len(found.votes), len(found.covers)
    visitors = len({vote.visitor for vote in found.votes})
    return markup.counts(
        [
            (ngettext("vote", "votes", votes), number(votes)),
            (ngettext("visitor", "visitors", visitors), number(visitors)),
            (ngettext("cover", "covers", covers), number(covers)),
        ]
    )


def finding(found: Findings) -> str:
    """The main result in a sentence, with its interval and what chance alone would give."""
    felt, answers = found.same, agreement.says_agree(found.votes)
    judgement = {1: _("That is more than chance."), -1: _("That is less than chance.")}.get(
        found.agreement.excess.beside(0) or 0
    ) or _("So far that cannot be told from chance.")
    first = _(
        "In <b>{share}</b> of the votes, people and machine felt the same before they knew of each other: {n} "
        "of {all}.",
        share=percent(felt.value or 0.0),
        n=number(felt.successes),
        all=number(felt.trials),
    )
    details = [
        _(
            "With so many votes the true share lies between {low} and {high} (Wilson interval, 95 %, taking "
            "each vote for itself). If both kept their habits but answered without looking, they would meet "
            "in {chance} of the cases.",
            **_ends(felt),
            chance=percent(found.agreement.chance.value or 0.0),
        )
    ]
    if answers.trials:
        details.append(
            ngettext(
                "Asked afterwards, with the machine’s label before them, people agreed in {share} of one answer "
                "(between {low} and {high}).",
                "Asked afterwards, with the machine’s label before them, people agreed in {share} of {n} "
                "answers (between {low} and {high}).",
                answers.trials,
                share=percent(answers.value or 0.0),
                **_ends(answers),
            )
        )
    if found.faint:
        details.append(_("Below {n} votes all of this is a first glimpse.", n=findings.FEWEST_VOTES))
    return f'<p class="finding">{first} {judgement}</p>{markup.paragraph(" ".join(details), "lead")}'


def _ends(share: Share) -> dict[str, str]:
    return {"low": percent(share.interval.low), "high": percent(share.interval.high)}


def _share_cell(share: Share) -> str:
    if share.value is None:
        return "<td>–</td>"
    reach = _("{low} to {high}", **_ends(share))
    return f'<td>{percent(share.value)} <span class="range">{reach}</span></td>'


def emotion_table(votes: Sequence[StoredVote]) -> str:
    """HTML of the per-emotion table; unpleasant ones first, as everywhere."""
    rows = {row.emotion: row for row in agreement.per_emotion(votes)}
    lines = []
    for name in charts.ON_SIDES:
        row = rows[name]
        shares = "".join(map(_share_cell, (row.recognised, row.shared, row.says_agree)))
        lines.append(
            f'<tr><th scope="row"><span class="hue-{name}" aria-hidden="true">{SIGNS[name]}</span> {_(name)}</th>'
            f"<td>{number(row.felt)}</td><td>{number(row.named)}</td>{shares}</tr>"
        )
    heads = (
        _("emotion"),
        _("people<br>felt it"),
        _("machine<br>felt it"),
        _("when people did,<br>machine did too"),
        _("when machine did,<br>people did too"),
        _("people agreed<br>with this label"),
    )
    head = "".join(f'<th scope="col">{words}</th>' for words in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_("Emotion by emotion")}">'
        f'<table class="measures"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _stored_prints(labels: Iterable[tuple[CoverIdentity, str, str]]) -> None:
    """A row of covers as they were voted on, each with two lines below it."""
    shown = []
    for identity, feeling, note in labels:
        stored = shell.vote_store().stored_cover(identity)
        if stored is not None:
            cover = read_png(identity, stored[0])
            shown.append(prints.framed(cover, size="small", short=True, feeling=feeling, note=note))
    markup.row(shown)


def rankings(covers: Sequence[CoverAgreement]) -> None:
    """The covers on which people and machine agree most, and least."""
    fewest = agreement.FEWEST_VOTES
    if max(row.agreement.trials for row in covers) < fewest:
        markup.title(_("Most agreed on, most disputed"))
        markup.say(_("A cover is ranked once {n} people have voted on it. None is so far.", n=fewest))
        return
    none_agreed = _("On no cover do most people feel as the machine does.")
    none_disputed = _("There is no cover on which most people feel otherwise.")
    for title, rows, none in (
        (_("Most agreed on"), agreement.most_agreed(covers), none_agreed),
        (_("Most disputed"), agreement.most_disputed(covers), none_disputed),
    ):
        markup.title(title)
        if not rows:
            markup.say(f"{none} {_('Counted are covers with at least {n} votes.', n=fewest)}")
            continue
        _stored_prints(
            (
                row.cover,
                _("machine: {feeling}", feeling=_(row.verdict.top)),
                _("{n} of {all} people too", n=row.agreement.successes, all=row.agreement.trials),
            )
            for row in rows
        )


def emotion_prints(rows: Sequence[EmotionOnCover]) -> None:
    """Covers of one emotion, with how many people felt it and how probable the machine thinks it."""
    _stored_prints(
        (
            here.cover.cover,
            _("people: {n} of {all}", n=here.people, all=here.voters),
            _("machine: {feeling}", feeling=percent(here.machine)),
        )
        for here in rows[:MOST_COVERS]
    )
    if len(rows) > MOST_COVERS:
        markup.say(_("And {n} more.", n=len(rows) - MOST_COVERS))
