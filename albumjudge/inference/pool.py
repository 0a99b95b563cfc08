"""Walls that are ready before anybody comes: painted and judged in idle time."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import JudgedCover

WALLS = 48
COVERS = 12
"""Of a wall that are ready; whoever wants more waits for the rest."""
AT_ONCE = 4
"""Covers in a piece of idle work: nobody who comes meanwhile waits longer than for these."""
LAST_WALL = 99_999

Show = Callable[[Sequence[CoverIdentity]], list[JudgedCover]]


class CoverPool:
    """A bounded store of ready walls and of the covers that are put to the vote.

    Every visitor is given another wall. If walls are asked for faster than they are painted, those that were
    given longest ago are given again, so that nobody waits. Several threads may share one.

    Args:
        generator: revision of the painter.
        walls: at most so many are kept, 1.8 MB for every twelve; None for ``WALLS``.
    """

    def __init__(self, generator: str, walls: int | None = None) -> None:
        self.generator, self._most = generator, walls or WALLS
        self._lock = threading.Lock()
        self._fresh: deque[int] = deque()
        self._given: deque[int] = deque()
        self._covers: dict[CoverIdentity, JudgedCover] = {}
        self._ballots = self._identities(seeds.ballot_pool(generator))
        self._started: int | None = None

    def take(self) -> int | None:
        """The number of a ready wall; None if there is none yet."""
        with self._lock:
            if not self._fresh and not self._given:
                return None
            number = (self._fresh or self._given).popleft()
            self._given.append(number)
            return number

    def find(self, identities: Sequence[CoverIdentity]) -> dict[CoverIdentity, JudgedCover]:
        """Those of the covers that are ready."""
        with self._lock:
            return {one: self._covers[one] for one in identities if one in self._covers}

    @property
    def ready(self) -> int:
        """How many walls nobody was given yet."""
        return len(self._fresh)

    def fill(self, show: Show) -> bool:
        """Paint and judge a few covers; whether there are more to paint.

        The first wall comes first, then the covers that are put to the vote, then other walls.
        """
        wanted, number = self._next()
        if wanted:
            judged = {one.cover.identity: one for one in show(wanted[:AT_ONCE])}
            with self._lock:
                self._covers |= judged
        if number is not None and len(wanted) <= AT_ONCE:
            self._add(number)
        return self._next() != ([], None)

    def _next(self) -> tuple[list[CoverIdentity], int | None]:
        """Covers that are missing of what comes next, and the wall's number if it is a wall."""
        with self._lock:
            ballots = [one for one in self._ballots if one not in self._covers]
            if ballots and (self._fresh or self._given):
                return ballots, None
            if len(self._fresh) >= self._most:
                return [], None
            if self._started is None:
                self._started = new_wall()
            wall = self._identities(seeds.wall(self._started, COVERS))
            return [one for one in wall if one not in self._covers], self._started

    def _add(self, number: int) -> None:
        with self._lock:
            self._fresh.append(number)
            self._started = None
            if len(self._fresh) + len(self._given) > self._most and self._given:
                kept = set(self._ballots)
                gone = self._given.popleft()
                for identity in self._identities(seeds.wall(gone, COVERS)):
                    if identity not in kept:
                        self._covers.pop(identity, None)

    def _identities(self, numbers: Sequence[int]) -> list[CoverIdentity]:
        return [CoverIdentity(self.generator, number) for number in numbers]


def new_wall() -> int:
    """The number of a wall drawn at random."""
    return secrets.randbelow(LAST_WALL) + 1
