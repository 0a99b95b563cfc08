"""Folders of checkpoints: the bundled ones, and what anyone's says of itself. Loads no PyTorch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from albumjudge.domain.hub_address import HubAddress
from albumjudge.domain.settings import Settings

Kind = Literal["generator", "judge"]
Source = Literal["directory", "hub", "bundled"]
KINDS: tuple[Kind, ...] = ("generator", "judge")
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
BUNDLED: dict[Kind, Path] = {kind: CHECKPOINTS / kind for kind in KINDS}
GUESTS = tuple(CHECKPOINTS / f"generator-{name}" for name in ("seed", "plain"))
"""Further generators, to compare."""
WEIGHTS = "model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
"""Endings of files that may run code when loaded."""
LEAST_ACCURACY = 1.5
"""Times chance: a classifier must recognise the genre that a painter was asked for at least this often."""
_HASHED = ("steps", "autoguidance_scale", "guidance_scale", "autoguidance_start")
"""Settings that decide what the same weights paint."""
_NAME = re.compile(r"(?=.{1,60}$)[a-z0-9]+(-[a-z0-9]+)*")


class CheckpointError(Exception):
    """A folder is no checkpoint that can be used; the message is a sentence that says why."""


@dataclass(frozen=True)
class Checkpoint:
    """A verified folder.

    Attributes:
        kind: what it is for.
        directory: where its files are.
        revision: name and the first eight hex digits of its weights' SHA-256 (and of the settings
            that decide what a flow painter makes of the same weights):
            ``dcgan-seed-1a2b3c4d``.
        source: where it came from.
        training: how it was made.
        metrics: evaluation tables, empty if there are none.
        history: training curves, empty if there are none.
        config: arguments of the network's constructor, by their present names.
        network: name of its class as training.json gives it; empty where it gives none.
    """

    kind: Kind
    directory: Path
    revision: str
    source: Source
    training: dict[str, Any]
    metrics: dict[str, Any]
    history: list[Any]
    config: dict[str, Any] = field(default_factory=dict)
    network: str = ""

    @property
    def name(self) -> str:
        """The revision without the hash: ``dcgan-seed``."""
        return self.revision.rsplit("-", 1)[0]

    def follows_conditions(self, revision: str) -> bool:
        """Whether genres that a painter was asked for were recognised in its covers; True where not measured."""
        table = self.metrics.get("painter_conditioning", {})
        rows = table.get("rows", {}) if isinstance(table, dict) else {}
        row = rows.get(revision, {})
        try:
            return bool(row["genre_accuracy"] >= LEAST_ACCURACY * row["genre_chance"])
        except KeyError:
            return True


def describe(directory: Path, kind: Kind, source: Source = "directory") -> Checkpoint:
    """What a folder says it is; its config and tensors are not verified yet.

    Raises:
        CheckpointError: if weights or a JSON file are missing or damaged, or training.json gives no name.
    """
    weights = directory / WEIGHTS
    if not directory.is_dir():
        raise CheckpointError(f"There is no folder {directory}.")
    if not weights.is_file():
        pickles = sorted(path.name for path in directory.iterdir() if path.suffix in PICKLES)
        if pickles:
            raise CheckpointError(
                f"{directory} holds its weights as a pickle ({pickles[0]}), which may run any code when "
                f"loaded. Give {WEIGHTS}."
            )
        raise CheckpointError(f"{directory} has no {WEIGHTS}.")
    config = read_json(directory / "config.json", dict)
    training = read_json(directory / "training.json", dict)
    if training.get("kind") != kind:
        raise CheckpointError(f"{directory} is not a {kind} but says it is a {training.get('kind')!r}.")
    if not isinstance(training.get("name"), str) or not _NAME.fullmatch(training["name"]):
        raise CheckpointError(
            f"{directory / 'training.json'} names the checkpoint {training.get('name')!r}. A name is made of "
            "small letters, digits and single hyphens."
        )
    settings = {name: config[name] for name in _HASHED if name in config}
    return Checkpoint(
        kind=kind,
        directory=directory,
        revision=f"{training['name']}-{_digest(weights, settings)[:8]}",
        source=source,
        training=training,
        metrics=read_json(directory / "metrics.json", dict, absent={}),
        history=read_json(directory / "history.json", list, absent=[]),
        config=config,
        network=str(training.get("network", "")),
    )


def read_kind(directory: Path) -> Kind:
    """What a folder's training.json says it is for.

    Raises:
        CheckpointError: if it does not say.
    """
    said = read_json(directory / "training.json", dict).get("kind")
    if said not in KINDS:
        raise CheckpointError(
            f"{directory / 'training.json'} says kind {said!r}; known are {' and '.join(KINDS)}."
        )
    kind: Kind = said
    return kind


def cache_folder(address: HubAddress, cache: Path) -> Path:
    """Where a checkpoint that was fetched from the Hub lies."""
    return cache / address.repo.replace("/", "--") / address.commit


def hub_cache(settings: Settings) -> Path:
    """Folder for what is fetched from the Hub."""
    return settings.data_directory / "hub"


def hub_address(settings: Settings, kind: Kind) -> HubAddress | None:
    """What the settings name on the Hub."""
    text = settings.generator_hub if kind == "generator" else settings.judge_hub
    return HubAddress.parse(text) if text else None


def places(settings: Settings, kind: Kind, bundled: Path) -> list[tuple[Path, Source]]:
    """The folders that may serve, in the order in which they are tried."""
    own = settings.generator_directory if kind == "generator" else settings.judge_directory
    address = hub_address(settings, kind)
    fetched = cache_folder(address, hub_cache(settings)) if address else None
    found: list[tuple[Path | None, Source]] = [(own, "directory"), (fetched, "hub"), (bundled, "bundled")]
    return [(folder, source) for folder, source in found if folder is not None]


def likely_revision(settings: Settings, kind: Kind, bundled: Path) -> str | None:
    """The revision that will serve if the first folder there is can be used; None if none says what it is."""
    for folder, _ in places(settings, kind, bundled):
        try:
            return describe(folder, kind).revision
        except CheckpointError:
            continue
    return None


def read_json(path: Path, kind: type, absent: object = None) -> Any:
    """The content of a file; ``absent`` where there is none.

    Raises:
        CheckpointError: if it is not a JSON ``kind``.
    """
    if absent is not None and not path.exists():
        return absent
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no JSON ({error}).") from error
    if not isinstance(content, kind):
        raise CheckpointError(f"{path} holds a JSON {type(content).__name__}, not a {kind.__name__}.")
    return content


def _digest(path: Path, settings: Mapping[str, object]) -> str:
    status = path.stat()
    digest = _hash(path, status.st_size, status.st_mtime_ns).copy()
    if settings:
        digest.update(json.dumps(settings).encode())
    return digest.hexdigest()


@lru_cache(maxsize=16)
def _hash(path: Path, size: int, modified: int) -> hashlib._Hash:
    """SHA-256 of a file; read again only when its size or time of change is another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def painter_folders() -> dict[str, Path]:
    """Folders of the bundled painters by name, the default one first."""
    folders = (folder for folder in (BUNDLED["generator"], *GUESTS) if (folder / "training.json").is_file())
    return {read_json(folder / "training.json", dict)["name"]: folder for folder in folders}
