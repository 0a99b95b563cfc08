"""Make a training set of folders with covers: without near-duplicates, of one size, split, counted.

    python -m training.data.prepare_covers --data ../shared/data/covers --size 64 --out data/covers/prepared

--data names one or more folders with a metadata.csv, such as training.data.fetch_covers writes. --out is a new
folder of the same kind: images/ (PNG, so that nothing is lost a second time), metadata.csv with a column split
(train or held-out), left_out.csv (what was left out, and why) and statistics.json (the counts that are also
printed). The folder appears when all is done, or not at all.

Of near-duplicates the largest stays. What it lacks in labels it gets from the others, and it takes the earliest
decade among them, since dates of re-issues are late.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
from tqdm import tqdm

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.command import command_parser, exit_status, within
from training.data.covers import CoverEntry, hold_out, read_metadata
from training.data.images import SMALLEST, DataError, UnusableError, load, opened
from training.data.near_duplicates import Fingerprint, fingerprint, originals, similar_pairs

TRAIN, HELD_OUT = "train", "held-out"
MOST_HELD_OUT = 1500
COLUMNS = (
    *("file_name", "source", "genre", "decade", "year", "split"),
    *("source_width", "source_height", "original"),
)
SIDES = {"under 64": 0, "64 to 127": 64, "128 to 255": 128, "256 to 511": 256, "512 and more": 512}
"""Classes of sides, from so many pixels on."""


@dataclass(frozen=True)
class Cover:
    """A cover on its way.

    Attributes:
        path: of its picture.
        entry: name in the new folder, and labels.
        original: folder and file name where it comes from.
        width, height: in pixels, as found; 0 before anyone has looked.
    """

    path: Path
    entry: CoverEntry
    original: str
    width: int = 0
    height: int = 0

    @property
    def side(self) -> int:
        return min(self.width, self.height)


def gather(folders: Sequence[Path]) -> list[Cover]:
    """List the covers of all folders, each with a file name that no other has.

    Raises:
        DataError: if a folder or its metadata cannot be used.
    """
    covers: list[Cover] = []
    taken: set[str] = set()
    for folder in folders:
        for entry in read_metadata(folder):
            stem = PurePosixPath(entry.file_name).with_suffix("")
            flat = "-".join(part for part in stem.parts if part not in ("images", "..", "/"))
            original = f"{folder.name}/{entry.file_name}"
            if flat.lower() in taken:
                flat += f"-{hashlib.sha256(f'{folder}/{original}'.encode()).hexdigest()[:8]}"
            taken.add(flat.lower())
            renamed = replace(entry, file_name=f"images/{flat}.png")
            covers.append(Cover(folder / entry.file_name, renamed, original))
    return covers


def look(
    covers: Sequence[Cover], *, least_side: int = 0
) -> tuple[list[tuple[Cover, Fingerprint]], list[tuple[str, str]]]:
    """Open every picture once: those that can be used, largest first, and the names of others with reasons."""
    usable: list[tuple[Cover, Fingerprint]] = []
    left_out: list[tuple[str, str]] = []
    for cover in _watched(covers, "looking"):
        try:
            with opened(cover.path, smallest=max(SMALLEST, least_side)) as image:
                width, height = image.size
                image.draft("RGB", (64, 64))
                usable.append((replace(cover, width=width, height=height), fingerprint(image.convert("RGB"))))
        except UnusableError as error:
            left_out.append((cover.original, str(error)))
    usable.sort(
        key=lambda found: (
            *(-found[0].side, not found[0].entry.decade, not found[0].entry.genres),
            found[0].entry.file_name,
        )
    )
    return usable, left_out


def merge(covers: Sequence[Cover], kept_for: Sequence[int]) -> list[Cover]:
    """Keep the covers that ``kept_for`` names, with what is known of the near-duplicates that they stand for."""
    groups: dict[int, list[Cover]] = {}
    for cover, index in zip(covers, kept_for, strict=True):
        groups.setdefault(index, []).append(cover)
    merged = []
    for same in groups.values():
        entries = [cover.entry for cover in same]
        decade = min((entry.decade for entry in entries if entry.decade), default=None)
        years = [entry.year for entry in entries if entry.year and decade in (None, entry.decade)]
        genres = next((entry.genres for entry in entries if entry.genres), ())
        entry = replace(entries[0], decade=decade, year=min(years, default=""), genres=genres)
        merged.append(replace(same[0], entry=entry))
    return sorted(merged, key=lambda cover: cover.entry.file_name)


def statistics(covers: Sequence[Cover], held_out: set[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Count covers: ``{"genre": {"jazz": {"train": 5, "held-out": 1}, ...}, "decade": ..., ...}``."""
    table = pd.DataFrame([asdict(cover.entry) | {"side": cover.side} for cover in covers])
    table["split"] = [HELD_OUT if name in held_out else TRAIN for name in table["file_name"]]
    table["genre"] = [genres or ("unknown",) for genres in table["genres"]]
    table["side"] = [
        max((low, name) for name, low in SIDES.items() if low <= side)[1] for side in table["side"]
    ]
    order = {"genre": GENRES, "decade": DECADES, "source": sorted(set(table["source"])), "side": tuple(SIDES)}
    counted = {}
    for column, names in order.items():
        rows = table[[column, "split"]].explode(column).replace({column: {"": None}}).fillna("unknown")
        counts = rows.value_counts()
        counted[column] = {
            name: {split: int(counts.get((name, split), 0)) for split in (TRAIN, HELD_OUT)}
            for name in (*names, "unknown")
            if name in set(rows[column])
        }
    return counted


