"""A folder of fetched covers: what is done is noted at once, so that a kill at any moment costs one cover.

manifest.jsonl    one line per finished cover; the last line of an id counts
images/           covers
quarantine/       what is no cover, and reasons.csv
listings/         answers to questions, so that going on does not ask again
metadata.csv      the covers in images/, for training
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from training.data.covers import DataError
from training.data.http import Answer, Validators
from training.data.images import ENDINGS, Shape
from training.data.sources import Label, Query, Wanted
from training.engine.atomic_files import append_durably, write_durably

KEPT, QUARANTINED, CHANGING = "kept", "quarantined", "changing"
COLUMNS = (
    *("file_name", "source", "genre", "decade", "year"),
    *("source_width", "source_height", "artist", "title", "url"),
)


@dataclass(frozen=True)
class Record:
    """A line of the manifest.

    Attributes:
        id: of the cover at its source.
        status: ``kept``, ``quarantined``, or ``changing``: about to be replaced, so not to be relied upon.
        url: where it came from.
        date: when, in UTC.
        file: relative to the folder; empty if there was nothing to keep.
        reason: why it is in quarantine.
        sha256, bytes: of the file.
        width, height: in pixels; 0 in quarantine.
        etag, last_modified: by which the server recognises this version.
        label: what is known of it.
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
    etag: str = ""
    last_modified: str = ""

    @property
    def validators(self) -> Validators:
        return Validators(self.etag, self.last_modified)


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock:
            self._lock.close()

    def find(self, cover_id: str) -> Record | None:
        """What was noted of a cover, or None if it is still to be fetched or its file is gone."""
        record = self.records.get(cover_id)
        if record is None or record.status == CHANGING:
            return None
        if record.file:
            path = self.root / record.file
            if not path.is_file() or path.stat().st_size != record.bytes:
                return None
        return record

    def keep(self, wanted: Wanted, answer: Answer, shape: Shape) -> None:
        """Save a cover and note it."""
        self._save(wanted, KEPT, f"images/{wanted.stem}{ENDINGS[shape.format]}", answer, shape=shape)

    def quarantine(self, wanted: Wanted, reason: str, answer: Answer | None) -> None:
        """Put aside what is no cover, with the reason, and note it; ``answer`` is None if nothing came."""
        self._save(wanted, QUARANTINED, f"quarantine/{wanted.stem}.bin" if answer else "", answer, reason)

    def relabel(self, record: Record, label: Label) -> None:
        """Note that more, or something else, is known of a cover by now."""
        if record.label != label:
            self._note(replace(record, label=label))

    def _save(
        self,
        wanted: Wanted,
        status: str,
        file: str,
        answer: Answer | None,
        reason: str = "",
        shape: Shape | None = None,
    ) -> None:
        before = self.records.get(wanted.id)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if before and before.file:
            # Else a kill between the file and its line would leave a line that describes another file.
            self._note(Record(wanted.id, CHANGING, wanted.url, now, wanted.label, file=before.file))
        if answer:
            write_durably(self.root / file, answer.body)
        self._note(
            Record(
                id=wanted.id,
                status=status,
                url=wanted.url,
                date=now,
                label=wanted.label,
                file=file,
                reason=reason,
                sha256=hashlib.sha256(answer.body).hexdigest() if answer else "",
                bytes=len(answer.body) if answer else 0,
                width=shape.width if shape else 0,
                height=shape.height if shape else 0,
                etag=answer.validators.etag if answer else "",
                last_modified=answer.validators.last_modified if answer else "",
            )
        )
        if before and before.file and before.file != file:
            (self.root / before.file).unlink(missing_ok=True)

    def _note(self, record: Record) -> None:
        append_durably(self.manifest, json.dumps(asdict(record), ensure_ascii=False))
        self.records[record.id] = record

    def listing(self, query: Query) -> tuple[object, Validators] | None:
        """The answer to a question as saved before, or None."""
        try:
            saved = json.loads(self._listing_file(query).read_text(encoding="utf-8"))
            return saved["answer"], Validators(**saved["validators"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save_listing(self, query: Query, content: object, validators: Validators) -> None:
        """Keep the answer to a question."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        saved = {"url": query.url, "date": now, "validators": asdict(validators), "answer": content}
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
        aside = [
            {"id": r.id, "reason": r.reason, "file": r.file, "url": r.url}
            for r in found
            if r.status == QUARANTINED
        ]
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


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_durably(path, text.getvalue().encode())
