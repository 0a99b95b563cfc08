"""Walls and covers to vote on that are ready before anybody comes: painted and judged in idle time, and kept.

All processes that share a shelf share them: the database (:class:`albumjudge.voting.ready.ReadyWalls`).
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.verdict import JudgedCover, Juror, Verdict

WALLS = 48
COVERS = 12
"""Of a wall that are ready; whoever wants more waits for the rest."""
AT_ONCE = 4
"""Covers in a piece of idle work: nobody who comes meanwhile waits longer than for these."""
LAST_WALL = 99_999
BALLOTS = 0
"""Stands for the number of a wall where the covers that are put to the vote are kept."""
_log = logging.getLogger(__name__)

Show = Callable[[Sequence[CoverIdentity]], list[JudgedCover]]


class Shelf(Protocol):
    """Keeps the walls of one painter and one judge as text, 0.2 MB each, by number. No method raises."""

    def take(self) -> tuple[int, str] | None:
        """A wall that nobody was given, else the one given longest ago; None if there is none."""

    def count(self) -> tuple[int, int]:
        """How many walls nobody was given yet, and how many were."""

    def read(self, number: int) -> str | None:
        """What is kept under a number."""

    def put(self, number: int, covers: str) -> bool:
        """Keep it, whole or not at all; whether that was possible."""

    def remove(self, number: int) -> None:
        """Keep it no more."""

    def keep_given(self, most: int) -> None:
        """Remove the walls given longest ago, but for so many."""


ShelfMaker = Callable[[str], Shelf]
"""Makes the shelf for the networks of a name."""


class CoverPool:
    """A bounded store of ready walls and of the covers that are put to the vote.

    Every visitor is given another wall. If walls are asked for faster than they are painted, those that were
    given longest ago are given again, so that nobody waits. Several threads and processes may share one.

    Args:
        painter, judge: revisions.
        shelf: where it is kept.
        walls: at most so many that nobody was given are kept, and as many that were.
    """

    def __init__(self, painter: str, judge: str, shelf: ShelfMaker, *, walls: int | None = None) -> None:
        self.painter, self.judge, self._most = painter, judge, walls or WALLS
        self._shelf = shelf(f"{painter}.{judge}")
        self._lock = threading.Lock()
        self._due = [CoverIdentity(painter, seed) for seed in seeds.ballot_pool(painter)]
        self._ballots = {one.cover.identity: one for one in self._read(BALLOTS, self._shelf.read(BALLOTS))}
        self._kept = self.ballots_ready
        self._new: tuple[int, dict[CoverIdentity, JudgedCover]] = new_wall(), {}

    def take(self) -> tuple[int, list[JudgedCover]] | None:
        """A wall that nobody was given, if there is one, and its covers; None if no wall is ready."""
        while (taken := self._shelf.take()) is not None:
            if covers := self._read(*taken):
                return taken[0], covers
        return None

    def find(self, identities: Sequence[CoverIdentity]) -> dict[CoverIdentity, JudgedCover]:
        """Those of the covers that are put to the vote and ready."""
        with self._lock:
            return {one: self._ballots[one] for one in identities if one in self._ballots}

    @property
    def ready(self) -> int:
        """How many walls nobody was given yet."""
        return self._shelf.count()[0]

    @property
    def ballots_ready(self) -> bool:
        """Whether all covers that are put to the vote are ready."""
        return len(self._ballots) == len(self._due)

    def fill(self, show: Show) -> bool:
        """Paint and judge a few covers; whether there are more to paint.

        The first wall comes first, then the covers that are put to the vote, then other walls.
        """
        if self.ballots_ready and not self._kept:
            self._kept = self._shelf.put(BALLOTS, _text(list(self._ballots.values())))
            return self._kept
        fresh, given = self._shelf.count()
        if self.ballots_ready or not (fresh or given):
            if fresh >= self._most:
                return False
            number, done = self._new
            wall = [CoverIdentity(self.painter, seed) for seed in seeds.wall(number, COVERS)]
            done |= _shown(show, [one for one in wall if one not in done])
            if len(done) < len(wall):
                return True
            self._new = new_wall(), {}
            self._shelf.keep_given(self._most)
            return self._shelf.put(number, _text([done[one] for one in wall]))
        found = _shown(show, [one for one in self._due if one not in self._ballots])
        with self._lock:
            self._ballots |= found
        return True

    def _read(self, number: int, kept: str | None) -> list[JudgedCover]:
        """Covers of a wall; none if there is nothing, or it is damaged, and then it is removed."""
        if kept is None:
            return []
        with suppress(ValueError, TypeError):
            if covers := [self._cover(**row) for row in json.loads(kept)]:
                return covers
        _log.warning("What is kept of wall %s is damaged; it is painted anew.", number)
        self._shelf.remove(number)
        return []

    def _cover(
        self, cover: str, png: str, probabilities: list[float], jurors: list[tuple[str, list[float]]]
    ) -> JudgedCover:
        said = tuple(Juror(name, tuple(shares)) for name, shares in jurors)
        picture = read_png(CoverIdentity.parse(cover), base64.b64decode(png))
        return JudgedCover(picture, Verdict(tuple(probabilities), self.judge, said))


def _text(covers: Sequence[JudgedCover]) -> str:
    """Covers with their verdicts as JSON."""
    rows = [
        {
            "cover": str(one.cover.identity),
            "png": base64.b64encode(one.cover.png()).decode("ascii"),
            "probabilities": one.verdict.probabilities,
            "jurors": [(juror.name, juror.probabilities) for juror in one.verdict.jurors],
        }
        for one in covers
    ]
    return json.dumps(rows)


def _shown(show: Show, missing: Sequence[CoverIdentity]) -> dict[CoverIdentity, JudgedCover]:
    return {one.cover.identity: one for one in show(missing[:AT_ONCE])}


def new_wall() -> int:
    """The number of a wall drawn at random."""
    return secrets.randbelow(LAST_WALL) + 1
