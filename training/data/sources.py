"""Where covers come from: what the iTunes Search API and archive.org answer, and what that says of covers."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from albumjudge.domain.conditions import DECADES

ITUNES, ARCHIVE = "https://itunes.apple.com", "https://archive.org"
MOST_RESULTS = 200
"""The iTunes Search API gives no more for one question, and no second page."""
SIDE = 300
"""Side in pixels of the pictures that iTunes is asked for: enough to paint 128, and small to send."""
PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".webp"}
GENRE_OF: dict[str, str] = {
    name: genre
    for genre, names in json.loads(Path(__file__).with_name("itunes_genres.json").read_bytes()).items()
    for name in names
}
Ask = Callable[[str], Any]
"""Fetches an address and decodes its JSON."""


@dataclass(frozen=True)
class Wanted:
    """A cover to be fetched, with what is known of it, empty where unknown.

    Attributes:
        id: the same wherever it is listed.
        genre, decade: of GENRES and DECADES.
    """

    id: str
    url: str
    source: str
    genre: str = ""
    decade: str = ""
    year: str = ""
    artist: str = ""
    title: str = ""


def itunes(ask: Ask, term: str = "", *, artist: str = "", album: str = "") -> list[Wanted]:
    """Albums that the iTunes Search API finds by free ``term``, by ``artist``, or for one ``album`` of theirs."""
    asked = {"term": term or f"{artist} {album}".strip(), "media": "music", "entity": "album"}
    if artist and not album:
        asked["attribute"] = "artistTerm"
    found = ask(f"{ITUNES}/search?{urlencode(asked | {'limit': MOST_RESULTS})}")["results"]
    wanted = [_album(row) for row in found if "artworkUrl100" in row and _mentions(row, artist, album)]
    return list({cover.id: cover for cover in wanted}.values())


def itunes_line(ask: Ask, line: str) -> list[Wanted]:
    """Albums for a line ``Artist`` or ``Artist - Album``."""
    artist, _, album = line.partition(" - ")
    return itunes(ask, artist=artist.strip(), album=album.strip())


def _album(row: Mapping[str, Any]) -> Wanted:
    found = re.match(r"[12]\d{3}(?!\d)", str(row.get("releaseDate")))
    year = found[0] if found else ""
    decade = f"{year[:3]}0s"
    return Wanted(
        f"itunes-{row['collectionId']}",
        # The same artwork at another size: the last "100x100" is replaced.
        re.sub(r"(?<=[/.])\d+x\d+(?=[^/]*$)", f"{SIDE}x{SIDE}", row["artworkUrl100"]),
        "itunes",
        GENRE_OF.get(str(row.get("primaryGenreName")), ""),
        decade if decade in DECADES else "",
        year,
        str(row.get("artistName") or ""),
        str(row.get("collectionName") or ""),
    )


def _mentions(row: Mapping[str, Any], artist: str, album: str) -> bool:
    """The search also finds tributes, karaoke and whatever else has the words anywhere."""
    said = plain(str(row.get("artistName"))), plain(str(row.get("collectionName")))
    return plain(artist) in said[0] and plain(album) in said[1]


def plain(text: str) -> str:
    """Text without case, accents, punctuation and spaces, so that two spellings of a name are the same."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in spread if letter.isalnum())


def archive(ask: Ask, item: str, *, genre: str = "", decade: str = "") -> list[Wanted]:
    """Pictures of an item of archive.org that somebody uploaded, not thumbnails made of them.

    Args:
        genre, decade: of all of them, as far as the person who asks knows; an item does not say.
    """
    return [
        Wanted(
            f"archive-{item}/{row['name']}",
            f"{ARCHIVE}/download/{quote(item)}/{quote(row['name'])}",
            f"archive:{item}",
            genre,
            decade,
        )
        for row in ask(f"{ARCHIVE}/metadata/{quote(item)}")["files"]
        if PurePosixPath(row["name"]).suffix.lower() in PICTURES
        and row.get("source", "original") == "original"
        and row.get("format") != "Item Tile"
        and row.get("private") != "true"
    ]
