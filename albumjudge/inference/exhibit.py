"""The exhibit: painters and a judge that are always there, and the covers that they show.

Painter and judge each come from the folder that a setting names, else from a pinned commit on the Hub, else
from the bundled checkpoint. What is on this machine serves at once; what must be fetched takes its place
later. The other bundled painters paint, too, where a cover's identity names them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, HasPixels
from albumjudge.domain.hub_address import HubAddress
from albumjudge.domain.settings import Settings
from albumjudge.domain.verdict import JudgedCover as JudgedCover
from albumjudge.domain.verdict import Verdict
from albumjudge.inference import loading
from albumjudge.inference.checkpoints import BUNDLED, GUESTS, KINDS, Checkpoint, Kind
from albumjudge.inference.hub_refresh import HubRefresh
from albumjudge.inference.judge import Judge, as_images
from albumjudge.inference.loading import Choice
from albumjudge.inference.painter import Painter
from albumjudge.inference.saliency import saliency, saliency_by_juror, spotlight
from albumjudge.inference.steering import SteeringTarget, steer

CACHED_COVERS = 512
"""Judged covers kept in memory, 12 kB each: a page that is drawn again shows the same ones."""
RETRY_AFTER = 600.0
"""Seconds until the Hub is asked again after a fault that may pass."""
LEAST_ACCURACY = 1.5
"""Times chance: a classifier must recognise the genre that a painter was asked for at least this often."""


@dataclass(frozen=True, eq=False)
class _Pair:
    """Painter and judge that serve together; replaced as a whole."""

    painter: Painter
    judge: Judge
    checkpoints: dict[Kind, Checkpoint]


class Exhibit:
    """What pages show from, made by :meth:`open`. Several threads may share one."""

    def __init__(
        self,
        settings: Settings,
        painter: Choice[Painter],
        judge: Choice[Judge],
        guests: Sequence[Painter] = (),
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self._pair = _Pair(
            painter.model, judge.model, {"generator": painter.checkpoint, "judge": judge.checkpoint}
        )
        self._faults: dict[Kind, tuple[str, ...]] = {"generator": painter.faults, "judge": judge.faults}
        self._guests = tuple(guests)
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[CoverIdentity, str], JudgedCover] = OrderedDict()
        missing: dict[Kind, HubAddress | None] = {"generator": painter.missing, "judge": judge.missing}
        wanted = {kind: address for kind, address in missing.items() if address is not None}
        self._hub = HubRefresh(settings, self._install, wanted, retry_after)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        bundled: Mapping[Kind, Path] = BUNDLED,
        guests: Sequence[Path] = GUESTS,
        retry_after: float = RETRY_AFTER,
    ) -> Exhibit:
        """Open with what is on this machine, and start fetching what is not.

        Args:
            bundled: checkpoints to fall back on.
            guests: further generators; the bundled one is a guest, too, where another one is at work.
            retry_after: seconds.

        Raises:
            CheckpointError: if not even a bundled checkpoint that is needed can be used.
        """
        painter = loading.choose_painter(settings, bundled)
        judge = loading.choose_judge(settings, bundled)
        if painter.checkpoint.source == "bundled":
            resident = [painter.model]
        else:
            resident = loading.open_painters([bundled["generator"]])
        return cls(settings, painter, judge, [*resident, *loading.open_painters(guests)], retry_after)

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
        table = self.checkpoints["generator"].metrics.get("painter_conditioning", {})
        rows = table.get("rows", {}) if isinstance(table, dict) else {}
        row = rows.get(revision or self.painter.revision, {})
        try:
            return bool(row["genre_accuracy"] >= LEAST_ACCURACY * row["genre_chance"])
        except KeyError:
            return True

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

    def status(self) -> tuple[str, ...]:
        """Sentences on what is not as the settings ask: at most one for each of the two."""
        lines = []
        for kind in KINDS:
            if said := (*self._faults[kind], *self._hub.status(kind)):
                name = self.checkpoints[kind].name
                lines.append(f"{' '.join(said)} The exhibit goes on with {name}.")
        return tuple(lines)

    def wait_for_hub(self, timeout: float) -> bool:
        """Wait until all that is to be fetched was tried once; for tests and scripts, not pages.

        Returns:
            whether that happened within ``timeout`` seconds.
        """
        return self._hub.wait(timeout)

    def close(self) -> None:
        """Ask the Hub no more. The exhibit can still be used."""
        self._hub.close()

    def show(self, seeds: Sequence[int]) -> list[JudgedCover]:
        """Paint and judge the covers of these seeds, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        pair = self._pair
        return self._show(pair, [CoverIdentity(pair.painter.revision, seed) for seed in seeds])

    def show_each(self, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        """Paint and judge covers again, in their order.

        Raises:
            CoverLinkError: if nobody here can paint one of them.
        """
        return self._show(self._pair, identities)

    def show_identity(self, identity: CoverIdentity) -> JudgedCover:
        """Paint and judge one cover again; see :meth:`show_each`."""
        return self.show_each([identity])[0]

    def judge_picture(self, picture: HasPixels) -> Verdict:
        """Judge a picture of 64x64 pixels that nobody here painted; it is not remembered."""
        return self._pair.judge.judge([picture])[0]

    def steer(self, start: CoverIdentity, target: SteeringTarget) -> Iterator[JudgedCover]:
        """Lead a cover towards an emotion, frame by frame; see :func:`albumjudge.inference.steering.steer`.

        Raises:
            CoverLinkError: if nobody here can paint ``start``.
        """
        judge = self.judge
        painted = self.show_identity(start).cover
        painter = self.painter_of(start.generator) or self.painter
        for frame in steer(painter, judge, start, target, painted=painted):
            self._remember({(frame.cover.identity, frame.verdict.revision): frame})
            yield frame

    def saliency_png(self, picture: HasPixels, emotion: str, *, enlarge: int = 1) -> bytes:
        """A picture as PNG, dimmed where it does not speak for an emotion.

        Args:
            enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.
        """
        index = torch.tensor([emotions.index(emotion)])
        salience = saliency(self._pair.judge.network, as_images([picture]), index)
        return spotlight(picture, salience[0].numpy(), enlarge)

    def saliency_pngs(self, judged: JudgedCover, *, enlarge: int = 1) -> list[bytes]:
        """The cover as PNG once for each juror, dimmed where it does not speak for that one's first emotion.

        Args:
            enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.

        Raises:
            ValueError: if another jury judged the cover, or only its mean was kept.
        """
        judge, jurors = self._pair.judge, judged.verdict.jurors
        if judged.verdict.revision != judge.revision or len(jurors) != len(judge.juror_names):
            raise ValueError(f"These jurors are not those of {judge.revision}. Show them the cover again.")
        firsts = torch.tensor([emotions.index(emotions.top(juror.probabilities)) for juror in jurors])
        salience = saliency_by_juror(judge.network, as_images([judged.cover])[0], firsts)
        return [spotlight(judged.cover, one.numpy(), enlarge) for one in salience]

    def _show(self, pair: _Pair, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        keys = [(identity, pair.judge.revision) for identity in identities]
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
        new = list(dict.fromkeys(key for key in keys if key not in found))
        covers = self._paint([identity for identity, _ in new])
        for key, cover, verdict in zip(new, covers, pair.judge.judge(covers), strict=True):
            found[key] = JudgedCover(cover, verdict)
        self._remember({key: found[key] for key in keys})
        return [found[key] for key in keys]

    def _paint(self, identities: Sequence[CoverIdentity]) -> list[Cover]:
        by_painter: dict[str, list[CoverIdentity]] = {}
        for identity in identities:
            by_painter.setdefault(identity.generator, []).append(identity)
        painted: dict[CoverIdentity, Cover] = {}
        for revision, theirs in by_painter.items():
            # A painter that is not here: the one that is says so in a sentence.
            for cover in (self.painter_of(revision) or self.painter).paint_each(theirs):
                painted[cover.identity] = cover
        return [painted[identity] for identity in identities]

    def _remember(self, shown: Mapping[tuple[CoverIdentity, str], JudgedCover]) -> None:
        with self._lock:
            for key, judged in shown.items():
                self._cache[key] = judged
                self._cache.move_to_end(key)
            while len(self._cache) > CACHED_COVERS:
                self._cache.popitem(last=False)

    def _install(self, kind: Kind, checkpoint: Checkpoint) -> None:
        """Let a checkpoint that was fetched serve from now on."""
        if kind == "generator":
            painter = loading.open_painter(checkpoint)
            with self._lock:
                self._pair = replace(
                    self._pair, painter=painter, checkpoints=self.checkpoints | {kind: checkpoint}
                )
        else:
            judge = loading.open_judge(checkpoint)
            with self._lock:
                self._pair = replace(
                    self._pair, judge=judge, checkpoints=self.checkpoints | {kind: checkpoint}
                )
