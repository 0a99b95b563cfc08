"""Fetch album covers for training, from the iTunes Search API or from an item of archive.org.

    python -m training.data.fetch_covers itunes --term "blue note" --list artists.txt --out data/covers/itunes
    python -m training.data.fetch_covers archive ITEM --genre jazz --out data/covers/jazz

A run that was stopped, or killed at any moment, goes on when the same command is given again; nothing that
has come before is asked for twice. Delete listings/ or quarantine/ to have asked again for what they hold.
--out ends up with images/ and the metadata.csv that training reads, manifest.jsonl (where each cover came
from, when, and its hash) and quarantine/ (what is no cover, and why).

Labels of iTunes: the genre is Apple's, as far as it is one of the ten known here. The decade is that of the
release date on sale, which for older music is often the date of a re-issue. What archive.org holds has no
labels but those given by --genre and --decade.

Covers are copyrighted works, and both services have terms. Read them before you fetch, and fetch no more than
you need.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.command import command_parser, within
from training.data.covers import DataError
from training.data.http import FetchError, HttpClient, RetryPolicy, SpoiledError
from training.data.images import SMALLEST, Shape, UnusableError, examine, looks_like_a_page
from training.data.sources import (
    ARCHIVE,
    ITUNES,
    MOST_RESULTS,
    SIDE,
    Listing,
    ListingError,
    Query,
    Wanted,
    archive_query,
    itunes_line,
    itunes_query,
)
from training.data.store import KEPT, QUARANTINED, CoverStore

STOP_AFTER = 5
"""Failures in a row upon which a run ends: the server is down, or does not want us now."""


@dataclass
class Tally:
    """What became of one run."""

    new: int = 0
    there: int = 0
    quarantined: int = 0
    postponed: int = 0
    problems: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything asked for is there or in quarantine."""
        return not (self.postponed or self.problems or self.stopped)

    def sentences(self) -> list[str]:
        """For the person who waits."""
        said = []
        if self.stopped:
            said.append(f"{STOP_AFTER} requests in a row failed, so this run ends here.")
        counts = f"{self.new:,} new covers, {self.there:,} there before, {self.quarantined:,} in quarantine"
        said.append(f"{counts}, {self.postponed:,} not to be had today.")
        if self.stopped or self.postponed:
            said.append("Give the same command again later; it goes on from here.")
        return said


class ServerDownError(Exception):
    """Too many requests in a row failed."""


class Collector:
    """Fetches what queries find into a store.

    Args:
        listings, pictures: clients for the two kinds of request, each with its own pace.
    """

    def __init__(self, store: CoverStore, listings: HttpClient, pictures: HttpClient) -> None:
        self.store, self.listings, self.pictures = store, listings, pictures
        self.tally = Tally()
        self._in_a_row = 0
        self._seen: set[str] = set()

    def collect(self, queries: Sequence[Query]) -> Tally:
        """Fetch everything, or as much as can be had; the lists are written in any case."""
        bar = tqdm(unit="cover", mininterval=0.5 if sys.stderr.isatty() else 60, total=0)
        try:
            with bar:
                for query in queries:
                    bar.set_description(query.name[:30])
                    wanted = [cover for cover in self._ask(query) if cover.id not in self._seen]
                    self._seen |= {cover.id for cover in wanted}
                    bar.total += len(wanted)
                    bar.refresh()
                    for cover in wanted:
                        self._obtain(cover)
                        bar.update()
        except ServerDownError:
            self.tally.stopped = True
        finally:
            self.store.write_lists()
        return self.tally

    def _ask(self, query: Query) -> tuple[Wanted, ...]:
        """Covers that a query finds, from the saved answer if there is one."""
        saved = self.store.listing(query)
        try:
            listing = self._ask_server(query) if saved is None else query.read(saved)
        except (FetchError, ListingError, SpoiledError) as error:
            self._failed(f"{query.name}: {error}", passing=getattr(error, "passing", False))
            return ()
        if listing.remark:
            tqdm.write(f"{query.name}: {listing.remark}", file=sys.stderr)
        return listing.wanted

    def _ask_server(self, query: Query) -> Listing:
        def read(body: bytes) -> tuple[object, Listing]:
            try:
                content = json.loads(body)
                return content, query.read(content)
            except (ValueError, RecursionError) as error:
                what = "a web page" if looks_like_a_page(body) else "something"
                raise SpoiledError(f"was answered with {what} that is no JSON") from error

        content, listing = self.listings.get(query.url, read)
        self._in_a_row = 0
        self.store.save_listing(query, content)
        return listing

    def _obtain(self, wanted: Wanted) -> None:
        """Make sure of one cover."""
        if record := self.store.find(wanted.id):
            self.store.relabel(record, wanted.label)
            self.tally.there += record.status == KEPT
            self.tally.quarantined += record.status == QUARANTINED
            return
        try:
            body, found = self.pictures.get(wanted.url, partial(_look, wanted))
        except FetchError as error:
            self._put_aside(wanted, error)
            return
        self._in_a_row = 0
        if isinstance(found, Shape):
            self.store.keep(wanted, body, found)
            self.tally.new += 1
        else:
            self.store.quarantine(wanted, str(found), body)
            self.tally.quarantined += 1

    def _put_aside(self, wanted: Wanted, error: FetchError) -> None:
        """After a failure: quarantine what will not get better, leave the rest for another day."""
        damaged = error.spoiled.body if error.spoiled else None
        if damaged or not error.passing:
            self._in_a_row = 0
            self.store.quarantine(wanted, str(error.spoiled if damaged else error), damaged)
            self.tally.quarantined += 1
        else:
            self.tally.postponed += 1
            self._failed(str(error), passing=True)

    def _failed(self, problem: str, *, passing: bool) -> None:
        tqdm.write(problem, file=sys.stderr)
        self.tally.problems.append(problem)
        self._in_a_row = self._in_a_row + 1 if passing else 0
        if self._in_a_row >= STOP_AFTER:
            raise ServerDownError


