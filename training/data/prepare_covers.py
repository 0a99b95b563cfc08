"""Make a training set of folders with covers: without near-duplicates, of one size, split, counted.

    python -m training.data.prepare_covers --data ../shared/data/covers --size 64 --out data/covers/prepared

--data names one or more folders with a metadata.csv, such as training.data.fetch_covers writes. --out is a new
folder of the same kind: images/ (PNG, so that nothing is lost a second time), metadata.csv with a column split
(train or held-out; a tenth is held out, at most 1,500) and left_out.csv (what was left out, and why). The folder
appears when all is done, or not at all.

Of near-duplicates the largest stays. What it lacks in labels it gets from the others, and it takes the earliest
decade among them, since dates of re-issues are late.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pandas as pd
from tqdm import tqdm

from training.data.command import command_parser, exit_status
from training.data.covers import CoverEntry, hold_out, read_metadata
from training.data.images import SMALLEST, DataError, UnusableError, load, opened
from training.data.near_duplicates import Fingerprint, fingerprint, originals, similar_pairs

TRAIN, HELD_OUT = "train", "held-out"
MOST_HELD_OUT = 1500
LOOKED_AT = 64


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


def look(covers: Sequence[Cover]) -> tuple[list[Cover], list[Fingerprint], list[tuple[str, str]]]:
    """Open every picture once: those that can be used, largest first, and the names of others with reasons."""
    usable: list[tuple[Cover, Fingerprint]] = []
    left_out: list[tuple[str, str]] = []
    for cover in tqdm(covers, desc="looking", unit="cover"):
        try:
            with opened(cover.path, smallest=SMALLEST) as image:
                width, height = image.size
                image.draft("RGB", (LOOKED_AT, LOOKED_AT))
                usable.append((replace(cover, width=width, height=height), fingerprint(image.convert("RGB"))))
        except UnusableError as error:
            left_out.append((cover.original, str(error)))

    def rank(found: tuple[Cover, Fingerprint]) -> tuple[int, bool, bool, str]:
        cover, entry = found[0], found[0].entry
        return -min(cover.width, cover.height), not entry.decade, not entry.genres, entry.file_name

    usable.sort(key=rank)
    return [cover for cover, _ in usable], [seen for _, seen in usable], left_out


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


def prepare(folders: Sequence[Path], out: Path, *, size: int = 64) -> pd.DataFrame:
    """Write the new folder and return its ``metadata.csv``.

    Args:
        folders: each with a ``metadata.csv``.
        out: must not exist yet.
        size: side of the new pictures in pixels.

    Raises:
        DataError: if ``out`` is there, a folder cannot be used, or no cover is left.
    """
    if out.exists():
        raise DataError(f"{out} is already there. Give another --out, or delete it first.")
    covers, prints, left_out = look(gather(folders))
    kept_for = originals(len(covers), similar_pairs(prints)).tolist()
    kept = merge(covers, kept_for)
    if not kept:
        raise DataError(f"No cover in {', '.join(map(str, folders))} can be used.")
    left_out += [
        (cover.original, f"is a near-duplicate of {covers[i].original}")
        for cover, i in zip(covers, kept_for, strict=True)
        if covers[i] != cover
    ]
    count = min(len(kept) // 10, MOST_HELD_OUT)
    held_out = {entry.file_name for entry in hold_out([cover.entry for cover in kept], count)[1]}
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "images").mkdir(parents=True)
    lines = []
    for cover in tqdm(kept, desc="writing", unit="cover"):
        entry = cover.entry
        load(cover.path, size).save(part / entry.file_name)
        line = {"file_name": entry.file_name, "source": entry.source, "genre": "|".join(entry.genres)}
        line |= {"decade": entry.decade or "", "year": entry.year}
        line["split"] = HELD_OUT if entry.file_name in held_out else TRAIN
        lines.append(line | {"width": cover.width, "height": cover.height, "original": cover.original})
    table = pd.DataFrame(lines)
    table.to_csv(part / "metadata.csv", index=False, lineterminator="\n")
    reasons = pd.DataFrame(sorted(left_out), columns=["original", "reason"])
    reasons.to_csv(part / "left_out.csv", index=False, lineterminator="\n")
    part.rename(out)
    return table


def report(table: pd.DataFrame, out: Path) -> str:
    """How many covers stay, by split and by each kind of label."""
    left_out = len(pd.read_csv(out / "left_out.csv"))
    said = [f"{len(table):,} covers stay, {left_out:,} were left out ({out / 'left_out.csv'} says why)."]
    for column in ("genre", "decade", "source"):
        rows = table.assign(**{column: table[column].replace("", "unknown").str.split("|")}).explode(column)
        said.append(str(pd.crosstab(rows[column], rows["split"])))
    return "\n\n".join([*said, f"Wrote {out}."])


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.data.prepare_covers", __doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="DIR", help="folders with a metadata.csv")
    add("--out", type=Path, required=True, help="the new folder; must not exist yet")
    add("--size", type=int, default=64, help="side in pixels (default: 64)")
    given = parser.parse_args(arguments)
    return exit_status(
        lambda: report(prepare(given.data, given.out, size=given.size), given.out),
        interrupted=f"nothing was written to {given.out}",
    )


if __name__ == "__main__":
    sys.exit(main())
