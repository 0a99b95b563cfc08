"""Fetching covers: what ends up on disk, and what is asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from albumjudge.domain.conditions import GENRES
from tests.checkpoint_fixtures import local_hub
from tests.cover_servers import album, archive, itunes, picture
from tests.training.data.collecting import (
    FAST,
    SLEEVES,
    collect,
    no_waiting_for_disks,  # noqa: F401
    rows,
    sleeves,
)
from training.data import store as cover_store
from training.data.covers import load_covers, read_metadata
from training.data.fetch_covers import main, read_list
from training.data.http import HttpClient, SpoiledError
from training.data.images import ENDINGS
from training.data.sources import (
    _GENRE_OF,
    ListingError,
    Query,
    archive_query,
    decade_of,
    itunes_query,
    year_of,
)
from training.data.store import CoverStore

# What ends up on disk


def test_an_item_of_archive_org_becomes_a_folder_for_training(tmp_path: Path) -> None:
    with local_hub(archive(SLEEVES)) as server:
        given = ["archive", "sleeves", "--genre", "jazz", "--decade", "1960s", "--out", str(tmp_path)]
        assert main([*given, "--endpoint", f"{server.endpoint}/", *FAST]) == 0
    entries = read_metadata(tmp_path)
    assert len(entries) == 5
    assert {(e.source, e.genres, e.decade) for e in entries} == {("archive:sleeves", ("jazz",), "1960s")}
    assert len(load_covers(tmp_path, size=16)) == 5
    assert {(tmp_path / e.file_name).read_bytes() for e in entries} == set(SLEEVES.values())


def test_albums_of_itunes_come_with_genre_and_decade(tmp_path: Path) -> None:
    albums = [
        album(1),
        album(2, primaryGenreName="Hip-Hop/Rap", releaseDate="1993-11-09T08:00:00Z"),
        album(3, primaryGenreName="Worldwide", releaseDate="1931-01-01T08:00:00Z"),
        album(4, primaryGenreName=None, releaseDate=None),
    ]
    with local_hub(itunes(albums)) as server:
        given = ["itunes", "--term", "blue", "--side", "64", "--out", str(tmp_path)]
        assert main([*given, "--endpoint", server.endpoint, *FAST]) == 0
    found = {e.file_name: (e.genres, e.decade) for e in read_metadata(tmp_path)}
    assert found == {
        "images/itunes-1.jpg": (("jazz",), "1950s"),
        "images/itunes-2.jpg": (("hiphop",), "1990s"),
        "images/itunes-3.jpg": ((), None),
        "images/itunes-4.jpg": ((), None),
    }
    listed = rows(tmp_path / "metadata.csv")
    assert [row["year"] for row in listed] == ["1959", "1993", "1931", ""]
    assert {(row["source_width"], row["source_height"]) for row in listed} == {("64", "64")}
    assert listed[0]["artist"] == "Miles Davis" and listed[0]["title"] == "Album 1"


@pytest.mark.parametrize("form", ENDINGS)
def test_the_ending_of_a_file_is_that_of_its_format_whatever_it_was_called(tmp_path: Path, form: str) -> None:
    with local_hub(archive({"cover.JPG": picture(1, form=form)})) as server:
        collect(sleeves(server), tmp_path)
    assert [Path(row["file_name"]).suffix for row in rows(tmp_path / "metadata.csv")] == [ENDINGS[form]]
    assert len(load_covers(tmp_path, size=16)) == 1


def test_names_that_no_file_system_would_take_are_made_harmless(tmp_path: Path) -> None:
    names = ["..escape.jpg", "a/b.jpg", "a b.jpg", "A B.jpg", "ü?#%.jpg", "x" * 300 + ".jpg"]
    with local_hub(archive({name: picture(i) for i, name in enumerate(names)})) as server:
        assert collect(sleeves(server), tmp_path / "out").new == len(names)
    files = list((tmp_path / "out" / "images").iterdir())
    assert len({file.name.lower() for file in files}) == len(names)
    assert all(file.name.isascii() and len(file.name) < 100 for file in files)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_album_that_two_searches_find_is_fetched_once(tmp_path: Path) -> None:
    with local_hub(itunes([album(1), album(2)])) as server:
        queries = [itunes_query(term=term, endpoint=server.endpoint) for term in ("kind", "blue")]
        tally = collect(queries, tmp_path)
    assert (tally.new, tally.there) == (2, 0)
    assert Counter(r.path.split("/")[1] for r in server.requests)["art"] == 2


def test_what_one_learns_later_is_noted_without_fetching_again(tmp_path: Path) -> None:
    with local_hub(archive(SLEEVES)) as server:
        collect(sleeves(server), tmp_path)
        before = len(server.requests)
        collect(archive_query("sleeves", genre="reggae", endpoint=server.endpoint), tmp_path)
        assert len(server.requests) == before
    assert {e.genres for e in read_metadata(tmp_path)} == {("reggae",)}


def test_every_genre_of_itunes_is_mapped_to_a_known_one() -> None:
    assert set(_GENRE_OF.values()) == set(GENRES)


@pytest.mark.parametrize(
    ("date", "year", "decade"),
    [
        ("1959-08-17T07:00:00Z", "1959", "1950s"),
        ("2029", "2029", "2020s"),
        ("2030-01-01", "2030", ""),
        ("1949-12-31", "1949", ""),
        ("", "", ""),
        ("19591", "", ""),
        ("soon", "", ""),
    ],
)
def test_a_date_gives_year_and_decade(date: str, year: str, decade: str) -> None:
    assert (year_of(date), decade_of(year_of(date))) == (year, decade)


def ids(query: Query, *albums: dict[str, object]) -> list[str]:
    return [wanted.id for wanted in query.read({"results": [*albums]}).wanted]


def test_tributes_and_other_albums_are_left_out() -> None:
    found = [
        album(1, artistName="Beyoncé", collectionName="Lemonade"),
        album(2, artistName="BEYONCE & Jay-Z", collectionName="Lemonade (Deluxe)"),
        album(3, artistName="Karaoke Stars", collectionName="Lemonade"),
        album(4, artistName="Beyoncé", collectionName="4"),
    ]
    assert ids(itunes_query(artist="Beyonce", album="LEMONADE"), *found) == ["itunes-1", "itunes-2"]
    assert ids(itunes_query(artist="beyoncé"), *found) == ["itunes-1", "itunes-2", "itunes-4"]
    assert len(ids(itunes_query(term="lemonade"), *found)) == 4


def test_the_question_to_itunes_is_for_albums() -> None:
    url = itunes_query(artist="Sigur Rós", country="IS", limit=7).url
    assert url == (
        "https://itunes.apple.com/search?term=Sigur+R%C3%B3s&country=IS&media=music&entity=album&limit=7"
        "&attribute=artistTerm"
    )
    assert "attribute" not in itunes_query(artist="Sigur Rós", album="Takk").url
    assert "term=Sigur+R%C3%B3s+Takk&" in itunes_query(artist="Sigur Rós", album="Takk").url


def test_of_an_item_only_pictures_that_somebody_uploaded_are_wanted() -> None:
    files = [
        {"name": "front.jpg", "source": "original", "format": "JPEG"},
        {"name": "disc 1/back.PNG", "source": "original"},
        {"name": "front_thumb.jpg", "source": "derivative", "original": "front.jpg"},
        {"name": "__ia_thumb.jpg", "source": "original", "format": "Item Tile"},
        {"name": "hidden.jpg", "source": "original", "private": "true"},
        {"name": "notes.txt", "source": "original"},
        {"name": "rest.zip", "source": "original"},
        {"name": 5},
        None,
    ]
    listing = archive_query("a b").read({"files": files})
    assert [wanted.url for wanted in listing.wanted] == [
        "https://archive.org/download/a%20b/front.jpg",
        "https://archive.org/download/a%20b/disc%201/back.PNG",
    ]
    assert "1 packed file" in listing.remark
    assert [w.id for w in archive_query("a", match="*front*").read({"files": files}).wanted] == [
        "archive-a/front.jpg"
    ]


@pytest.mark.parametrize("answer", [{}, {"is_dark": True}])
def test_an_item_that_is_closed_or_unknown_is_said_to_be_so(answer: object) -> None:
    with pytest.raises(ListingError, match="no open item 'x'"):
        archive_query("x").read(answer)


@pytest.mark.parametrize("answer", [[], None, "text", {"error": "x"}, {"results": 5, "files": "x"}])
def test_answers_to_another_question_are_spoiled(answer: object) -> None:
    for query in (itunes_query(term="x"), archive_query("x")):
        with pytest.raises(SpoiledError):
            query.read(answer)


# The command line


def test_a_list_is_read_without_remarks_and_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\ufeff# jazz\nMiles Davis\n\n  Can - Tago Mago\n", encoding="utf-8")
    assert read_list(path) == [("Miles Davis", ""), ("Can", "Tago Mago")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "Nothing was asked for. Give --term WORDS or --list FILE."),
        (["--list", "{tmp}/none.txt"], "none.txt cannot be read"),
        (["--list", "{tmp}/empty.txt"], "empty.txt is empty"),
        (["--list", "{tmp}/latin.txt"], "latin.txt cannot be read"),
    ],
)
def test_a_command_that_asks_for_nothing_is_answered_with_a_sentence(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes("Björk".encode("latin-1"))
    given = [word.replace("{tmp}", str(tmp_path)) for word in given]
    assert main(["itunes", "--out", str(tmp_path / "out"), *given]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "given", [["--country", "USA"], ["--limit", "0"], ["--limit", "201"], ["--side", "x"], ["--side", "5000"]]
)
def test_options_out_of_range_are_refused(given: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["itunes", "--term", "x", "--out", str(tmp_path), *given])
    assert stopped.value.code == 2


def test_a_full_disk_ends_the_run_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cover_store, "write_durably", full)
    with local_hub(archive(SLEEVES)) as server:
        given = ["archive", "sleeves", "--out", str(tmp_path), "--endpoint", server.endpoint, *FAST]
        assert main(given) == 1
    assert "Make room, then go on." in capsys.readouterr().err


def test_two_runs_in_one_folder_are_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CoverStore(tmp_path):
        assert main(["archive", "sleeves", "--out", str(tmp_path), "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "Another run is fetching into" in capsys.readouterr().err
    with CoverStore(tmp_path) as store:
        assert store.records == {}


def test_ctrl_c_ends_with_a_sentence_and_with_the_lists_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    get, left = HttpClient.get, [0] * 3

    def interrupted(self: HttpClient, *given: Any) -> Any:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return get(self, *given)

    monkeypatch.setattr(HttpClient, "get", interrupted)
    with local_hub(archive(SLEEVES)) as server:
        given = ["archive", "sleeves", "--out", str(tmp_path), "--endpoint", server.endpoint, *FAST]
        assert main(given) == 130
    assert "goes on from here" in capsys.readouterr().err
    assert len(read_metadata(tmp_path)) == 2


# Understanding the sources
