"""Make a training set of folders with covers: without near-duplicates, of one size, split, counted.

    python -m training.data.prepare_covers --data ../shared/data/covers --size 64 --out data/covers/prepared

--data names one or more folders with a metadata.csv, such as training.data.fetch_covers writes. --out is a new
folder of the same kind: images/ (PNG, so that nothing is lost a second time), metadata.csv with a column
split (train or held-out), left_out.csv (what was left out, and why) and statistics.json (the counts that are
also printed). The folder appears when all is done, or not at all.

Of near-duplicates the largest stays. What it lacks in labels it gets from the others, and it takes the
earliest decade among them, since dates of re-issues are late.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.covers import read_metadata
from training.data.images import SMALLEST, DataError, UnusableError, load, opened
from training.metrics.near_duplicates import MOST_BITS, Fingerprint, fingerprint, originals, similar_pairs
from training.reports.tables import markdown_table

TRAIN, HELD_OUT = "train", "held-out"
MOST_HELD_OUT = 1500
COLUMNS = (
    *("file_name", "source", "genre", "decade", "year", "split"),
    *("source_width", "source_height", "original"),
)
_SIDES = (64, 128, 256, 512)
_LABELS = "labels"


@dataclass(frozen=True)
class Cover:
    """A cover on its way.

    Attributes:
        path: of its picture.
        file_name: in the new folder.
        original: folder and file name where it comes from.
        source, genres, decade, year: labels; empty where unknown.
        width, height: in pixels, as found; 0 before anyone has looked.
    """

    path: Path
    file_name: str
    original: str
    source: str
    genres: tuple[str, ...] = ()
    decade: str = ""
    year: str = ""
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
        entries = read_metadata(folder)
        with (folder / "metadata.csv").open(newline="", encoding="utf-8-sig") as lines:
            years = [(row.get("year") or "").strip() for row in csv.DictReader(lines)]
        for entry, year in zip(entries, years, strict=True):
            stem = PurePosixPath(entry.file_name).with_suffix("")
            flat = "-".join(part for part in stem.parts if part not in ("images", "..", "/"))
            name = f"images/{flat}.png"
            original = f"{folder.name}/{entry.file_name}"
            if name.lower() in taken:
                name = f"images/{flat}-{hashlib.sha256(f'{folder}/{original}'.encode()).hexdigest()[:8]}.png"
            taken.add(name.lower())
            covers.append(
                Cover(
                    path=folder / entry.file_name,
                    file_name=name,
                    original=original,
                    source=entry.source,
                    genres=entry.genres,
                    decade=entry.decade or "",
                    year=year,
                )
            )
    return covers


def look(
    covers: Iterable[Cover], *, least_side: int = 0
) -> tuple[list[tuple[Cover, Fingerprint]], list[tuple[Cover, str]]]:
    """Open every picture once: those that can be used, largest first, and the others with the reason."""
    usable: list[tuple[Cover, Fingerprint]] = []
    others: list[tuple[Cover, str]] = []
    for cover in covers:
        try:
            with opened(cover.path, smallest=SMALLEST) as image:
                width, height = image.size
                if min(width, height) < least_side:
                    others.append((cover, "is too small"))
                    continue
                image.draft("RGB", (64, 64))
                usable.append((replace(cover, width=width, height=height), fingerprint(image.convert("RGB"))))
        except UnusableError as error:
            others.append((cover, str(error)))
    usable.sort(
        key=lambda found: (-found[0].side, not found[0].decade, not found[0].genres, found[0].file_name)
    )
    return usable, others


def merge(covers: Sequence[Cover], stands_for: Sequence[int]) -> list[Cover]:
    """Keep the covers that stand for themselves, with what is known of those that they stand for."""
    pressings: dict[int, list[Cover]] = {}
    for cover, index in zip(covers, stands_for, strict=True):
        pressings.setdefault(index, []).append(cover)
    merged = []
    for same in pressings.values():
        decade = min((cover.decade for cover in same if cover.decade), default="")
        years = [cover.year for cover in same if cover.year and (not decade or cover.decade == decade)]
        genres = next((cover.genres for cover in same if cover.genres), ())
        merged.append(replace(same[0], decade=decade, year=min(years, default=""), genres=genres))
    return merged


def held_out(names: Iterable[str], count: int) -> frozenset[str]:
    """The ``count`` names whose SHA-256 comes first: the same ones wherever the same covers are split."""
    return frozenset(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count])


def statistics(covers: Sequence[Cover], aside: frozenset[str]) -> dict[str, dict[str, dict[str, int]]]:
    """Count covers: ``{"genre": {"jazz": {"train": 5, "held-out": 1}, ...}, "decade": ..., ...}``."""
    tables = {
        "genre": [(cover, genre) for cover in covers for genre in cover.genres or ("unknown",)],
        "decade": [(cover, cover.decade or "unknown") for cover in covers],
        "source": [(cover, cover.source or "unknown") for cover in covers],
        "side": [(cover, _side_class(cover.side)) for cover in covers],
    }
    orders = {"genre": (*GENRES, "unknown"), "decade": (*DECADES, "unknown"), "side": _side_classes()}
    counted: dict[str, dict[str, dict[str, int]]] = {}
    for table, labelled in tables.items():
        counts = Counter((label, cover.file_name in aside) for cover, label in labelled)
        labels = orders.get(table) or sorted({label for label, _ in counts})
        counted[table] = {
            label: {TRAIN: counts[label, False], HELD_OUT: counts[label, True]}
            for label in labels
            if counts[label, False] or counts[label, True]
        }
    return counted


def _side_classes() -> tuple[str, ...]:
    inner = (f"{low} to {high - 1}" for low, high in pairwise(_SIDES))
    return (f"under {_SIDES[0]}", *inner, f"{_SIDES[-1]} and more")


def _side_class(side: int) -> str:
    return _side_classes()[sum(side >= limit for limit in _SIDES)]


def prepare(
    folders: Sequence[Path],
    out: Path,
    *,
    size: int = 64,
    count_held_out: int | None = None,
    most_bits: int = MOST_BITS,
    least_side: int = 0,
) -> dict[str, object]:
    """Write the new folder and return its statistics.

    Args:
        folders: each with a ``metadata.csv``.
        out: must not exist yet.
        size: side of the new pictures in pixels.
        count_held_out: covers set aside for measuring; None for a tenth, at most 1,500.
        most_bits: how different near-duplicates may be, see :mod:`training.metrics.near_duplicates`.
        least_side: smaller pictures are left out.

    Raises:
        DataError: if ``out`` is there, a folder cannot be used, or too few covers are left.
    """
    if out.exists():
        raise DataError(f"{out} is already there. Give another --out, or delete it first.")
    found = gather(folders)
    usable, left_out = look(_watched(found, "looking"), least_side=least_side)
    covers = [cover for cover, _ in usable]
    stands_for = originals(len(covers), similar_pairs([prints for _, prints in usable], most_bits)).tolist()
    duplicates = [
        (cover, covers[i]) for cover, i in zip(covers, stands_for, strict=True) if covers[i] != cover
    ]
    kept = sorted(merge(covers, stands_for), key=lambda cover: cover.file_name)
    count = min(len(kept) // 10, MOST_HELD_OUT) if count_held_out is None else count_held_out
    if len(kept) <= count:
        raise DataError(
            f"{len(kept):,} of {len(found):,} covers can be used. With {count:,} held out none is left to "
            "train on: give more, or a smaller --held-out."
        )
    aside = held_out((cover.file_name for cover in kept), count)
    counted: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "size": size,
        "read": len(found),
        "kept": len(kept),
        TRAIN: len(kept) - count,
        HELD_OUT: count,
        "near_duplicates": len(duplicates),
        "unusable": len(left_out),
        "enlarged": sum(cover.side < size for cover in kept),
        _LABELS: statistics(kept, aside),
    }
    reasons = [(cover.original, reason) for cover, reason in left_out]
    reasons += [(cover.original, f"is a near-duplicate of {kept.original}") for cover, kept in duplicates]
    part = out.with_name(out.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        _write(part, kept, size, aside, sorted(reasons), counted)
        part.rename(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written ({error}). Make room, or give another --out.") from error
    except UnusableError as error:
        raise DataError(
            f"A picture changed while the covers were prepared: it {error}. Try again."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return counted


def _watched(covers: list[Cover], doing: str) -> Iterable[Cover]:
    bar: Iterable[Cover] = tqdm(
        covers, desc=doing, unit="cover", mininterval=0.5 if sys.stderr.isatty() else 60
    )
    return bar


def _write(
    folder: Path,
    covers: list[Cover],
    size: int,
    aside: frozenset[str],
    reasons: list[tuple[str, str]],
    counted: dict[str, object],
) -> None:
    (folder / "images").mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        for cover in _watched(covers, "writing"):
            load(cover.path, size).save(folder / cover.file_name)
            split = HELD_OUT if cover.file_name in aside else TRAIN
            labels = (cover.file_name, cover.source, "|".join(cover.genres), cover.decade, cover.year, split)
            writer.writerow((*labels, cover.width, cover.height, cover.original))
    with (folder / "left_out.csv").open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines, lineterminator="\n").writerows([("original", "reason"), *reasons])
    text = json.dumps(counted, indent=2, ensure_ascii=False) + "\n"
    (folder / "statistics.json").write_text(text, encoding="utf-8")


def report(counted: dict[str, object]) -> str:
    """The statistics for a reader: a sentence, and a table for each kind of label."""
    tables = counted[_LABELS]
    assert isinstance(tables, dict)
    said = (
        "{read:,} covers read: {unusable:,} cannot be used, {near_duplicates:,} are near-duplicates, "
        "{kept:,} stay ({train:,} to train on, {held-out:,} held out). "
        "All are {size}x{size} pixels now; {enlarged:,} were smaller."
    ).format(**counted)
    return "\n\n".join([said, *(markdown_table(rows, name) for name, rows in tables.items())])


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.data.prepare_covers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, metavar="DIR", help="folders with a metadata.csv"
    )
    parser.add_argument("--out", type=Path, required=True, help="the new folder; must not exist yet")
    parser.add_argument("--size", type=_count, default=64, help="side in pixels (default: 64)")
    parser.add_argument(
        "--held-out",
        type=_count,
        metavar="COUNT",
        help=f"covers set aside for measuring (default: a tenth, at most {MOST_HELD_OUT:,})",
    )
    parser.add_argument(
        "--least-side", type=_count, default=0, metavar="PIXELS", help="leave out what is smaller"
    )
    parser.add_argument(
        "--most-bits",
        type=_count,
        default=MOST_BITS,
        help=f"of 64 in which hashes of near-duplicates may differ (default: {MOST_BITS})",
    )
    given = parser.parse_args(arguments)
    if not given.size:
        parser.error("--size must be at least 1")
    return given


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    try:
        counted = prepare(
            given.data,
            given.out,
            size=given.size,
            count_held_out=given.held_out,
            most_bits=given.most_bits,
            least_side=given.least_side,
        )
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Stopped; nothing was written to {given.out}.", file=sys.stderr)
        return 130
    print(report(counted))
    print(f"\nWrote {given.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
