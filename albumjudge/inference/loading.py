"""Which painter and judge serve: those of a folder, of the Hub's cache, or the bundled ones, tried out.

What the settings name on the Hub is fetched in threads of its own: visitors never wait for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.hub_address import HubAddress, HubError
from albumjudge.domain.settings import Settings
from albumjudge.inference.checkpoints import fetch_checkpoint, load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import Checkpoint, CheckpointError, Kind, hub_address, hub_cache, places
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter

COVER_SIDE = 64
Model = TypeVar("Model")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Choice(Generic[Model]):
    """What serves now.

    Attributes:
        model: the painter or the judge.
        checkpoint: it was made from.
        faults: sentences that say why it is not what the settings ask for.
        missing: is still to be fetched from the Hub.
    """

    model: Model
    checkpoint: Checkpoint
    faults: tuple[str, ...] = ()
    missing: HubAddress | None = None


def open_painter(checkpoint: Checkpoint) -> Painter:
    """Load a painter and paint one cover.

    Raises:
        CheckpointError: if it cannot be used.
    """
    network = load_generator(checkpoint)
    if network.size != COVER_SIDE:
        raise CheckpointError(
            f"{checkpoint.revision} paints covers of {network.size}x{network.size} pixels; here they are "
            f"{COVER_SIDE}x{COVER_SIDE}."
        )
    painter = Painter(network, checkpoint.revision)
    painter.paint([0])
    return painter


def open_judge(checkpoint: Checkpoint) -> Judge:
    """Load a judge and judge one cover.

    Raises:
        CheckpointError: if it cannot be used.
    """
    judge = Judge(load_judge(checkpoint), checkpoint.revision)
    grey = np.full((COVER_SIDE, COVER_SIDE, 3), 128, dtype=np.uint8)
    try:
        judge.judge([Cover(CoverIdentity(checkpoint.revision, 0), grey)])
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint.revision} cannot judge a cover ({error}).") from error
    return judge


def open_painters(folders: Sequence[Path]) -> list[Painter]:
    """Bundled painters; those that cannot be used are logged and left out."""
    painters: dict[str, Painter] = {}
    for folder in folders:
        try:
            checkpoint = read_checkpoint(folder, "generator", "bundled")
            painters.setdefault(checkpoint.revision, open_painter(checkpoint))
        except CheckpointError as error:
            _log.warning("%s It is left out.", error)
    return list(painters.values())


def choose_painter(settings: Settings, bundled: Mapping[Kind, Path]) -> Choice[Painter]:
    """The painter of the folder, else of the Hub's cache, else the bundled one.

    Raises:
        CheckpointError: if not even the bundled one can be used.
    """
    return _choose("generator", open_painter, settings, bundled["generator"])


def choose_judge(settings: Settings, bundled: Mapping[Kind, Path]) -> Choice[Judge]:
    """As :func:`choose_painter`, for the judge."""
    return _choose("judge", open_judge, settings, bundled["judge"])


def _choose(
    kind: Kind, open_model: Callable[[Checkpoint], Model], settings: Settings, bundled: Path
) -> Choice[Model]:
    faults: list[str] = []
    missing: HubAddress | None = None
    for folder, source in places(settings, kind, bundled):
        checkpoint = None
        try:
            checkpoint = read_checkpoint(folder, kind, source)
            return Choice(open_model(checkpoint), checkpoint, tuple(faults), missing)
        except CheckpointError as error:
            if source == "hub" and checkpoint is None:
                missing = hub_address(settings, kind)
            else:  # Of the Hub, too: the commit is pinned, so fetching it anew would bring the same.
                faults.append(str(error))
    *others, last = faults
    raise CheckpointError(
        " ".join([*others, f"The bundled {kind} cannot be used: {last}"])
        + f" Restore it, or name a good one in ALBUMJUDGE_{kind.upper()}_DIR."
    )


class HubRefresh:
    """One thread for each checkpoint that is to be fetched; a fault that may pass is tried again.

    Args:
        install: puts a verified checkpoint in place; may raise :class:`CheckpointError`.
        missing: what is to be fetched.
        retry_after: seconds until the Hub is asked again.
    """

    def __init__(
        self,
        settings: Settings,
        install: Callable[[Kind, Checkpoint], None],
        missing: Mapping[Kind, HubAddress],
        retry_after: float,
    ) -> None:
        self._settings, self._install, self._retry_after = settings, install, retry_after
        self._said = {
            kind: f"The {kind} {address.short} is being fetched from the Hub."
            for kind, address in missing.items()
        }
        self._tried = {kind: threading.Event() for kind in missing}
        self._closed = threading.Event()
        for kind, address in missing.items():
            threading.Thread(
                target=self._keep_fetching, args=(kind, address), name=f"hub-{kind}", daemon=True
            ).start()

    def status(self, kind: Kind) -> tuple[str, ...]:
        """A sentence on what is being fetched or what failed; none where all is well."""
        said = self._said.get(kind)
        return () if said is None else (said,)

    def wait(self, timeout: float) -> bool:
        """Wait until everything was tried once; whether that happened within ``timeout`` seconds."""
        end = time.monotonic() + timeout
        return all(tried.wait(max(0.0, end - time.monotonic())) for tried in self._tried.values())

    def close(self) -> None:
        """Try nothing again."""
        self._closed.set()

    def _keep_fetching(self, kind: Kind, address: HubAddress) -> None:
        while True:
            fault, may_pass = self._fetch(kind, address)
            if fault is None:
                self._said.pop(kind, None)
            else:
                _log.warning("%s", fault)
                self._said[kind] = fault
            self._tried[kind].set()
            if not may_pass or self._closed.wait(self._retry_after):
                return

    def _fetch(self, kind: Kind, address: HubAddress) -> tuple[str | None, bool]:
        """What went wrong, if anything, and whether it may pass."""
        try:
            checkpoint = fetch_checkpoint(
                address,
                hub_cache(self._settings),
                kind,
                endpoint=self._settings.hub_endpoint,
                deadline=self._settings.hub_deadline,
            )
            self._install(kind, checkpoint)
        except HubError as error:
            return str(error), error.passing
        except CheckpointError as error:
            return str(error), False
        except Exception as error:  # Nobody would see the thread die.
            _log.exception("Fetching %s from the Hub failed", address)
            return f"Fetching {address.short} from the Hub failed ({error!r}).", False
        return None, False
