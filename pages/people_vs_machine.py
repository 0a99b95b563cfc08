"""People vs. machine: what the votes say so far, and how sure that is; never a vote that nobody cast."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from albumjudge import agreement, charts
from albumjudge.agreement import CoverAgreement, Share, Summary
from albumjudge.covers import read_png
from albumjudge.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.votes import DATA_DICTIONARY, BallotBox, StoredVote
from frame import prints, room

room.need_frame()

FEW = 30
"""Below so many votes the page says that the numbers are shaky."""


def percent(share: float) -> str:
    """A percentage that no line break tears from its sign."""
    return charts.percent(share).replace(" ", "\u202f")


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


def finding(numbers: Summary) -> str:
    """The main result in a sentence, with its interval and what chance alone would give."""
    felt, chance = numbers.felt_agreement, numbers.chance
    level = chance.marginal if chance.marginal is not None else chance.uniform
    inside = felt.interval.low <= level <= felt.interval.high
    if inside:
        judgement = "So far that cannot be told from chance."
    elif felt.interval.low > level:
        judgement = "That is more than chance."
    else:
        judgement = "That is less than chance."
    first = (
        f'<p class="finding">In <b>{percent(felt.value or 0.0)}</b> of the votes, people and machine '
        "felt the same "
        f"before they knew of each other: {felt.successes} of {felt.trials}. {judgement}</p>"
    )
    details = (
        f"With so many votes the true share lies {span(felt)} (Wilson interval, 95 %). If both kept "
        "their habits but "
        f"answered without looking, they would meet in {percent(level)} of the cases."
    )
    answers = numbers.says_agree
    if answers.trials:
        noun = "answer" if answers.trials == 1 else "answers"
        details += (
            " Asked afterwards, with the machine’s label before them, people agreed in "
            f"{percent(answers.value or 0.0)} "
            f"of {answers.trials} {noun} ({span(answers)})."
        )
    if felt.trials < FEW:
        details += f" Below {FEW} votes all of this is a first glimpse."
    return f'{first}<p class="lead">{escape(details)}</p>'


def how_often(votes: Sequence[StoredVote]) -> None:
    """How often people and machine feel what: one dumbbell per emotion."""
    felt = Counter(vote.felt for vote in votes)
    named = Counter(vote.verdict.top for vote in votes)
    st.html('<div class="prose"><h2>Who feels what, how often</h2></div>')
    st.html(
        '<p class="quiet">Round: people. Square: the machine, on the same covers. A long line is a '
        "difference in "
        f"temperament. {percent(felt[NOTHING] / len(votes))} of the votes were for nothing, or "
        "something else.</p>"
    )
    st.altair_chart(
        charts.people_and_machine(
            {name: felt[name] / len(votes) for name in NAMES},
            {name: named[name] / len(votes) for name in NAMES},
        ),
        theme=None,
    )


def cover_by_cover(votes: Sequence[StoredVote]) -> None:
    """The confusion matrix of people and machine."""
    st.html('<div class="prose"><h2>Who feels what, cover by cover</h2></div>')
    st.html(
        '<p class="quiet">Each number counts votes. On the outlined squares people and machine felt '
        "the same.</p>"
    )
    st.altair_chart(charts.confusion(agreement.confusion(votes).tolist()), theme=None)


def share_cell(share: Share) -> str:
    if share.value is None:
        return "<td>–</td>"
    low, high = percent(share.interval.low), percent(share.interval.high)
    return f'<td>{percent(share.value)} <span class="range">{low} to {high}</span></td>'


def emotion_table(votes: Sequence[StoredVote]) -> str:
    """HTML of the per-emotion table; unpleasant ones first, as everywhere."""
    rows = {row.emotion: row for row in agreement.per_emotion(votes)}
    signs = {e.name: e.sign for e in EMOTIONS}
    lines = "".join(
        f'<tr><th scope="row"><span class="hue-{name}" aria-hidden="true">{signs[name]}</span> {name}</th>'
        f"<td>{rows[name].felt}</td><td>{rows[name].named}</td>"
        f"{share_cell(rows[name].recognised)}{share_cell(rows[name].shared)}{share_cell(rows[name].says_agree)}</tr>"
        for name in charts.ON_SIDES
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Emotion by emotion"><table '
        'class="measures">'
        '<thead><tr><th scope="col">emotion</th><th scope="col">people<br>felt it</th>'
        '<th scope="col">machine<br>felt it</th><th scope="col">when people did,<br>machine did too</th>'
        '<th scope="col">when machine did,<br>people did too</th><th scope="col">people '
        "agreed<br>with this label</th>"
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def gallery(box: BallotBox, rows: Sequence[CoverAgreement]) -> None:
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


def rankings(box: BallotBox, votes: Sequence[StoredVote]) -> None:
    covers = agreement.per_cover(votes)
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


def for_curators(box: BallotBox) -> None:
    with st.expander("For curators: the votes as a table"):
        file = io.StringIO()
        box.export_csv(file)
        st.html('<p class="quiet">Anonymous, one line per vote. What the columns mean:</p>')
        st.download_button("Download votes.csv", file.getvalue(), "votes.csv", "text/csv")
        meanings = "".join(
            f"<div><dt>{escape(column)}</dt><dd>{escape(meaning)}</dd></div>"
            for column, meaning in DATA_DICTIONARY.items()
        )
        st.html(f'<dl class="terms">{meanings}</dl>')


def results() -> None:
    box = room.ballot_box()
    votes = box.votes()
    if not votes:
        room.heading(
            "People vs. machine", "Nobody has voted yet, so there is nothing to compare. Be the first."
        )
        st.page_link(room.VOTE, label="Vote on a cover")
        return
    numbers = agreement.summary(votes)
    room.heading(
        "People vs. machine", "Do people feel what the machine feels? This is what the votes say so far."
    )
    st.html(counts(numbers))
    st.html(finding(numbers))
    with st.container(key="side-by-side"):
        with st.container():
            how_often(votes)
        with st.container():
            cover_by_cover(votes)
    st.html('<div class="prose"><h2>Emotion by emotion</h2></div>')
    st.html(emotion_table(votes))
    rankings(box, votes)
    for_curators(box)


results()
