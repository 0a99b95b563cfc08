"""Votes of the exhibit's visitors: from its database, or from a table of its export (CSV or Parquet)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.domain.emotions import ANSWERS, NAMES
from albumjudge.inference.painter import Painter
from training.data.images import DataError

COLUMNS = ("visitor", "cover", "felt", "suspect", "excluded")
"""Of an exported table; the last two may be missing."""
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
        visitors = len(np.unique(self.visitor))
        found = {"votes": len(self.felt), "covers": len(self.covers), "visitors": visitors}
        if any(found[name] < least for name, least in MINIMUM.items()):
            said, least = (
                "{votes} votes on {covers} covers by {visitors} visitors".format(**each)
                for each in (found, MINIMUM)
            )
            raise DataError(f"{said} are too few to learn from: at least {least} are needed. Wait for more.")


def read_database(url: str | None) -> list[dict[str, str]]:
    """Rows of the export of the exhibit's own database (None) or another one.

    Raises:
        DataError: if it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "votes.csv"
        options = [] if url is None else ["--database-url", url]
        # Training does not import voting, so it asks for the table as a curator would.
        command = [sys.executable, "-m", "albumjudge.export", str(file), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DataError(done.stderr.strip() or "The export of the votes failed.")
        return read_table(file)


def read_table(file: Path) -> list[dict[str, str]]:
    """Rows of an exported table, ``.parquet`` or else CSV, of the columns that are used; all cells are text.

    Raises:
        DataError: if the file is missing or no such table.
    """
    try:
        if file.suffix == ".parquet":
            table = pd.read_parquet(file)
        else:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise DataError(f"{file} is no table of votes ({error}).") from error
    if missing := [name for name in COLUMNS[:3] if name not in table]:
        raise DataError(f"{file} has no column {missing[0]}. Write it by python -m albumjudge.export.")
    text = table[[name for name in COLUMNS if name in table]].fillna("").astype(str)
    return [{str(name): cell for name, cell in row.items()} for row in text.to_dict("records")]


def choose_votes(rows: Sequence[Mapping[str, str]], painters: Sequence[Painter]) -> VisitorVotes:
    """Take the votes that count, and paint the covers that they were cast on.

    Left out are visitors whom the curator excluded, suspect votes, answers of no emotion, repeated votes, and
    covers that none of the painters paints.

    Raises:
        DataError: if an answer is unknown.
    """
    by_revision = {painter.revision: painter for painter in painters}
    left_out: Counter[str] = Counter()
    kept: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=1):
        if row["felt"] not in ANSWERS:
            raise DataError(f"Vote {number}: {row['felt']!r} is no answer; known are {', '.join(ANSWERS)}.")
        if reason := _why_not(row, by_revision, kept):
            left_out[reason] += 1
        else:
            kept[row["visitor"], row["cover"]] = row["felt"]
    asked = [CoverIdentity.parse(text) for text in dict.fromkeys(cover for _, cover in kept)]
    covers: dict[str, Cover] = {}
    for revision, painter in by_revision.items():
        own = [identity for identity in asked if identity.generator == revision]
        for start in range(0, len(own), 32):
            covers |= {str(c.identity): c for c in painter.paint_each(own[start : start + 32])}
    visitors = sorted({visitor for visitor, _ in kept})
    place, person = ({each: i for i, each in enumerate(known)} for known in (covers, visitors))
    return VisitorVotes(
        tuple(covers.values()),
        np.array([place[cover] for _, cover in kept], np.int64),
        np.array([person[visitor] for visitor, _ in kept], np.int64),
        np.array([NAMES.index(felt) for felt in kept.values()], np.int64),
        dict(left_out),
    )


def _why_not(
    row: Mapping[str, str], painters: Mapping[str, Painter], kept: Mapping[tuple[str, str], str]
) -> str:
    if (row.get("excluded") or "").strip():
        return "visitor excluded"
    if row.get("suspect", "").lower() == "true":
        return "suspect"
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
