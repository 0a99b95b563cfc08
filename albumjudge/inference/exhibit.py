"""The exhibit: a painter and a judge that are always there, whatever happens to the places they come from.

Each of the two comes from the folder that a setting names, else from the pinned commit on the Hub, else from
the bundled checkpoint. What is on this machine serves at once. What must be fetched is fetched in a thread of
its own, verified, tried out, and only then put in place: a visitor never waits for the Hub.

Beside the painter there are guests: the other bundled generators. They paint when they are asked for by name,
so that two painters can be compared, and a link to a cover lives as long as its painter is bundled.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError, HasPixels
from albumjudge.domain.settings import Settings
from albumjudge.domain.verdict import JudgedCover as JudgedCover
from albumjudge.domain.verdict import Verdict
from albumjudge.inference.checkpoints import (
    BUNDLED,
    GUESTS,
    KINDS,
    Checkpoint,
    CheckpointError,
    Kind,
    cached,
    fetch_checkpoint,
    load_generator,
    load_judge,
    read_checkpoint,
)
from albumjudge.inference.hub import HubAddress, HubError
from albumjudge.inference.judge import Judge, as_images
from albumjudge.inference.painter import Painter
from albumjudge.inference.saliency import saliency, saliency_by_juror, spotlight
from albumjudge.inference.steering import Steering, SteeringTarget

COVER_SIDE = 64
KEPT = 512
"""How many shown covers are remembered, 12 kB each: a page that is drawn again shows the same ones again."""
RETRY_AFTER = 600.0
"""Seconds until the Hub is asked again after a fault that may pass."""

Worker = TypeVar("Worker")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _OnShow:
    """One consistent pair; replaced as a whole, so that no visitor meets half of a switch."""

    painter: Painter
    judge: Judge
    checkpoints: dict[Kind, Checkpoint]


@dataclass(frozen=True, eq=False)
class _Choice(Generic[Worker]):
    """What serves now, why it is not what was asked for, and what is still to be fetched."""

    worker: Worker
    checkpoint: Checkpoint
    faults: tuple[str, ...] = ()
    missing: HubAddress | None = None


class Exhibit:
    """What pages show from, made by :meth:`open`. Several threads may share one."""

    def __init__(
        self,
        settings: Settings,
        painter: _Choice[Painter],
        judge: _Choice[Judge],
        guests: Sequence[Painter] = (),
    ) -> None:
        choices: dict[Kind, _Choice[Painter] | _Choice[Judge]] = {"generator": painter, "judge": judge}
        self._settings = settings
        self._on_show = _OnShow(
            painter.worker, judge.worker, {kind: choice.checkpoint for kind, choice in choices.items()}
        )
        self._lock = threading.Lock()
        self._faults = {kind: choice.faults for kind, choice in choices.items()}
        self._fetching = {kind: choice.missing for kind, choice in choices.items() if choice.missing}
        self._tried = {kind: threading.Event() for kind in self._fetching}
        self._closed = threading.Event()
        self._shown: OrderedDict[tuple[CoverIdentity, str], JudgedCover] = OrderedDict()
        self._guests = tuple(guests)
        self._steering: dict[tuple[str, str], Steering] = {}

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
        painter = _choose("generator", _hire_painter, settings.generator_directory, settings, bundled)
        judge = _choose("judge", _hire_judge, settings.judge_directory, settings, bundled)
        if painter.checkpoint.source == "bundled":
            resident = [painter.worker]
        else:
            resident = _invite([bundled["generator"]])
        exhibit = cls(settings, painter, judge, [*resident, *_invite(guests)])
        for kind, address in list(exhibit._fetching.items()):
            threading.Thread(
                target=exhibit._keep_fetching,
                args=(kind, address, retry_after),
                name=f"hub-{kind}",
                daemon=True,
            ).start()
        return exhibit

    @property
    def painter(self) -> Painter:
        """Who paints now."""
        return self._on_show.painter

    @property
    def painters(self) -> tuple[Painter, ...]:
        """Who can paint: the painter, then the guests."""
        first = self._on_show.painter
        return (first, *(guest for guest in self._guests if guest.revision != first.revision))

    @property
    def heeds_orders(self) -> bool:
        """Whether who paints now :meth:`heeds`."""
        return self.heeds(self.painter.revision)

    def heeds(self, revision: str) -> bool:
        """Whether what a painter is asked for was seen in its covers when that was measured.

        True where nobody measured it. A classifier that learned from real covers must read the genre back from
        painted ones at least half more often than chance would.
        """
        table = self.checkpoints["generator"].metrics.get("painter_conditioning", {})
        row = table.get("rows", {}).get(revision, {}) if isinstance(table, dict) else {}
        try:
            return bool(row["genre_accuracy"] >= 1.5 * row["genre_chance"])
        except KeyError:
            return True

    def painter_of(self, revision: str) -> Painter | None:
        """The painter with this revision, None if there is none here."""
        return next((painter for painter in self.painters if painter.revision == revision), None)

    @property
    def judge(self) -> Judge:
        """Who judges now."""
        return self._on_show.judge

    @property
    def checkpoints(self) -> dict[Kind, Checkpoint]:
        """What the two are made from now."""
        return dict(self._on_show.checkpoints)

    def status(self) -> tuple[str, ...]:
        """Say what is not as the settings ask, for a status line: at most one entry for each of the two.

        Empty if all is as configured.
        """
        with self._lock:
            faults, fetching, on_show = dict(self._faults), dict(self._fetching), self._on_show
        lines = []
        for kind in KINDS:
            said = list(faults[kind])
            if kind in fetching:
                said.append(f"The {kind} {fetching[kind].short} is being fetched from the Hub.")
            if said:
                lines.append(f"{' '.join(said)} The exhibit goes on with {on_show.checkpoints[kind].name}.")
        return tuple(lines)

    def show(self, seeds: Sequence[int]) -> list[JudgedCover]:
        """Paint and judge the covers of these seeds, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        on_show = self._on_show
        return self._show(on_show, [CoverIdentity(on_show.painter.revision, seed) for seed in seeds])

    def show_each(self, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        """Paint and judge covers again, in their order.

        Raises:
            CoverLinkError: if nobody here can paint one of them.
        """
        return self._show(self._on_show, identities)

    def show_identity(self, identity: CoverIdentity) -> JudgedCover:
        """Paint and judge one cover again; see :meth:`show_each`."""
        return self.show_each([identity])[0]

    def where(self, judged: JudgedCover, *, enlarge: int = 1) -> bytes:
        """The cover as PNG, dimmed where it does not speak for what the jury feels most.

        Args:
            enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.
        """
        return self.where_in(judged.cover, judged.verdict.top, enlarge=enlarge)

    def where_in(self, picture: HasPixels, feeling: str, *, enlarge: int = 1) -> bytes:
        """Any picture as PNG, dimmed where it does not speak for a feeling; see :meth:`where`."""
        emotion = torch.tensor([emotions.index(feeling)])
        heat = saliency(self._on_show.judge.network, as_images([picture]), emotion)
        return spotlight(picture, heat[0].numpy(), enlarge)

    def judge_picture(self, picture: HasPixels) -> Verdict:
        """Judge a picture that nobody here painted, so that it has no identity; it is not remembered.

        Args:
            picture: of 64x64 pixels, as covers are.
        """
        return self._on_show.judge.judge([picture])[0]

    def steer(self, start: CoverIdentity, wish: SteeringTarget) -> Iterator[JudgedCover]:
        """Lead a cover towards an emotion, frame by frame; see :meth:`albumjudge.inference.steering.Steering.walk`.

        Raises:
            CoverLinkError: if nobody here can paint ``start``.
        """
        painted = self.show_identity(start).cover
        painter, judge = self.painter_of(start.generator) or self.painter, self.judge
        key = (painter.revision, judge.revision)
        with self._lock:
            steering = self._steering.get(key)
        if steering is None:
            steering = Steering(painter, judge)
            with self._lock:
                self._steering = {**self._steering, key: steering}
        return self._remembering(steering.walk(start, wish, painted=painted))

    def where_each(self, judged: JudgedCover, *, enlarge: int = 1) -> list[bytes]:
        """The cover as PNG once for each juror, dimmed where it does not speak for what that one feels most.

        Args:
            enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.

        Raises:
            ValueError: if another jury judged the cover, or only its mean was kept.
        """
        judge = self._on_show.judge
        jurors = judged.verdict.jurors
        if judged.verdict.revision != judge.revision or len(jurors) != len(judge.lives):
            raise ValueError(f"These jurors are not those of {judge.revision}. Show them the cover again.")
        firsts = torch.tensor([emotions.index(emotions.top(juror.probabilities)) for juror in jurors])
        heat = saliency_by_juror(judge.network, as_images([judged.cover])[0], firsts)
        return [spotlight(judged.cover, one.numpy(), enlarge) for one in heat]

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

    def wait_for_hub(self, timeout: float) -> bool:
        """Wait until all that is to be fetched was tried once, well or ill; for tests and scripts, not pages.

        Returns:
            whether that happened within ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        return all(tried.wait(max(0.0, end - time.monotonic())) for tried in self._tried.values())

    def close(self) -> None:
        """Ask the Hub no more. The exhibit can still be used."""
        self._closed.set()

    def _show(self, on_show: _OnShow, identities: Sequence[CoverIdentity]) -> list[JudgedCover]:
        keys = [(identity, on_show.judge.revision) for identity in identities]
        with self._lock:
            found = {key: self._shown[key] for key in keys if key in self._shown}
        new = list(dict.fromkeys(key for key in keys if key not in found))
        covers = self._paint([identity for identity, _ in new])
        for key, cover, verdict in zip(new, covers, on_show.judge.judge(covers), strict=True):
            found[key] = JudgedCover(cover, verdict)
        self._remember({key: found[key] for key in keys})
        return [found[key] for key in keys]

    def _remember(self, shown: Mapping[tuple[CoverIdentity, str], JudgedCover]) -> None:
        with self._lock:
            for key, judged in shown.items():
                self._shown[key] = judged
                self._shown.move_to_end(key)
            while len(self._shown) > KEPT:
                self._shown.popitem(last=False)

    def _remembering(self, frames: Iterator[JudgedCover]) -> Iterator[JudgedCover]:
        """The same frames; the page that shows where they led need not have it painted and judged again."""
        for judged in frames:
            self._remember({(judged.cover.identity, judged.verdict.revision): judged})
            yield judged

    def _paint(self, identities: Sequence[CoverIdentity]) -> list[Cover]:
        by_painter: dict[str, list[CoverIdentity]] = {}
        for identity in identities:
            by_painter.setdefault(identity.generator, []).append(identity)
        painted: dict[CoverIdentity, Cover] = {}
        for revision, asked in by_painter.items():
            # Nobody's covers go to the painter, who says in a sentence that they are not his.
            for cover in (self.painter_of(revision) or self.painter).paint_each(asked):
                painted[cover.identity] = cover
        return [painted[identity] for identity in identities]

    def _keep_fetching(self, kind: Kind, address: HubAddress, retry_after: float) -> None:
        """Fetch until it is there or will never be; a fault that may pass is waited out."""
        before = self._faults[kind]
        while True:
            try:
                self._fetch(kind, address, before)
                fault = None
            except HubError as error:
                fault, passing = str(error), error.passing
            except CheckpointError as error:
                fault, passing = str(error), False
            except Exception as error:  # The last resort of a thread that nobody would hear die.
                _log.exception("Fetching %s from the Hub failed", address)
                fault, passing = f"Fetching {address.short} from the Hub failed ({error!r}).", False
            if fault is not None:
                _log.warning("%s", fault)
                with self._lock:
                    self._faults[kind] = (*before, fault)
                    self._fetching.pop(kind, None)
            self._tried[kind].set()
            if fault is None or not passing or self._closed.wait(retry_after):
                return

    def _fetch(self, kind: Kind, address: HubAddress, faults: tuple[str, ...]) -> None:
        checkpoint = fetch_checkpoint(
            address,
            _cache(self._settings),
            kind,
            endpoint=self._settings.hub_endpoint,
            deadline=self._settings.hub_deadline,
        )
        new: dict[str, Painter | Judge]
        if kind == "generator":
            new = {"painter": _hire_painter(checkpoint)}
        else:
            new = {"judge": _hire_judge(checkpoint)}
        with self._lock:
            checkpoints = {**self._on_show.checkpoints, kind: checkpoint}
            self._on_show = replace(self._on_show, checkpoints=checkpoints, **new)  # type: ignore[arg-type]
            self._faults[kind] = faults
            self._fetching.pop(kind, None)


def _cache(settings: Settings) -> Path:
    return settings.data_directory / "hub"


def _choose(
    kind: Kind,
    hire: Callable[[Checkpoint], Worker],
    directory: Path | None,
    settings: Settings,
    bundled: Mapping[Kind, Path],
) -> _Choice[Worker]:
    """The best of what is on this machine, in the order of the module's docstring."""
    text = settings.generator_hub if kind == "generator" else settings.judge_hub
    missing: HubAddress | None = None
    faults: tuple[str, ...] = ()
    if directory is not None:
        try:
            checkpoint = read_checkpoint(directory, kind, "directory")
            return _Choice(hire(checkpoint), checkpoint)
        except CheckpointError as error:
            faults = (str(error),)
    if text is not None:
        address = HubAddress.parse(text)
        found = cached(address, _cache(settings), kind)
        if found is None:
            missing = address
        else:
            try:
                return _Choice(hire(found), found, faults)
            except CheckpointError as error:  # The commit is pinned: fetching it anew would bring the same.
                faults = (*faults, str(error))
    try:
        checkpoint = read_checkpoint(bundled[kind], kind, "bundled")
        return _Choice(hire(checkpoint), checkpoint, faults, missing)
    except CheckpointError as error:
        raise CheckpointError(
            " ".join([*faults, f"The bundled {kind} cannot be used: {error}"])
            + f" Restore it, or name a good one in ALBUMJUDGE_{kind.upper()}_DIR."
        ) from error


def _invite(folders: Sequence[Path]) -> list[Painter]:
    """Those of the bundled generators that are whole; no visitor misses one that is not."""
    guests: dict[str, Painter] = {}
    for folder in folders:
        try:
            checkpoint = read_checkpoint(folder, "generator", "bundled")
            guests.setdefault(checkpoint.revision, _hire_painter(checkpoint))
        except CheckpointError as error:
            _log.warning("%s It paints no more.", error)
    return list(guests.values())


def _hire_painter(checkpoint: Checkpoint) -> Painter:
    network = load_generator(checkpoint)
    if network.size != COVER_SIDE:
        raise CheckpointError(
            f"{checkpoint.revision} paints covers of {network.size}x{network.size} pixels; here they are "
            f"{COVER_SIDE}x{COVER_SIDE}."
        )
    painter = Painter(network, checkpoint.revision)
    painter.paint([0])
    return painter


def _hire_judge(checkpoint: Checkpoint) -> Judge:
    judge = Judge(load_judge(checkpoint), checkpoint.revision)
    grey = np.full((COVER_SIDE, COVER_SIDE, 3), 128, dtype=np.uint8)
    try:
        judge.judge([Cover(CoverIdentity(checkpoint.revision, 0), grey)])
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint.revision} cannot judge a cover ({error}).") from error
    return judge
