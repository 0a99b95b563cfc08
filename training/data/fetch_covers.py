"""Fetch album covers for training, from the iTunes Search API or from items of archive.org.

    python -m training.data.fetch_covers itunes --term "blue note" --list artists.txt --out data/covers/itunes
    python -m training.data.fetch_covers archive ITEM --genre jazz --out data/covers/jazz

--out ends up with images/, manifest.jsonl (where each cover came from, when, and its hash; or why it is none) and
the metadata.csv that training reads. What is there is not fetched again, so a run that was stopped goes on when
the same command is given again.

Labels of iTunes: the genre is Apple's, as far as it is one of the ten known here. The decade is that of the
release date on sale, which for older music is often the date of a re-issue. What archive.org holds has no
labels but those given by --genre and --decade.

Covers are copyrighted works, and both services have terms. Read them before you fetch, and fetch no more than
you need.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
from pyrate_limiter import Limiter, Rate
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from tqdm import tqdm

from albumjudge._version import __version__
from albumjudge.domain.conditions import DECADES, GENRES
from training.data.command import command_parser, exit_status
from training.data.files import written_whole
from training.data.images import ENDINGS, SMALLEST, DataError, UnusableError, opened
from training.data.sources import Ask, Wanted, archive, itunes, itunes_line

MINUTE = 60_000
SEARCHES, PICTURES = 18, 60
"""Requests a minute; Apple allows about 20 searches."""
ATTEMPTS, STOP_AFTER = 6, 5
"""Requests for one thing before it is left for another day, and such failures in a row upon which a run ends."""
PASSING = {403, 408, 425, 429}
"""Statuses below 500 that may be gone later. The iTunes Search API says 403 to those who ask too often."""
COLUMNS = ("file_name", "source", "genre", "decade", "year", "width", "height", "artist", "title", "url")
List = Callable[[Ask], list[Wanted]]


class PoliteClient:
    """Fetches one thing after another, at most so many a minute; waits and tries again where that may help."""

    def __init__(self, per_minute: int) -> None:
        self._limiter = Limiter(Rate(1, MINUTE // per_minute))
        self._http = httpx2.Client(
            headers={"User-Agent": f"albumjudge/{__version__} (collects album covers for research, slowly)"},
            follow_redirects=True,
            timeout=60,
        )
        self._retrying = Retrying(
            retry=retry_if_exception(may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_as_asked,
            reraise=True,
        )

    def get(self, url: str) -> bytes:
        """The content of ``url``.

        Raises:
            httpx2.HTTPError: if the server says no, or all attempts failed.
        """
        found: bytes = self._retrying(self._attempt, url)
        return found

    def _attempt(self, url: str) -> bytes:
        self._limiter.try_acquire()
        return self._http.get(url).raise_for_status().content


def may_pass(error: BaseException) -> bool:
    """Whether asking again may help."""
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code in PASSING or error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError)


def wait_as_asked(state: RetryCallState) -> float:
    """Growing random seconds, and no fewer than the server asks for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.response.headers.get("retry-after", "") if isinstance(error, httpx2.HTTPStatusError) else ""
    return max(wait_random_exponential(2, 120)(state), float(asked) if asked.isdecimal() else 0.0)


def fetch(lists: dict[str, List], out: Path) -> list[str]:
    """Fetch what lists name into a folder; returns a sentence for each failure.

    Args:
        lists: by what is asked for, in words.
    """
    problems, in_a_row, seen = [], 0, set[str]()
    searches, pictures = PoliteClient(SEARCHES), PoliteClient(PICTURES)
    known = read_manifest(out)
    with written_whole(out / "manifest.jsonl") as part:  # Without a line that a kill cut short.
        part.write_text("".join(f"{as_line(line)}\n" for line in known.values()), encoding="utf-8")
    try:
        for name, listed in lists.items():
            try:
                wanted = listed(lambda url: json.loads(searches.get(url)))
            except (httpx2.HTTPError, KeyError, TypeError, ValueError) as error:
                problems.append(f"{name} could not be listed ({why(error)}).")
                continue
            if not wanted:
                problems.append(f"No cover was found for {name}.")
            new = [cover for cover in wanted if cover.id not in known.keys() | seen]
            seen |= {cover.id for cover in new}
            for cover in tqdm(new, desc=name, unit="cover", mininterval=0.5 if sys.stderr.isatty() else 60):
                lasting = True
                try:
                    note(out, cover, **keep(out, cover, pictures.get(cover.url)))
                except (UnusableError, httpx2.HTTPError) as error:
                    problems.append(f"{cover.url} {why(error)}.")
                    lasting = getattr(error, "lasting", not may_pass(error))
                    if lasting:
                        note(out, cover, reason=why(error))
                in_a_row = 0 if lasting else in_a_row + 1
                if in_a_row == STOP_AFTER:
                    return [*problems, f"{STOP_AFTER} requests in a row failed, so this run ends here."]
    finally:
        write_metadata(out)
    return problems


