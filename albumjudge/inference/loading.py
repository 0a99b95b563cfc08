"""Which painter and judge serve: those of a folder, of the Hub's cache, or the bundled ones, tried out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.hub_address import HubAddress
from albumjudge.domain.settings import Settings
from albumjudge.inference.checkpoints import (
    Checkpoint,
    CheckpointError,
    Kind,
    cached,
    load_generator,
    load_judge,
    read_checkpoint,
)
from albumjudge.inference.folders import asked_for
from albumjudge.inference.folders import hub_cache as hub_cache
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


def choose_painter(settings: Settings, bundled: Mapping[Kind, Path]) -> Choice[Painter]:
    """The painter of the folder, else of the Hub's cache, else the bundled one.

    Raises:
        CheckpointError: if not even the bundled one can be used.
    """
    return _choose("generator", open_painter, settings, bundled["generator"])


def choose_judge(settings: Settings, bundled: Mapping[Kind, Path]) -> Choice[Judge]:
    """As :func:`choose_painter`, for the judge."""
    return _choose("judge", open_judge, settings, bundled["judge"])


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


def _choose(
    kind: Kind, open_model: Callable[[Checkpoint], Model], settings: Settings, bundled: Path
) -> Choice[Model]:
    directory, hub = asked_for(settings, kind)
    missing: HubAddress | None = None
    faults: tuple[str, ...] = ()
    if directory is not None:
        try:
            checkpoint = read_checkpoint(directory, kind, "directory")
            return Choice(open_model(checkpoint), checkpoint)
        except CheckpointError as error:
            faults = (str(error),)
    if hub is not None:
        address = HubAddress.parse(hub)
        found = cached(address, hub_cache(settings), kind)
        if found is None:
            missing = address
        else:
            try:
                return Choice(open_model(found), found, faults)
            except CheckpointError as error:  # The commit is pinned: fetching it anew would bring the same.
                faults = (*faults, str(error))
    try:
        checkpoint = read_checkpoint(bundled, kind, "bundled")
        return Choice(open_model(checkpoint), checkpoint, faults, missing)
    except CheckpointError as error:
        raise CheckpointError(
            " ".join([*faults, f"The bundled {kind} cannot be used: {error}"])
            + f" Restore it, or name a good one in ALBUMJUDGE_{kind.upper()}_DIR."
        ) from error
