"""Walls and covers to vote on that are ready before anybody comes: painted and judged in idle time, kept on disk.

All processes that share a data folder share them. A wall is one file; whoever renames it has taken it.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.verdict import JudgedCover, Juror, Verdict

WALLS = 48
COVERS = 12
"""Of a wall that are ready; whoever wants more waits for the rest."""
AT_ONCE = 4
"""Covers in a piece of idle work: nobody who comes meanwhile waits longer than for these."""
LAST_WALL = 99_999
_ABANDONED = 24 * 3600.0
"""Seconds after which what other networks painted and judged is removed."""
_BALLOTS = "ballots.json"
_log = logging.getLogger(__name__)

Show = Callable[[Sequence[CoverIdentity]], list[JudgedCover]]


class CoverPool:
    """A bounded store of ready walls and of the covers that are put to the vote.

    Every visitor is given another wall. If walls are asked for faster than they are painted, those that were
    given longest ago are given again, so that nobody waits. Several threads and processes may share one.

    Args:
        painter, judge: revisions.
        folder: of all pools; None or one that cannot be written to: a folder of this process alone.
        walls: at most so many that nobody was given are kept, 0.2 MB each, and as many that were.
    """

    def __init__(
        self, painter: str, judge: str, folder: Path | None = None, *, walls: int | None = None
    ) -> None:
        self.painter, self.judge, self._most = painter, judge, walls or WALLS
        self._own: tempfile.TemporaryDirectory[str] | None = None
        if (usable := _usable(folder, f"{painter}.{judge}")) is None:
            self._own = tempfile.TemporaryDirectory(prefix="albumjudge-ready-")
            usable = Path(self._own.name)
        self._folder = usable
        self._lock = threading.Lock()
        self._due = [CoverIdentity(painter, seed) for seed in seeds.ballot_pool(painter)]
        self._ballots = {one.cover.identity: one for one in self._read(_BALLOTS)}
        self._new: tuple[int, dict[CoverIdentity, JudgedCover]] = new_wall(), {}

    def take(self) -> tuple[int, list[JudgedCover]] | None:
        """A wall that nobody was given, if there is one, and its covers; None if no wall is ready."""
        for name in self._names("fresh"):
            taken = name.replace("fresh", "given")
            with suppress(OSError):  # Another process was faster.
                (self._folder / name).rename(self._folder / taken)
                (self._folder / taken).touch()
                if covers := self._read(taken):
                    return int(Path(taken).stem.rpartition("-")[2]), covers
        for name in self._given():
            with suppress(OSError):
                (self._folder / name).touch()
            if covers := self._read(name):
                return int(Path(name).stem.rpartition("-")[2]), covers
        return None

    def find(self, identities: Sequence[CoverIdentity]) -> dict[CoverIdentity, JudgedCover]:
        """Those of the covers that are put to the vote and ready."""
        with self._lock:
            return {one: self._ballots[one] for one in identities if one in self._ballots}

    @property
    def ready(self) -> int:
        """How many walls nobody was given yet."""
        return len(self._names("fresh"))

    @property
    def ballots_ready(self) -> bool:
        """Whether all covers that are put to the vote are ready."""
        return len(self._ballots) == len(self._due)

    def fill(self, show: Show) -> bool:
        """Paint and judge a few covers; whether there are more to paint.

        The first wall comes first, then the covers that are put to the vote, then other walls.
        """
        fresh, given = self.ready, self._given()
        if self.ballots_ready or not (fresh or given):
            if fresh >= self._most:
                return False
            number, done = self._new
            wall = [CoverIdentity(self.painter, seed) for seed in seeds.wall(number, COVERS)]
            done |= _shown(show, [one for one in wall if one not in done])
            if len(done) < len(wall):
                return True
            self._new = new_wall(), {}
            for name in given[: max(0, len(given) - self._most)]:
                with suppress(OSError):
                    (self._folder / name).unlink()
            return self._write(f"fresh-{number:05}.json", [done[one] for one in wall])
        found = _shown(show, [one for one in self._due if one not in self._ballots])
        with self._lock:
            self._ballots |= found
        return not self.ballots_ready or self._write(_BALLOTS, list(self._ballots.values()))

    def _given(self) -> list[str]:
        """Files of walls that were given, the longest ago first."""
        times = {}
        for name in self._names("given"):
            with suppress(OSError):
                times[name] = (self._folder / name).stat().st_mtime
        return sorted(times, key=lambda name: times[name])

    def _names(self, state: str) -> list[str]:
        with suppress(OSError):
            return sorted(path.name for path in self._folder.glob(f"{state}-*.json"))
        return []

    def _read(self, name: str) -> list[JudgedCover]:
        """Covers of a file; none if it is gone or damaged, and then it is removed."""
        path = self._folder / name
        try:
            return [self._cover(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            _log.warning("%s cannot be read (%s) and is painted anew.", path, error)
            with suppress(OSError):
                path.unlink()
            return []

    def _cover(
        self, cover: str, png: str, probabilities: list[float], jurors: list[tuple[str, list[float]]]
    ) -> JudgedCover:
        said = tuple(Juror(name, tuple(shares)) for name, shares in jurors)
        picture = read_png(CoverIdentity.parse(cover), base64.b64decode(png))
        return JudgedCover(picture, Verdict(tuple(probabilities), self.judge, said))

    def _write(self, name: str, covers: Sequence[JudgedCover]) -> bool:
        """Write a file, whole or not at all; whether that was possible."""
        rows = [
            {
                "cover": str(one.cover.identity),
                "png": base64.b64encode(one.cover.png()).decode("ascii"),
                "probabilities": one.verdict.probabilities,
                "jurors": [(juror.name, juror.probabilities) for juror in one.verdict.jurors],
            }
            for one in covers
        ]
        part = self._folder / f".{name}.{secrets.token_hex(4)}"
        try:
            part.write_text(json.dumps(rows), encoding="utf-8")
            part.rename(self._folder / name)
        except OSError as error:
            _log.warning(
                "Covers cannot be kept in %s (%s): nothing is painted in advance.", part, error.strerror
            )
            return False
        return True


def _shown(show: Show, missing: Sequence[CoverIdentity]) -> dict[CoverIdentity, JudgedCover]:
    return {one.cover.identity: one for one in show(missing[:AT_ONCE])}


def _usable(folder: Path | None, name: str) -> Path | None:
    """The folder of this name if it can be written to; those of other networks are removed after a day."""
    if folder is not None:
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
            for other in folder.iterdir():
                if other.name != name and time.time() - other.stat().st_mtime > _ABANDONED:
                    shutil.rmtree(other, ignore_errors=True)
            return folder / name
        except OSError as error:
            _log.warning("Covers cannot be kept in %s (%s).", folder, error.strerror)
    return None


def new_wall() -> int:
    """The number of a wall drawn at random."""
    return secrets.randbelow(LAST_WALL) + 1
