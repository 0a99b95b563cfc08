"""Votes of the exhibit's visitors, from the table that ``python -m albumjudge.export`` writes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.domain.emotions import ANSWERS, NAMES
from albumjudge.inference.painter import Painter
from training.data.images import DataError

COLUMNS = ("visitor", "cover", "felt")
MINIMUM = {"votes": 500, "covers": 50, "visitors": 30}
"""Fewer say too little: with ten votes each, the share of an emotion on a cover is known to within 0.3."""


@dataclass(frozen=True)
class VisitorVotes:
    """Votes that count. What was felt is asked before any label is shown, so both arms count.

    Attributes:
        covers: m covers.
        cover, visitor, felt: of each vote, places among the covers, visitors and emotions, shape ``(n,)``.
        left_out: how many votes were left out, by reason.
    """

    covers: tuple[Cover, ...]
    cover: NDArray[np.int64]
    visitor: NDArray[np.int64]
    felt: NDArray[np.int64]
    left_out: dict[str, int]

    def counts(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Votes per cover and emotion, shape ``(m, 8)``, of all votes or those chosen."""
        counts = np.zeros((len(self.covers), len(NAMES)))
        kept = slice(None) if chosen is None else chosen
        np.add.at(counts, (self.cover[kept], self.felt[kept]), 1)
        return counts

    def require_enough(self) -> None:
        """Refuse to learn from too few.

        Raises:
            DataError: if there are fewer votes, covers or visitors than :data:`MINIMUM`.
        """
        found = {
            "votes": len(self.felt),
            "covers": len(self.covers),
            "visitors": len(np.unique(self.visitor)),
        }
        if any(found[name] < least for name, least in MINIMUM.items()):
            raise DataError(
                f"{found['votes']} votes on {found['covers']} covers by {found['visitors']} visitors are "
                f"too few to "
                f"learn from: at least {MINIMUM['votes']} votes on {MINIMUM['covers']} covers by "
                f"{MINIMUM['visitors']} visitors are needed. Wait for more."
            )


def read_votes(file: Path, painters: Sequence[Painter]) -> VisitorVotes:
    """Read votes and paint the covers that they were cast on.

    Left out are visitors whom the curator excluded (a column ``excluded`` that is not empty), answers of no
    emotion, repeated votes, and covers that none of the painters paints.

    Raises:
        DataError: if the file is missing or no such table.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise DataError(
                    f"{file} has no column {missing[0]}. Write it by python -m albumjudge.export."
                )
            rows = list(reader)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from error
    by_revision = {painter.revision: painter for painter in painters}
    left_out: dict[str, int] = {}
    kept: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=2):
        reason = _why_not(row, by_revision, kept, f"{file}, line {number}")
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            kept[row["visitor"], row["cover"]] = row["felt"]
    identities = [CoverIdentity.parse(text) for text in dict.fromkeys(cover for _, cover in kept)]
    covers = {
        str(cover.identity): cover
        for revision, painter in by_revision.items()
        for cover in _painted(painter, [i for i in identities if i.generator == revision])
    }
    names, visitors = list(covers), sorted({visitor for visitor, _ in kept})
    place, person = ({each: i for i, each in enumerate(known)} for known in (names, visitors))
    return VisitorVotes(
        tuple(covers.values()),
        np.array([place[cover] for _, cover in kept], np.int64),
        np.array([person[visitor] for visitor, _ in kept], np.int64),
        np.array([NAMES.index(felt) for felt in kept.values()], np.int64),
        left_out,
    )


def _why_not(
    row: dict[str, str], painters: dict[str, Painter], kept: dict[tuple[str, str], str], where: str
) -> str:
    if (row.get("excluded") or "").strip():
        return "visitor excluded"
    if row["felt"] not in ANSWERS:
        raise DataError(f"{where}: {row['felt']!r} is no answer; known are {', '.join(ANSWERS)}.")
    if row["felt"] not in NAMES:
        return "no emotion felt"
    if (row["visitor"], row["cover"]) in kept:
        return "repeated vote"
    try:
        identity = CoverIdentity.parse(row["cover"])
        if identity.generator not in painters:
            return "painter not given"
        painters[identity.generator].check(identity)
    except CoverLinkError:
        return "cover cannot be painted"
    return ""


def _painted(painter: Painter, identities: list[CoverIdentity]) -> list[Cover]:
    return [
        cover
        for start in range(0, len(identities), 32)
        for cover in painter.paint_each(identities[start : start + 32])
    ]
