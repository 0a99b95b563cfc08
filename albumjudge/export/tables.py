"""Votes as a table for a spreadsheet or a statistician: one line per vote, every column explained."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TextIO

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.voting.painter_duels import PainterVote
from albumjudge.voting.schema import PROBABILITIES, probability_column
from albumjudge.voting.votes import StoredVote

_EIGHT = ", ".join(NAMES)

DATA_DICTIONARY: Mapping[str, str] = {
    "visitor": "Hash of the random id of the visitor who voted. It says nothing about the person and is the "
    "same in all of the visitor's votes.",
    "cover": "Identity of the cover: generator, seed and recipe, joined by dots, as in the cover's link.",
    "generator": "Revision of the generator that painted the cover: its name and eight hex digits of the "
    "hash of its weights.",
    "seed": "Number from 0 to 999999 from which the generator painted the cover.",
    "recipe": "What else was asked for: genre, decade, 'w' and a percentage for how wild, 'd' and the way that "
    "the cover was led from its seed. Empty for what the seed alone gives.",
    "judge": "Revision of the judge whose verdict was on record when the vote was cast: its name and eight "
    "hex digits of the hash of its weights.",
    **{
        probability_column(name): f"Probability of {name} in the judge's verdict, from 0 to 1. The eight add "
        "up to one."
        for name in NAMES
    },
    "verdict": f"The most probable emotion of the judge's verdict, one of: {_EIGHT}.",
    "felt": "What the visitor felt, chosen before any verdict was shown. One of the eight emotions, or "
    f"'{NOTHING}' for nothing or something else.",
    "label_shown": "The emotion shown to the visitor afterwards as the machine's. In the arm 'placebo' it "
    "was drawn at random.",
    "arm": "'judge' if label_shown is the judge's own, 'placebo' if it was drawn at random to measure how "
    "often people agree out of politeness.",
    "agrees": "Whether the visitor then said to agree with label_shown: 'true', 'false', or empty if the "
    "visitor left without an answer.",
    "seconds_to_vote": "Seconds from the cover's appearance to the choice of what was felt; from the second card "
    "of a round on, the answers about the card before stand beside it.",
    "voted_at": "When the vote was stored, UTC, ISO 8601.",
    "round": "Id of the round of covers in which the vote was cast; empty outside of one.",
    "suspect": "'true' if the visitor cast votes faster than anyone can look, so that this one is not counted.",
    "excluded": "Why the curator leaves this visitor's votes out of the results; empty for those that count.",
}
"""Column of the export -> what it means, in the order of the columns."""

PAINTER_DICTIONARY: Mapping[str, str] = {
    "visitor": DATA_DICTIONARY["visitor"],
    "left": "Identity of the cover on the left: generator, seed and recipe, joined by dots.",
    "left_generator": "Revision of the generator that painted it.",
    "right": "Identity of the cover on the right.",
    "right_generator": "Revision of the generator that painted it.",
    "picked": "The side with the cover that the visitor would rather hang, 'left' or 'right', or 'tie'; chosen "
    "before the painters were named.",
    "seconds_to_vote": "Seconds from the pair's appearance to the choice.",
    "voted_at": DATA_DICTIONARY["voted_at"],
    "suspect": DATA_DICTIONARY["suspect"],
    "excluded": DATA_DICTIONARY["excluded"],
}
"""Column of the export of painters' duels -> what it means, in the order of the columns."""


def pseudonym(visitor: str) -> str:
    """16 hex digits in place of a visitor's id.

    Whoever knew an id could vote as that visitor; ids are random and long, so nobody gets back by trying.
    """
    return hashlib.sha256(f"visitor {visitor}".encode()).hexdigest()[:16]


def cells(vote: StoredVote, excluded: Mapping[str, str]) -> dict[str, object]:
    """One row, column -> value; ``excluded`` says of visitors why the curator leaves them out."""
    return {
        "visitor": pseudonym(vote.visitor),
        "cover": str(vote.cover),
        "generator": vote.cover.generator,
        "seed": vote.cover.seed,
        "recipe": vote.cover.recipe,
        "judge": vote.verdict.revision,
        **dict(zip(PROBABILITIES, vote.verdict.probabilities, strict=True)),
        "verdict": vote.verdict.top,
        "felt": vote.felt,
        "label_shown": vote.label_shown,
        "arm": vote.arm,
        "agrees": vote.agrees,
        "seconds_to_vote": vote.seconds_to_vote,
        "voted_at": vote.voted_at,
        "round": vote.round,
        "suspect": vote.suspect,
        "excluded": excluded.get(vote.visitor),
    }


def _text(column: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}" if column in PROBABILITIES else f"{value:.3f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _write(rows: Iterable[Mapping[str, object]], columns: Iterable[str], file: TextIO) -> int:
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(columns)
    count = 0
    for row in rows:
        lines.writerow([_text(column, value) for column, value in row.items()])
        count += 1
    return count


def write_csv(votes: Iterable[StoredVote], file: TextIO, excluded: Mapping[str, str]) -> int:
    """Write votes as CSV, a header line first, one by one, and return how many.

    Args:
        file: open for text, best with ``newline=""`` and UTF-8.
        excluded: visitor -> why the curator leaves them out.
    """
    return _write((cells(vote, excluded) for vote in votes), DATA_DICTIONARY, file)


def write_painters_csv(votes: Iterable[PainterVote], file: TextIO, excluded: Mapping[str, str]) -> int:
    """Write votes in painters' duels, as :func:`write_csv`."""

    def row(vote: PainterVote) -> dict[str, object]:
        values = (
            pseudonym(vote.visitor),
            vote.left,
            vote.left.generator,
            vote.right,
            vote.right.generator,
            vote.picked,
            vote.seconds_to_vote,
            vote.voted_at,
            vote.suspect,
            excluded.get(vote.visitor),
        )
        return dict(zip(PAINTER_DICTIONARY, values, strict=True))

    return _write(map(row, votes), PAINTER_DICTIONARY, file)


def as_table(dictionary: Mapping[str, str]) -> str:
    """What columns mean, as a Markdown table."""
    lines = [f"| `{column}` | {meaning} |" for column, meaning in dictionary.items()]
    return "\n".join(["| column | meaning |", "|---|---|", *lines, ""])


def dictionary_as_markdown() -> str:
    """The data dictionaries as a Markdown page, to lie beside the CSV files."""
    tables = {"Votes": DATA_DICTIONARY, "Painters' duels": PAINTER_DICTIONARY}
    return "\n".join(
        f"# {name}: what the columns mean\n\nOne line per vote.\n\n{as_table(meanings)}"
        for name, meanings in tables.items()
    )
