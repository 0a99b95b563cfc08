"""The exhibit: painters and a judge that are always there, and the covers that they show.

Painter and judge each come from the folder that a setting names, else from a pinned commit on the Hub, else
from the bundled checkpoint. What is on this machine serves at once; what must be fetched takes its place later.
The other bundled painters paint, too, where a cover's identity names them. All networks work in one thread, see
:mod:`albumjudge.inference.worker`; no lock is held meanwhile.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from albumjudge.domain.cover import CoverIdentity, CoverLinkError, HasPixels
from albumjudge.domain.settings import Settings
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.inference.folders import BUNDLED, GUESTS, KINDS, Checkpoint, Kind, likely_revision
from albumjudge.inference.pool import COVERS, CoverPool, ShelfMaker, new_wall
from albumjudge.inference.steering import SteeringTarget, Walk, WalkQueue
from albumjudge.inference.worker import (
    NetworkWorker,
    PaintRequest,
    Pair,
    in_halves,
    limit_threads,
    paint_and_judge,
    wait_for,
)

if TYPE_CHECKING:
    from albumjudge.domain.hub_address import HubAddress
    from albumjudge.inference.growth import Growth
    from albumjudge.inference.judge import Judge
    from albumjudge.inference.loading import HubRefresh
    from albumjudge.inference.painter import Painter
    from albumjudge.models.dcgan import Generator

CACHED_COVERS = 1024
"""Judged covers kept in memory, 12 kB each: a page that is drawn again shows the same ones."""
RETRY_AFTER = 600.0
"""Seconds until the Hub is asked again after a fault that may pass."""


class Exhibit:
    """What pages show from, made by :meth:`open`. Several threads may share one.

    PyTorch is imported in the networks' thread; until they are loaded, what the pool has ready can be shown.
    ``walks`` are those of visitors who lead covers just now.
    """

    def __init__(
        self,
        settings: Settings,
        bundled: Mapping[Kind, Path],
        guest_folders: Sequence[Path],
        retry_after: float,
        shelf: ShelfMaker | None,
    ) -> None:
        self._settings, self._bundled, self._guest_folders = settings, bundled, guest_folders
        self._retry_after, self._shelf = retry_after, shelf
        self._loaded: Pair | None = None
        self._faults: dict[Kind, tuple[str, ...]] = {}
        self._guests: tuple[Painter, ...] = ()
        self._hub: HubRefresh | None = None
        self._filling, self._given = False, deque[int](maxlen=CACHED_COVERS // COVERS // 2)
        self._lock, self._installing = threading.Lock(), threading.Lock()
        self._cache: OrderedDict[tuple[CoverIdentity, str], JudgedCover] = OrderedDict()
        self._pool: CoverPool | None = None
        painter, judge = (likely_revision(settings, kind, bundled[kind]) for kind in KINDS)
        if shelf is not None and painter and judge:
            self._pool = CoverPool(painter, judge, shelf)
        self.walks = WalkQueue()
        this = weakref.ref(self)  # The thread must not keep an exhibit alive that nobody uses.
        self._worker: NetworkWorker[PaintRequest, JudgedCover] = NetworkWorker(
            in_halves, self.walks.turn, lambda: (exhibit := this()) is not None and exhibit._fill()
        )
        weakref.finalize(self, self._worker.close)
        self._loading: Future[None] = self._worker.submit(self._load)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        bundled: Mapping[Kind, Path] = BUNDLED,
        guests: Sequence[Path] = GUESTS,
        retry_after: float = RETRY_AFTER,
        shelf: ShelfMaker | None = None,
    ) -> Exhibit:
        """Open with what is on this machine, and start fetching what is not.

        Args:
            bundled: checkpoints to fall back on.
            guests: further generators; the bundled one is a guest, too, where another one is at work.
            shelf: for covers that are ready in advance; if all that are put to the vote are, the networks
                are not waited for.

        Raises:
            CheckpointError: if not even a bundled checkpoint that is needed can be used.
        """
        exhibit = cls(settings, bundled, guests, retry_after, shelf)
        if exhibit._pool is None or not exhibit._pool.ballots_ready:
            exhibit.wait()
        return exhibit

    def wait(self) -> None:
        """Wait until the networks are loaded.

        Raises:
            CheckpointError: if not even a bundled checkpoint that is needed can be used.
        """
        wait_for(self._loading)

    def _load(self) -> None:
        """Load the networks. In their thread."""
        from albumjudge.inference import loading

        limit_threads()
        painter = loading.choose_painter(self._settings, self._bundled)
        judge = loading.choose_judge(self._settings, self._bundled)
        if painter.checkpoint.source == "bundled":
            resident = [painter.model]
        else:
            resident = loading.open_painters([self._bundled["generator"]])
        self._guests = (*resident, *loading.open_painters(self._guest_folders))
        self._faults = {"generator": painter.faults, "judge": judge.faults}
        pair = Pair(painter.model, judge.model, {"generator": painter.checkpoint, "judge": judge.checkpoint})
        self._serve_from(pair)
        missing: dict[Kind, HubAddress | None] = {"generator": painter.missing, "judge": judge.missing}
        wanted = {kind: address for kind, address in missing.items() if address is not None}
        self._hub = loading.HubRefresh(self._settings, self._install, wanted, self._retry_after)

    def _serve_from(self, pair: Pair) -> None:
        """Let a painter and a judge serve from now on."""
        with self._lock:
            self._loaded = pair
            pool, revisions = self._pool, (pair.painter.revision, pair.judge.revision)
            if pool is not None and self._shelf and (pool.painter, pool.judge) != revisions:
                self._pool = CoverPool(*revisions, self._shelf)

    @property
    def _pair(self) -> Pair:
        if self._loaded is None:
            self.wait()
        assert self._loaded is not None
        return self._loaded

    @property
    def painter_revision(self) -> str:
        """Whose covers hang now; known before the painter is loaded."""
        return self._revisions[0]

    @property
    def judge_revision(self) -> str:
        """Who judges now; known before the judge is loaded."""
        return self._revisions[1]

    @property
    def _revisions(self) -> tuple[str, str]:
        pool = self._pool
        if self._loaded is None and pool is not None and pool.ballots_ready:
            return pool.painter, pool.judge
        return self._pair.painter.revision, self._pair.judge.revision

    @property
    def painter(self) -> Painter:
        """Who paints now."""
        return self._pair.painter

    @property
    def painters(self) -> tuple[Painter, ...]:
        """Who can paint: the painter, then the guests."""
        first = self._pair.painter
        return (first, *(guest for guest in self._guests if guest.revision != first.revision))

    @property
    def judge(self) -> Judge:
        """Who judges now."""
        return self._pair.judge

    @property
    def checkpoints(self) -> dict[Kind, Checkpoint]:
        """What the two are made from now."""
        return dict(self._pair.checkpoints)

    def painter_of(self, revision: str) -> Painter | None:
        """The painter with this revision, None if there is none here."""
        return next((painter for painter in self.painters if painter.revision == revision), None)

    def follows_conditions(self, revision: str | None = None) -> bool:
        """Whether genres that a painter was asked for were recognised in its covers; True where not measured.

        Args:
            revision: of the painter; None for who paints now.
        """
        return self.checkpoints["generator"].follows_conditions(revision or self.painter.revision)

    def latent_size(self, revision: str) -> int:
        """How many numbers a painter here paints a cover from.

        Raises:
            CoverLinkError: if there is no painter with this revision.
        """
        painter = self.painter_of(revision)
        if painter is None:
            raise CoverLinkError(
                f"{revision} does not paint here any more. Here {self.painter.revision} paints."
            )
        return painter.network.latent_size

    @property
    def dcgan(self) -> Painter | None:
        """The first painter that is a DCGAN."""
        return next((one for one in self.painters if not one.conditional), None)

    def turn(self, start: CoverIdentity, knobs: Sequence[float]) -> CoverIdentity:
        """A DCGAN's cover, moved so far along the directions of :data:`albumjudge.inference.growth.PROPERTIES`.

        Raises:
            CoverLinkError: if no DCGAN here painted it.
        """
        from albumjudge.inference import growth

        network = self._dcgan_of(start)
        return self._worker.call(lambda: growth.turned(network, start, knobs))

    def grow(self, identity: CoverIdentity) -> Growth:
        """Paint a DCGAN's cover layer by layer, unjudged.

        Raises:
            CoverLinkError: if no DCGAN here painted it.
        """
        from albumjudge.inference import growth

        network = self._dcgan_of(identity)
        return self._worker.call(lambda: growth.grow(network, identity))

    def _dcgan_of(self, identity: CoverIdentity) -> Generator:
        from albumjudge.models.dcgan import Generator

        painter = self.painter_of(identity.generator)
        if painter is None or not isinstance(painter.network, Generator):
            raise CoverLinkError(f"No DCGAN here painted cover No. {identity.number}.")
        return painter.network

    def status(self) -> tuple[str, ...]:
        """Sentences on what is not as the settings ask: at most one for each of the two."""
        if self._hub is None:
            return ()
        lines = []
        for kind in KINDS:
            if said := (*self._faults[kind], *self._hub.status(kind)):
                name = self.checkpoints[kind].name
                lines.append(f"{' '.join(said)} The exhibit goes on with {name}.")
        return tuple(lines)

    def wait_for_hub(self, timeout: float) -> bool:
        """Wait until all that is to be fetched was tried once; whether that was within ``timeout`` seconds."""
        self.wait()
        return self._hub is not None and self._hub.wait(timeout)

    def close(self) -> None:
        """Ask the Hub no more and paint nothing in advance. The exhibit can still be used."""
        if self._hub is not None:
            self._hub.close()
        self._filling = False

    def fill_pool(self) -> None:
        """Begin to paint walls in idle time, see :class:`albumjudge.inference.pool.CoverPool`."""
        pair = self._pair
        if self._pool is None and self._shelf is not None:
            self._pool = CoverPool(pair.painter.revision, pair.judge.revision, self._shelf)
        self._filling = True
        self._worker.wake()

    def fresh_wall(self, besides: int | None = None) -> int:
        """The number of a wall that is ready and new to all visitors if there is one; never ``besides``."""
        taken = pool.take() if (pool := self._pool) is not None else None
        self._worker.wake()
        if taken is None:
            self._given.rotate()  # With the database away, those that are still in memory hang again.
            return next((number for number in self._given if number != besides), None) or new_wall()
        if taken[0] == besides:
            return new_wall()
        number, covers = taken
        self._given.append(number)
        self._remember({(one.cover.identity, one.verdict.revision): one for one in covers})
        return number

    def show(self, seeds: Sequence[int]) -> list[JudgedCover]:
        """Paint and judge the covers of these seeds, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        return self.show_each([CoverIdentity(self.painter_revision, seed) for seed in seeds])

    def show_each(self, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        """Paint and judge covers again, in their order.

        Raises:
            CoverLinkError: if nobody here can paint one of them.
        """
        revision = self.judge_revision
        keys = list(dict.fromkeys((identity, revision) for identity in identities))
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
        if (pool := self._pool) is not None and pool.judge == revision:
            found = {(one, revision): judged for one, judged in pool.find(identities).items()} | found
        if missing := [identity for identity, _ in keys if (identity, revision) not in found]:
            pair = self._pair
            new = self._worker.values([self._request(pair, identity) for identity in missing])
            found |= {(request.identity, revision): judged for request, judged in new.items()}
        self._remember(found)
        return [found[identity, revision] for identity in identities]

    def show_identity(self, identity: CoverIdentity) -> JudgedCover:
        """Paint and judge one cover again; see :meth:`show_each`."""
        return self.show_each([identity])[0]

    def judge_picture(self, picture: HasPixels) -> Verdict:
        """Judge a picture of 64x64 pixels that nobody here painted; it is not remembered."""
        judge = self._pair.judge
        return self._worker.call(lambda: judge.judge([picture])[0])

    def steer(self, start: CoverIdentity, target: SteeringTarget) -> Iterator[JudgedCover]:
        """Lead a cover towards an emotion, frame by frame; see :mod:`albumjudge.inference.steering`.

        Raises:
            CoverLinkError: if nobody here can paint ``start``.
        """
        walk = Walk(self.painter_of(start.generator) or self.painter, self.judge, start, target)
        for frame in self.walks.lead(walk, self._worker.wake):
            self._remember({(frame.cover.identity, frame.verdict.revision): frame})
            yield frame

    def saliency_png(self, picture: HasPixels, emotion: str, *, enlarge: int = 1) -> bytes:
        """A picture as PNG, dimmed where it does not speak for an emotion."""
        from albumjudge.inference.saliency import picture_png

        network = self._pair.judge.network
        return self._worker.call(lambda: picture_png(network, picture, emotion, enlarge))

    def saliency_pngs(self, judged: JudgedCover, *, enlarge: int = 1) -> list[bytes]:
        """The cover as PNG once for each juror, dimmed where it does not speak for that one's first emotion.

        Raises:
            ValueError: if another jury judged the cover, or only its mean was kept.
        """
        judge, jurors = self._pair.judge, judged.verdict.jurors
        if judged.verdict.revision != judge.revision or len(jurors) != len(judge.juror_names):
            raise ValueError(f"These jurors are not those of {judge.revision}. Show them the cover again.")
        from albumjudge.inference.saliency import juror_pngs

        return self._worker.call(lambda: juror_pngs(judge.network, judged, enlarge))

    def _request(self, pair: Pair, identity: CoverIdentity) -> PaintRequest:
        # A painter that is not here: the one that is says so in a sentence.
        painter = next((one for one in self.painters if one.revision == identity.generator), pair.painter)
        painter.check(identity)
        return PaintRequest(painter, pair.judge, identity)

    def _fill(self) -> bool:
        """A piece of idle work: a few covers for the pool. In the networks' thread."""
        pool, pair = self._pool, self._loaded
        if not self._filling or pool is None or pair is None:
            return False

        def show(identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
            requests = [PaintRequest(pair.painter, pair.judge, identity) for identity in identities]
            return list(paint_and_judge(requests).values())

        return pool.fill(show)

    def _remember(self, shown: Mapping[tuple[CoverIdentity, str], JudgedCover]) -> None:
        with self._lock:
            for key, judged in shown.items():
                self._cache[key] = judged
                self._cache.move_to_end(key)
            while len(self._cache) > CACHED_COVERS:
                self._cache.popitem(last=False)

    def _install(self, kind: Kind, checkpoint: Checkpoint) -> None:
        """Let a checkpoint that was fetched serve from now on."""
        from albumjudge.inference import loading

        new = loading.open_painter(checkpoint) if kind == "generator" else loading.open_judge(checkpoint)
        with self._installing:
            checkpoints = {**self._pair.checkpoints, kind: checkpoint}
            role = "painter" if kind == "generator" else "judge"
            pair = replace(self._pair, checkpoints=checkpoints, **{role: new})  # type: ignore[arg-type]
            self._serve_from(pair)
        self._worker.wake()
