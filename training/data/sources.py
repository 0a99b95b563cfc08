"""Where covers come from: what to ask the iTunes Search API and archive.org, and what their answers say."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlencode

from albumjudge.domain.conditions import DECADES
from training.data.http import SpoiledError

ITUNES = "https://itunes.apple.com"
ARCHIVE = "https://archive.org"
MOST_RESULTS = 200
"""The iTunes Search API gives no more for one question, and no second page."""
SIDE = 300
"""Side in pixels of the pictures that iTunes is asked for: enough to paint 128, and small to send."""

_GENRE_OF: dict[str, str] = {
    name: genre
    for genre, names in json.loads(Path(__file__).with_name("itunes_genres.json").read_bytes()).items()
    for name in names
}
_PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".webp"}
_PACKED = {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"}


class ListingError(Exception):
    """A source says that it has nothing of that name; the message is a sentence."""


@dataclass(frozen=True)
class Label:
    """What is known of a cover, empty where unknown; ``genre`` is one of GENRES, ``decade`` of DECADES."""

    source: str
    genre: str = ""
    decade: str = ""
    year: str = ""
    artist: str = ""
    title: str = ""


@dataclass(frozen=True)
class Wanted:
    """A cover to be fetched: ``id`` is the same wherever it is listed; ``sha1`` empty if not announced."""

    id: str
    url: str
    label: Label
    sha1: str = ""

    @property
    def stem(self) -> str:
        """A file name without ending, the same for the same id on every system."""
        if re.fullmatch(r"[a-z0-9-]{1,60}", self.id):
            return self.id
        readable = re.sub(r"[^a-z0-9]+", "-", self.id.lower()).strip("-")[:50]
        return f"{readable}-{hashlib.sha256(self.id.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Listing:
    """What a source offers: covers, and a sentence for whoever asked, often empty."""

    wanted: tuple[Wanted, ...]
    remark: str = ""


@dataclass(frozen=True)
class Query:
    """A question to a source.

    Attributes:
        name: of what is asked for, in words.
        url: answers with JSON.
        read: finds covers in that JSON; raises :class:`ListingError` where the source says that it has none,
            :class:`training.data.http.SpoiledError` if it is no answer to this question.
    """

    name: str
    url: str
    read: Callable[[object], Listing]


def itunes_query(
    *,
    term: str = "",
    artist: str = "",
    album: str = "",
    country: str = "US",
    limit: int = MOST_RESULTS,
    side: int = SIDE,
    endpoint: str = ITUNES,
) -> Query:
    """Ask the iTunes Search API for albums by free ``term``, by ``artist``, or for one ``album`` of theirs.

    Args:
        country: of the store, two letters.
        limit: most albums, 1 to 200.
        side: of the pictures in pixels.
        endpoint: address of the API without a slash at its end.
    """
    asked = {"term": term or f"{artist} {album}".strip(), "country": country, "media": "music"}
    asked |= {"entity": "album", "limit": str(limit)}
    if artist and not album:
        asked["attribute"] = "artistTerm"

    def read(answer: object) -> Listing:
        found = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise SpoiledError("was answered without a list of results")
        albums = [row for row in found if isinstance(row, dict) and _mentions(row, artist, album)]
        wanted = [cover for row in albums if (cover := _itunes_cover(row, side))]
        unique = tuple({cover.id: cover for cover in wanted}.values())
        return Listing(unique, "" if unique else "No album with a cover was found.")

    return Query(asked["term"], f"{endpoint}/search?{urlencode(asked)}", read)


def itunes_line(line: str) -> tuple[str, str]:
    """Artist and album of a line ``Artist`` or ``Artist - Album``; the album may be empty."""
    artist, _, album = line.partition(" - ")
    return artist.strip(), album.strip()


def _mentions(row: Mapping[str, object], artist: str, album: str) -> bool:
    # The search also finds tributes, karaoke and whatever else has the words anywhere.
    return plain(artist) in plain(str(row.get("artistName", ""))) and plain(album) in plain(
        str(row.get("collectionName", ""))
    )


def plain(text: str) -> str:
    """Text without case, accents, punctuation and spaces, so that two spellings of a name are the same."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in spread if letter.isalnum())


def _itunes_cover(row: Mapping[str, object], side: int) -> Wanted | None:
    number, artwork = row.get("collectionId"), row.get("artworkUrl100")
    if not isinstance(number, int) or not isinstance(artwork, str):
        return None
    year = year_of(str(row.get("releaseDate") or ""))
    label = Label(
        source="itunes",
        genre=_GENRE_OF.get(str(row.get("primaryGenreName")), ""),
        decade=decade_of(year),
        year=year,
        artist=str(row.get("artistName") or ""),
        title=str(row.get("collectionName") or ""),
    )
    return Wanted(f"itunes-{number}", artwork_url(artwork, side), label)


def artwork_url(url: str, side: int) -> str:
    """Address of the same artwork at another size: the last ``100x100`` is replaced, if there is one."""
    return re.sub(r"(?<=[/.])\d+x\d+(?=[^/]*$)", f"{side}x{side}", url)


def year_of(date: str) -> str:
    """The year with which a date begins, as in ``1959-08-17T07:00:00Z``; empty if none."""
    found = re.match(r"[12]\d{3}(?!\d)", date)
    return found[0] if found else ""


def decade_of(year: str) -> str:
    """``1959`` to ``1950s``; empty if the year is unknown or of no decade that is known here."""
    decade = f"{year[:3]}0s"
    return decade if decade in DECADES else ""


def archive_query(
    item: str, *, match: str = "*", genre: str = "", decade: str = "", endpoint: str = ARCHIVE
) -> Query:
    """Ask archive.org for the pictures of an item that somebody uploaded, not for thumbnails made of them.

    Args:
        match: pattern of the file names wanted, as in a shell.
        genre, decade: of all of them, as far as the person who asks knows; an item does not say.
        endpoint: address of archive.org without a slash at its end.
    """
    label = Label(f"archive:{item}", genre, decade)

    def read(answer: object) -> Listing:
        if answer == {} or (isinstance(answer, dict) and answer.get("is_dark")):
            raise ListingError(f"archive.org has no open item {item!r}. Check its name.")
        if not isinstance(answer, dict) or not isinstance(answer.get("files"), list):
            raise SpoiledError("was answered without a list of files")
        files = [row for row in answer["files"] if isinstance(row, dict) and isinstance(row.get("name"), str)]
        taken = [row for row in files if _is_open_picture(row) and fnmatch.fnmatch(row["name"], match)]
        wanted = tuple(
            Wanted(
                id=f"archive-{item}/{row['name']}",
                url=f"{endpoint}/download/{quote(item)}/{quote(row['name'])}",
                label=label,
                sha1=row["sha1"] if isinstance(row.get("sha1"), str) else "",
            )
            for row in taken
        )
        packed = sum(PurePosixPath(row["name"]).suffix.lower() in _PACKED for row in files)
        remark = f"{packed} packed files were left alone: unpack them yourself." if packed else ""
        return Listing(wanted, remark or ("" if wanted else "No picture was found in it."))

    return Query(item, f"{endpoint}/metadata/{quote(item)}", read)


def _is_open_picture(row: Mapping[str, object]) -> bool:
    return (
        PurePosixPath(str(row["name"])).suffix.lower() in _PICTURES
        and row.get("source", "original") == "original"
        and row.get("format") != "Item Tile"
        and str(row.get("private", "")).lower() != "true"
    )
