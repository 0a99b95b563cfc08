"""Votes as a table for a spreadsheet or a statistician: one line per vote, every column explained."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.voting.painter_duels import PainterVote
from albumjudge.voting.schema import probability_column
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
    "seconds_to_vote": "Seconds from the cover's appearance to the choice of what was felt.",
    "voted_at": "When the vote was stored, UTC, ISO 8601.",
    "round": "Id of the round of covers in which the vote was cast; empty outside of one.",
    "suspect": "'true' if the visitor cast votes faster than anyone can look, so that this one is not counted.",
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
    "excluded": "Why the curator leaves this visitor's votes out of the results; empty for those that count.",
}
"""Column of the export of painters' duels -> what it means, in the order of the columns."""


def pseudonym(visitor: str) -> str:
    """16 hex digits in place of a visitor's id.

    Whoever knew an id could vote as that visitor; ids are random and long, so nobody gets back by trying.
    """
    return hashlib.sha256(f"visitor {visitor}".encode()).hexdigest()[:16]


_WORD = {True: "true", False: "false", None: ""}
_CELLS: Mapping[str, Callable[[StoredVote], str]] = {
    "visitor": lambda vote: pseudonym(vote.visitor),
    "cover": lambda vote: str(vote.cover),
    "generator": lambda vote: vote.cover.generator,
    "seed": lambda vote: str(vote.cover.seed),
    "recipe": lambda vote: vote.cover.recipe,
    "judge": lambda vote: vote.verdict.revision,
    "verdict": lambda vote: vote.verdict.top,
    "felt": lambda vote: vote.felt,
    "label_shown": lambda vote: vote.label_shown,
    "arm": lambda vote: vote.arm,
    "agrees": lambda vote: _WORD[vote.agrees],
    "seconds_to_vote": lambda vote: f"{vote.seconds_to_vote:.3f}",
    "voted_at": lambda vote: vote.voted_at.isoformat(timespec="seconds"),
    "round": lambda vote: vote.round or "",
    "suspect": lambda vote: _WORD[vote.suspect],
}


def row(vote: StoredVote) -> dict[str, str]:
    """One line of the export, column -> cell."""
    probabilities = {
        probability_column(name): f"{probability:.6f}"
        for name, probability in zip(NAMES, vote.verdict.probabilities, strict=True)
    }
    cells = {column: cell(vote) for column, cell in _CELLS.items()} | probabilities
    return {column: cells.pop(column) for column in DATA_DICTIONARY}


def write_csv(votes: Iterable[StoredVote], file: TextIO, excluded: Mapping[str, str] | None = None) -> int:
    """Write votes as CSV, a header line first, and return how many.

    Args:
        votes: taken one by one, so that they need not fit into memory.
        file: open for text, best with ``newline=""`` and UTF-8.
        excluded: visitor -> why the curator leaves them out, for one more column; None writes no such column.
    """
    columns = [*DATA_DICTIONARY, *(("excluded",) if excluded is not None else ())]
    writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    count = 0
    for vote in votes:
        reason = {} if excluded is None else {"excluded": excluded.get(vote.visitor, "")}
        writer.writerow(row(vote) | reason)
        count += 1
    return count


def write_painters_csv(votes: Iterable[PainterVote], excluded: Mapping[str, str], file: TextIO) -> None:
    """Write votes in painters' duels as CSV, a header line first.

    Args:
        votes: in the order of the lines.
        excluded: visitor -> why the curator leaves them out.
        file: as for :func:`write_csv`.
    """
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(PAINTER_DICTIONARY)
    for vote in votes:
        lines.writerow(
            (
                pseudonym(vote.visitor),
                vote.left,
                vote.left.generator,
                vote.right,
                vote.right.generator,
                vote.picked,
                f"{vote.seconds_to_vote:.3f}",
                vote.voted_at.isoformat(timespec="seconds"),
                _WORD[vote.suspect],
                excluded.get(vote.visitor, ""),
            )
        )


def as_table(dictionary: Mapping[str, str]) -> str:
    """What columns mean, as a Markdown table."""
    lines = [f"| `{column}` | {meaning} |" for column, meaning in dictionary.items()]
    return "\n".join(["| column | meaning |", "|---|---|", *lines, ""])


def dictionary_as_markdown() -> str:
    """The data dictionaries as a Markdown page, to lie beside the CSV files."""
    return (
        f"# Votes: what the columns mean\n\nOne line per vote.\n\n{as_table(DATA_DICTIONARY)}\n"
        f"# Painters' duels: what the columns mean\n\nOne line per vote.\n\n{as_table(PAINTER_DICTIONARY)}"
    )
