"""Fetching covers: what ends up on disk, what is asked for, and what a fault costs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from albumjudge.domain.conditions import GENRES
from tests.checkpoint_fixtures import Answer, LocalHub, Request, local_hub
from tests.cover_folders import rows
from tests.cover_servers import Respond, album, archive, itunes, picture
from training.data import fetch_covers, sources
from training.data.covers import load_covers, read_metadata
from training.data.fetch_covers import ATTEMPTS, STOP_AFTER, PoliteClient, main
from training.data.images import ENDINGS

SLEEVES = {f"{number:02d} sleeve.jpg": picture(number) for number in range(5)}
FAULTS = {
    "hung up": Answer(hang_up=True),
    "403": Answer(403),
    "429": Answer(429, headers={"Retry-After": "30"}),
    "cut short": Answer(body=SLEEVES["00 sleeve.jpg"], sent=200),
    "web page": Answer(body=b"<html>Log in to this network</html>"),
}


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a run would have waited."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    for pace in ("SEARCHES", "PICTURES"):
        monkeypatch.setattr(fetch_covers, pace, fetch_covers.MINUTE)
    return seconds


@contextmanager
def served(respond: Respond, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """Both services on localhost."""
    with local_hub(respond) as server:
        for name in ("ITUNES", "ARCHIVE"):
            monkeypatch.setattr(sources, name, server.endpoint)
        yield server


def sleeves(out: Path, *more: str) -> int:
    return main(["archive", "sleeves", *more, "--out", str(out)])


def asked_for(server: LocalHub) -> Counter[str]:
    return Counter(request.path for request in server.requests if request.path.startswith("/download/"))


def failing_first(respond: Respond, fault: Answer, times: int = 1) -> Respond:
    """Everything fails the first times it is asked for."""
    asked = Counter[str]()

    def answer(request: Request) -> Answer:
        asked[request.path] += 1
        return fault if asked[request.path] <= times else respond(request)

    return answer


def test_an_item_of_archive_org_becomes_a_folder_for_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(archive(SLEEVES), monkeypatch) as server:
        assert sleeves(tmp_path, "--genre", "jazz", "--decade", "1960s") == 0
        assert server.requests[0].headers["user-agent"].startswith("albumjudge/")
        asked = len(server.requests)
        assert sleeves(tmp_path) == 0
        assert len(server.requests) == asked + 1  # The list alone: nothing that is there comes twice.
        (tmp_path / read_metadata(tmp_path)[0].file_name).unlink()
        assert sleeves(tmp_path) == 0 and len(server.requests) == asked + 3
    entries = read_metadata(tmp_path)
    assert {(e.source, e.decade) for e in entries} == {
        ("archive:sleeves", "1960s"),
        ("archive:sleeves", None),
    }
    assert len(load_covers(tmp_path, size=16)) == 5
    assert {(tmp_path / e.file_name).read_bytes() for e in entries} == set(SLEEVES.values())


def test_albums_of_itunes_come_with_genre_and_decade_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    albums = [
        album(1),
        album(2, primaryGenreName="Hip-Hop/Rap", releaseDate="1993-11-09T08:00:00Z"),
        album(3, primaryGenreName="Worldwide", releaseDate="1931-01-01T08:00:00Z"),
        album(4, primaryGenreName=None, releaseDate=None),
    ]
    names = tmp_path / "list.txt"
    names.write_text("\ufeffMiles Davis\n\nMiles Davis - Album 2\n", encoding="utf-8")
    with served(itunes(albums), monkeypatch) as server:
        assert main(["itunes", "--term", "blue", "--list", str(names), "--out", str(tmp_path)]) == 0
        assert sum("/art/" in request.path for request in server.requests) == 4
        terms = [request.path for request in server.requests if request.path.startswith("/search")]
    assert "term=blue&" in terms[0] and "entity=album" in terms[0]
    assert "attribute=artistTerm" in terms[1] and "term=Miles+Davis+Album+2&" in terms[2]
    found = [(row["genre"], row["decade"], row["year"]) for row in rows(tmp_path)]
    assert found == [("jazz", "1950s", "1959"), ("hiphop", "1990s", "1993"), ("", "", "1931"), ("", "", "")]
    assert {(row["width"], row["height"]) for row in rows(tmp_path)} == {("300", "300")}
    assert (rows(tmp_path)[0]["artist"], rows(tmp_path)[0]["title"]) == ("Miles Davis", "Album 1")


def test_of_what_is_offered_only_what_was_asked_for_is_wanted() -> None:
    found = {
        "results": [
            album(1, artistName="Beyoncé", collectionName="Lemonade"),
            album(2, artistName="BEYONCE & Jay-Z", collectionName="Lemonade (Deluxe)"),
            album(3, artistName="Karaoke Stars", collectionName="Lemonade"),
            album(4, artistName="Beyoncé", collectionName="4"),
        ]
    }

    def ids(line: str) -> list[str]:
        return [wanted.id for wanted in sources.itunes_line(lambda url: found, line)]

    assert ids("Beyonce - LEMONADE") == ["itunes-1", "itunes-2"]
    assert ids("beyoncé") == ["itunes-1", "itunes-2", "itunes-4"]
    assert len(sources.itunes(lambda url: found, "lemonade")) == 4
    files = [
        {"name": "front.jpg", "source": "original", "format": "JPEG"},
        {"name": "disc 1/back.PNG", "source": "original"},
        {"name": "front_thumb.jpg", "source": "derivative", "original": "front.jpg"},
        {"name": "__ia_thumb.jpg", "source": "original", "format": "Item Tile"},
        {"name": "hidden.jpg", "source": "original", "private": "true"},
        {"name": "rest.zip", "source": "original"},
    ]
    assert [wanted.url for wanted in sources.archive(lambda url: {"files": files}, "a b")] == [
        "https://archive.org/download/a%20b/front.jpg",
        "https://archive.org/download/a%20b/disc%201/back.PNG",
    ]
    assert set(sources.GENRE_OF.values()) == set(GENRES)


def test_names_are_made_harmless_and_end_as_their_format_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = list(ENDINGS)
    names = ["..escape.jpg", "a/b.jpg", "a b.jpg", "A B.jpg", "ü?#%.jpg", "x" * 300 + ".jpg"]
    bodies = {name: picture(i, form=forms[i % len(forms)]) for i, name in enumerate(names)}
    with served(archive(bodies), monkeypatch):
        assert sleeves(tmp_path / "out") == 0
    files = [Path(row["file_name"]) for row in rows(tmp_path / "out")]
    assert len({file.name.lower() for file in files}) == len(names)
    assert all(file.name.isascii() and len(file.name) < 100 for file in files)
    assert [file.suffix for file in files] == [ENDINGS[forms[i % len(forms)]] for i in range(len(names))]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "web page"])
def test_a_fault_that_passes_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float], fault: str
) -> None:
    with served(failing_first(archive(SLEEVES), FAULTS[fault]), monkeypatch) as server:
        assert sleeves(tmp_path) == 0
        assert set(asked_for(server).values()) == {2}
    assert len(load_covers(tmp_path, size=16)) == 5
    waits = [seconds for seconds in slept if seconds > 0.1]
    assert fault != "429" or (len(waits) == 6 and min(waits) >= 30)


def test_what_is_no_cover_is_said_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = SLEEVES | {
        "wide.jpg": picture(8, (60, 40)),
        "pixel.png": picture(9, (1, 1), "PNG"),
        "text.jpg": b"this is no picture",
        "truncated.jpg": picture(7)[:-200],
        "gone.jpg": b"",
    }
    respond = archive(files)
    with served(lambda r: Answer(404) if r.file == "gone.jpg" else respond(r), monkeypatch) as server:
        assert sleeves(tmp_path) == 1
        said = capsys.readouterr().err
        for name, why in {
            "wide.jpg": "is not square (60x40).",
            "pixel.png": "is too small (1x1).",
            "text.jpg": "is no picture, or of a format that is not taken.",
            "truncated.jpg": "is broken (",
            "gone.jpg": "was answered with 404.",
        }.items():
            assert f"/{name} {why}" in said
        assert "The same command goes on from here." in said
        server.requests.clear()
        assert sleeves(tmp_path) == 1
        # What came whole is no cover for good; the others may have been damaged on the way.
        assert {path.rpartition("/")[2] for path in asked_for(server)} == {"text.jpg", "truncated.jpg"}
    assert len(load_covers(tmp_path, size=16)) == 5


@pytest.mark.parametrize("fault", ["web page", pytest.param("429", marks=pytest.mark.slow)])
def test_a_server_that_is_down_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    respond = archive({f"{number}.jpg": picture(number) for number in range(STOP_AFTER + 3)})

    def answer(request: Request) -> Answer:
        return respond(request) if request.path.endswith(("sleeves", "/0.jpg")) else FAULTS[fault]

    with served(answer, monkeypatch) as server:
        assert sleeves(tmp_path) == 1
        assert len(asked_for(server)) == 1 + STOP_AFTER
        assert max(asked_for(server).values()) == (1 if fault == "web page" else ATTEMPTS)
    assert f"{STOP_AFTER} requests in a row failed" in capsys.readouterr().err
    assert len(read_metadata(tmp_path)) == 1
    with served(respond, monkeypatch):
        assert sleeves(tmp_path) == 0
    assert len(read_metadata(tmp_path)) == STOP_AFTER + 3


def test_a_list_that_fails_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(archive(SLEEVES), monkeypatch):
        assert main(["archive", "closed", "sleeves", "--out", str(tmp_path)]) == 1
    assert "closed could not be listed" in capsys.readouterr().err
    assert len(read_metadata(tmp_path)) == 5


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get: Callable[[PoliteClient, str], bytes] = PoliteClient.get

    def killed(client: PoliteClient, url: str) -> bytes:
        if "/03" in url:
            raise KeyboardInterrupt
        return get(client, url)

    with served(archive(SLEEVES), monkeypatch) as server:
        with monkeypatch.context() as patch:
            patch.setattr(PoliteClient, "get", killed)
            assert sleeves(tmp_path) == 130
        with (tmp_path / "manifest.jsonl").open("a", encoding="utf-8") as manifest:
            manifest.write('{"id": "archive-sl')  # As a kill leaves it.
        assert len(read_metadata(tmp_path)) == 3
        assert sleeves(tmp_path) == 0
        assert set(asked_for(server).values()) == {1}
    assert len(load_covers(tmp_path, size=16)) == 5
    lines = (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["sha256"] and json.loads(lines[0])["url"].endswith("00%20sleeve.jpg")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "Nothing was asked for. Give --term WORDS or --list FILE."),
        (["--list", "{tmp}/none.txt"], "none.txt"),
        (["--list", "{tmp}/latin.txt"], "latin.txt cannot be read"),
    ],
)
def test_a_command_that_asks_for_nothing_is_answered_with_a_sentence(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin.txt").write_bytes("Björk".encode("latin-1"))
    given = [word.replace("{tmp}", str(tmp_path)) for word in given]
    assert main(["itunes", "--out", str(tmp_path / "out"), *given]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