def _look(wanted: Wanted, body: bytes) -> tuple[bytes, Shape | UnusableError]:
    """A picture and its shape, or why it is none where asking again would not change that."""
    if looks_like_a_page(body):
        raise SpoiledError("was answered with a web page instead of a picture")
    if wanted.sha1 and hashlib.sha1(body, usedforsecurity=False).hexdigest() != wanted.sha1:
        raise SpoiledError("is not the file that was announced: its SHA-1 differs", body=body)
    try:
        return body, examine(body)
    except UnusableError as error:
        if error.lasting:
            return body, error
        raise SpoiledError(str(error), body=body) from error


def read_list(path: Path) -> list[tuple[str, str]]:
    """Artists and albums of a text file, one ``Artist`` or ``Artist - Album`` a line; ``#`` begins a remark.

    Raises:
        DataError: if there is no such file, or nothing in it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list {path} cannot be read ({error}). Give a text file in UTF-8.") from error
    found = [itunes_line(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise DataError(f"The list {path} is empty. Write one artist, or artist - album, a line.")
    return found


def queries_of(given: argparse.Namespace) -> list[Query]:
    """The questions that a command line asks.

    Raises:
        DataError: if it asks none, or names a list that cannot be read.
    """
    endpoint = given.endpoint.rstrip("/")
    if given.source == "archive":
        return [
            archive_query(item, match=given.match, genre=given.genre, decade=given.decade, endpoint=endpoint)
            for item in given.items
        ]
    ask = partial(itunes_query, country=given.country, limit=given.limit, side=given.side, endpoint=endpoint)
    queries = [ask(term=term) for term in given.term]
    for path in given.list:
        queries += [ask(artist=artist, album=album) for artist, album in read_list(path)]
    if not queries:
        raise DataError("Nothing was asked for. Give --term WORDS or --list FILE.")
    return queries


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = command_parser("training.data.fetch_covers", __doc__)
    sources = parser.add_subparsers(dest="source", required=True)
    itunes = sources.add_parser("itunes", help="albums that the iTunes Search API finds")
    archive = sources.add_parser("archive", help="pictures of items of archive.org")
    add = itunes.add_argument
    add("--term", action="append", default=[], help="words to search for; may be repeated")
    add("--list", action="append", default=[], type=Path, help="text file, one 'Artist - Album' a line")
    add("--country", default="US", help="store to search, two letters (default: US)")
    add("--limit", type=within(1, MOST_RESULTS), default=MOST_RESULTS, help="most albums of one search")
    add("--side", type=within(SMALLEST, 3000), default=SIDE, help=f"of pictures, in pixels (default: {SIDE})")
    add = archive.add_argument
    add("items", nargs="+", metavar="ITEM", help="as in archive.org/details/ITEM")
    add("--match", default="*", help="pattern of the file names wanted, such as '*front*'")
    add("--genre", choices=GENRES, default="", help="of all these covers, if known")
    add("--decade", choices=DECADES, default="", help="of all these covers, if known")
    for source, endpoint, pace in ((itunes, ITUNES, 18), (archive, ARCHIVE, 30)):
        add, allowed = source.add_argument, "; Apple allows about 20" if source is itunes else ""
        minute = within(1, 100_000)
        add("--out", type=Path, required=True, help="folder; an old run there is continued")
        add("--searches-per-minute", type=minute, default=pace, help=f"default: {pace}{allowed}")
        add("--pictures-per-minute", type=minute, default=60, help="default: 60")
        add("--endpoint", default=endpoint, help=f"default: {endpoint}")
    given = parser.parse_args(arguments)
    if given.source == "itunes" and not re.fullmatch("[A-Za-z]{2}", given.country):
        parser.error("--country is two letters, such as US")
    return given


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status: 0 only if all that was asked for is there or in quarantine."""
    given = parse(arguments)
    try:
        queries = queries_of(given)
        with (
            CoverStore(given.out) as store,
            HttpClient(RetryPolicy(60 / given.searches_per_minute)) as listings,
            HttpClient(RetryPolicy(60 / given.pictures_per_minute)) as pictures,
        ):
            tally = Collector(store, listings, pictures).collect(queries)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{given.out} cannot be written ({error}). Make room, then go on.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    print("\n".join(tally.sentences()))
    return 0 if tally.complete else 1


if __name__ == "__main__":
    sys.exit(main())
