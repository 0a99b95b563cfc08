"""A folder of fetched covers: what is done is noted at once, so that a kill at any moment costs one cover.

manifest.jsonl    one line per finished cover; the last line of an id counts
images/           covers
quarantine/       what is no cover, and reasons.csv
listings/         answers to questions, so that going on does not ask again
metadata.csv      the covers in images/, for training
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd

from training.data.covers import DataError
from training.data.files import append_durably, write_durably
from training.data.images import ENDINGS, Shape
from training.data.sources import Label, Query, Wanted

KEPT, QUARANTINED = "kept", "quarantined"
COLUMNS = (
    *("file_name", "source", "genre", "decade", "year"),
    *("source_width", "source_height", "artist", "title", "url"),
)


@dataclass(frozen=True)
class Record:
    """A line of the manifest.

    Attributes:
        id: of the cover at its source.
        status: ``kept`` or ``quarantined``.
        url, date: where it came from and when, in UTC.
        label: what is known of it.
        file: relative to the folder; empty if there was nothing to keep.
        reason: why it is in quarantine.
        sha256, bytes: of the file; a file of another hash was replaced half-way and does not count.
        width, height: in pixels; 0 in quarantine.
    """

    id: str
    status: str
    url: str
    date: str
    label: Label
    file: str = ""
    reason: str = ""
    sha256: str = ""
    bytes: int = 0
    width: int = 0
    height: int = 0


class CoverStore:
    """Covers on disk. To be used in a ``with`` statement, by one process at a time.

    Raises:
        DataError: when entered, if the folder cannot be written or another process is at work in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root / "manifest.jsonl"
        self.records: dict[str, Record] = {}
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = (self.root / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                f"Another run is fetching into {self.root}. Wait for it, or give another --out."
            ) from error
        except OSError as error:
            raise DataError(f"The folder {self.root} cannot be written ({error.strerror}).") from error
        self.records = read_manifest(self.manifest)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    def find(self, cover_id: str) -> Record | None:
        """What was noted of a cover, or None if it is still to be fetched or its file is gone or another.

        Who deletes ``quarantine/`` has all that was in it fetched again.
        """
        record = self.records.get(cover_id)
        if record and record.status == QUARANTINED and not (self.root / "quarantine").is_dir():
            return None
        if record and record.file:
            try:
                if hashlib.sha256((self.root / record.file).read_bytes()).hexdigest() != record.sha256:
                    return None
            except OSError:
                return None
        return record

    def keep(self, wanted: Wanted, body: bytes, shape: Shape) -> None:
        """Save a cover and note it."""
        file = f"images/{wanted.stem}{ENDINGS[shape.format]}"
        self._save(wanted, body, status=KEPT, file=file, width=shape.width, height=shape.height)

    def quarantine(self, wanted: Wanted, reason: str, body: bytes | None) -> None:
        """Put aside what is no cover, with the reason, and note it; ``body`` is None if nothing came."""
        (self.root / "quarantine").mkdir(exist_ok=True)
        file = f"quarantine/{wanted.stem}.bin" if body is not None else ""
        self._save(wanted, body, status=QUARANTINED, file=file, reason=reason)

    def relabel(self, record: Record, label: Label) -> None:
        """Note that more, or something else, is known of a cover by now."""
        if record.label != label:
            self._note(replace(record, label=label))

    def _save(self, wanted: Wanted, body: bytes | None, *, file: str, **facts: Any) -> None:
        before = self.records.get(wanted.id)
        if body is not None:
            write_durably(self.root / file, body)
            facts |= {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        record = Record(id=wanted.id, url=wanted.url, date=_now(), label=wanted.label, file=file, **facts)
        self._note(record)
        if before and before.file and before.file != file:
            (self.root / before.file).unlink(missing_ok=True)

    def _note(self, record: Record) -> None:
        append_durably(self.manifest, json.dumps(asdict(record), ensure_ascii=False))
        self.records[record.id] = record

    def listing(self, query: Query) -> object:
        """The answer to a question as saved before, or None."""
        try:
            return json.loads(self._listing_file(query).read_bytes())["answer"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save_listing(self, query: Query, content: object) -> None:
        """Keep the answer to a question."""
        saved = {"url": query.url, "date": _now(), "answer": content}
        write_durably(self._listing_file(query), json.dumps(saved, ensure_ascii=False).encode())

    def _listing_file(self, query: Query) -> Path:
        return self.root / "listings" / f"{hashlib.sha256(query.url.encode()).hexdigest()[:24]}.json"

    def write_lists(self) -> None:
        """Write ``metadata.csv`` and, if anything is in quarantine, ``quarantine/reasons.csv``."""
        found = [r for r in (self.find(name) for name in sorted(self.records)) if r]
        covers = [
            {**asdict(r.label), "file_name": r.file, "source_width": r.width, "source_height": r.height}
            | {"url": r.url}
            for r in found
            if r.status == KEPT
        ]
        aside = [asdict(r) for r in found if r.status == QUARANTINED]
        _write_csv(self.root / "metadata.csv", COLUMNS, covers)
        reasons = self.root / "quarantine" / "reasons.csv"
        if aside or reasons.exists():
            _write_csv(reasons, ("id", "reason", "file", "url"), aside)


def read_manifest(path: Path) -> dict[str, Record]:
    """The last whole line of each id. One that was cut short is passed over: its cover is fetched again."""
    if not path.exists():
        return {}
    known = {field.name for field in fields(Record)}
    records: dict[str, Record] = {}
    for line in path.read_bytes().splitlines():
        try:
            told: dict[str, Any] = json.loads(line)
            told["label"] = Label(**told["label"])
            record = Record(**{name: value for name, value in told.items() if name in known})
        except (ValueError, KeyError, TypeError):
            continue
        records[record.id] = record
    return records


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    table = pd.DataFrame(rows, columns=list(columns))
    write_durably(path, table.to_csv(index=False, lineterminator="\n").encode())