def prepare(
    folders: Sequence[Path],
    out: Path,
    *,
    size: int = 64,
    count_held_out: int | None = None,
    least_side: int = 0,
) -> dict[str, Any]:
    """Write the new folder and return its statistics.

    Args:
        folders: each with a ``metadata.csv``.
        out: must not exist yet.
        size: side of the new pictures in pixels.
        count_held_out: covers set aside for measuring; None for a tenth, at most 1,500.
        least_side: smaller pictures are left out.

    Raises:
        DataError: if ``out`` is there, a folder cannot be used, or too few covers are left.
    """
    if out.exists():
        raise DataError(f"{out} is already there. Give another --out, or delete it first.")
    found = gather(folders)
    usable, left_out = look(found, least_side=least_side)
    covers = [cover for cover, _ in usable]
    kept_for = originals(len(covers), similar_pairs([prints for _, prints in usable])).tolist()
    kept = merge(covers, kept_for)
    count = min(len(kept) // 10, MOST_HELD_OUT) if count_held_out is None else count_held_out
    if len(kept) <= count:
        raise DataError(
            f"{len(kept):,} of {len(found):,} covers can be used. With {count:,} held out none is left to "
            "train on: give more, or a smaller --held-out."
        )
    held_out = {entry.file_name for entry in hold_out([cover.entry for cover in kept], count)[1]}
    repeated = [
        (cover.original, f"is a near-duplicate of {covers[i].original}")
        for cover, i in zip(covers, kept_for, strict=True)
        if covers[i] != cover
    ]
    counted = {
        "date": datetime.now(UTC).date().isoformat(),
        "size": size,
        "read": len(found),
        "kept": len(kept),
        TRAIN: len(kept) - count,
        HELD_OUT: count,
        "near_duplicates": len(repeated),
        "unusable": len(left_out),
        "enlarged": sum(cover.side < size for cover in kept),
        "labels": statistics(kept, held_out),
    }
    with _whole_folder(out) as part:
        _write(part, kept, size, held_out)
        reasons = pd.DataFrame(sorted(left_out + repeated), columns=["original", "reason"])
        reasons.to_csv(part / "left_out.csv", index=False, lineterminator="\n")
        text = json.dumps(counted, indent=2, ensure_ascii=False) + "\n"
        (part / "statistics.json").write_text(text, encoding="utf-8")
    return counted


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill beside its place, so that there is all of it or nothing."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written ({error}). Make room, or give another --out.") from error
    except UnusableError as error:
        raise DataError(
            f"A picture changed while the covers were prepared: it {error}. Try again."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _watched(covers: Sequence[Cover], doing: str) -> Iterator[Cover]:
    every = 0.5 if sys.stderr.isatty() else 60
    yield from tqdm(covers, desc=doing, unit="cover", mininterval=every)


def _write(folder: Path, covers: Sequence[Cover], size: int, held_out: set[str]) -> None:
    (folder / "images").mkdir()
    lines = []
    for cover in _watched(covers, "writing"):
        entry = cover.entry
        load(cover.path, size).save(folder / entry.file_name)
        split = HELD_OUT if entry.file_name in held_out else TRAIN
        labels = entry.file_name, entry.source, "|".join(entry.genres), entry.decade, entry.year, split
        lines.append((*labels, cover.width, cover.height, cover.original))
    pd.DataFrame(lines, columns=COLUMNS).to_csv(folder / "metadata.csv", index=False, lineterminator="\n")


def report(counted: dict[str, Any]) -> str:
    """The statistics for a reader: a sentence, and a table for each kind of label."""
    said = (
        "{read:,} covers read: {unusable:,} cannot be used, {near_duplicates:,} are near-duplicates, "
        "{kept:,} stay ({train:,} to train on, {held-out:,} held out). "
        "All are {size}x{size} pixels now; {enlarged:,} were smaller."
    ).format(**counted)
    tables = [pd.DataFrame(rows).T.rename_axis(columns=name) for name, rows in counted["labels"].items()]
    return "\n\n".join([said, *map(str, tables)])


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.data.prepare_covers", __doc__)
    add, whole = parser.add_argument, within(0, 1_000_000)
    add("--data", type=Path, nargs="+", required=True, metavar="DIR", help="folders with a metadata.csv")
    add("--out", type=Path, required=True, help="the new folder; must not exist yet")
    add("--size", type=within(1, 4096), default=64, help="side in pixels (default: 64)")
    add("--held-out", type=whole, help=f"covers to measure on (default: a tenth, at most {MOST_HELD_OUT:,})")
    add("--least-side", type=whole, default=0, metavar="PIXELS", help="leave out what is smaller")
    given = parser.parse_args(arguments)

    def body() -> str:
        options = {"size": given.size, "count_held_out": given.held_out, "least_side": given.least_side}
        return f"{report(prepare(given.data, given.out, **options))}\n\nWrote {given.out}."

    return exit_status(body, interrupted=f"nothing was written to {given.out}")


if __name__ == "__main__":
    sys.exit(main())