def why(error: Exception) -> str:
    """The rest of a sentence that begins with an address."""
    if isinstance(error, httpx2.HTTPStatusError):
        return f"was answered with {error.response.status_code}"
    return str(error) if isinstance(error, UnusableError) else f"broke off ({error})"


def keep(out: Path, wanted: Wanted, body: bytes) -> dict[str, Any]:
    """Save a picture; returns its name, size and hash.

    Raises:
        UnusableError: if it is broken, of another format, not square or tiny.
    """
    with opened(io.BytesIO(body), smallest=SMALLEST) as image:
        image.load()
    readable = re.sub(r"[^a-z0-9]+", "-", wanted.id.lower()).strip("-")[:50]
    name = (
        f"images/{readable}-{hashlib.sha256(wanted.id.encode()).hexdigest()[:8]}{ENDINGS[str(image.format)]}"
    )
    with written_whole(out / name) as part:
        part.write_bytes(body)
    digest = hashlib.sha256(body).hexdigest()
    return {"file_name": name, "width": image.width, "height": image.height, "sha256": digest}


def note(out: Path, wanted: Wanted, **facts: object) -> None:
    """Append a line to the manifest."""
    line = asdict(wanted) | {"date": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
    with (out / "manifest.jsonl").open("a", encoding="utf-8") as manifest:
        manifest.write(f"{as_line(line)}\n")


as_line = partial(json.dumps, ensure_ascii=False)


def read_manifest(out: Path) -> dict[str, dict[str, Any]]:
    """Lines of the manifest by id, but for covers whose file is gone, and for lines that a kill cut short."""

    def lines() -> Iterator[dict[str, Any]]:
        path = out / "manifest.jsonl"
        for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            try:
                yield json.loads(text)
            except ValueError:
                continue

    return {line["id"]: line for line in lines() if (out / line.get("file_name", "")).exists()}


def write_metadata(out: Path) -> None:
    """Write ``metadata.csv`` from the manifest."""
    covers = [line for line in read_manifest(out).values() if "file_name" in line]
    table = pd.DataFrame(covers, columns=list(COLUMNS))
    with written_whole(out / "metadata.csv") as part:
        table.to_csv(part, index=False, lineterminator="\n")


def lists_of(given: argparse.Namespace) -> dict[str, List]:
    """What a command line asks for.

    Raises:
        DataError: if nothing, or a list that cannot be read.
    """
    if given.source == "archive":
        return {
            item: partial(archive, item=item, genre=given.genre, decade=given.decade) for item in given.items
        }
    lists: dict[str, List] = {term: partial(itunes, term=term) for term in given.term}
    for path in given.list:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except ValueError as error:
            raise DataError(
                f"The list {path} cannot be read ({error}). Give a text file in UTF-8."
            ) from error
        lists |= {line: partial(itunes_line, line=line) for line in lines if line.strip()}
    if not lists:
        raise DataError("Nothing was asked for. Give --term WORDS or --list FILE.")
    return lists


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status: 0 only if nothing failed."""
    parser = command_parser("training.data.fetch_covers", __doc__)
    sources = parser.add_subparsers(dest="source", required=True)
    searched = sources.add_parser("itunes", help="albums that the iTunes Search API finds")
    searched.add_argument("--term", action="append", default=[], help="words to search for; may be repeated")
    searched.add_argument(
        "--list", action="append", default=[], type=Path, help="text file, one 'Artist - Album' a line"
    )
    held = sources.add_parser("archive", help="pictures of items of archive.org")
    held.add_argument("items", nargs="+", metavar="ITEM", help="as in archive.org/details/ITEM")
    held.add_argument("--genre", choices=GENRES, default="", help="of all these covers, if known")
    held.add_argument("--decade", choices=DECADES, default="", help="of all these covers, if known")
    for source in (searched, held):
        source.add_argument("--out", type=Path, required=True, help="folder; an old run there is continued")
    given = parser.parse_args(arguments)

    def body() -> str:
        problems = fetch(lists_of(given), given.out)
        if problems:
            raise DataError("\n".join([*problems, "The same command goes on from here."]))
        return f"Everything is in {given.out}."

    return exit_status(body)


if __name__ == "__main__":
    sys.exit(main())
