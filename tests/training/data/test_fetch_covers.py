"""Fetching covers: what ends up on disk, and that faults and kills cost nothing but time."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from albumjudge.domain.conditions import GENRES
from tests.checkpoint_fixtures import Answer, LocalHub, Request, local_hub
from tests.cover_servers import Respond, album, archive, client, itunes, picture
from training.data import store as cover_store
from training.data.covers import load_covers, read_metadata
from training.data.fetch_covers import STOP_AFTER, Collector, Tally, main, read_list
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
from training.data.store import CoverStore, read_manifest
from training.engine import atomic_files

SLEEVES = {f"{number:02d} sleeve.jpg": picture(number) for number in range(5)}
FAST = ("--searches-per-minute", "100000", "--pictures-per-minute", "100000")
PROMPT = 60.0
"""Longest that a test waits for what takes a moment on an idle machine."""


@pytest.fixture(autouse=True)
def _nobody_pulls_the_plug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for disks would take most of this file's time; that they are waited for is tested elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def collect(
    query: Query | list[Query],
    root: Path,
    *,
    deadline: float = 30.0,
    refresh: bool = False,
    retry: bool = False,
) -> Tally:
    """One run that never really sleeps."""
    queries = query if isinstance(query, list) else [query]
    with CoverStore(root) as store, client(deadline=deadline) as one, client(deadline=deadline) as two:
        return Collector(store, one, two, refresh=refresh, retry=retry).collect(queries)


def sleeves(server: LocalHub, item: str = "sleeves") -> Query:
    return archive_query(item, endpoint=server.endpoint)


def on_disk(root: Path) -> dict[str, str]:
    """Files below a folder with their hashes, without what belongs to the run and not to the covers."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("manifest.jsonl", ".lock") and path.parent.name != "listings"
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def same_place(root: Path) -> list[dict[str, str]]:
    """``metadata.csv`` without addresses, which differ between two local servers."""
    return [{k: v for k, v in row.items() if k != "url"} for row in rows(root / "metadata.csv")]


def pictures_asked_for(server: LocalHub) -> Counter[str]:
    return Counter(request.path for request in server.requests if request.path.startswith("/download/"))


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


# Faults that pass

FAULTS = {
    "silence": Answer(silent=True),
    "hung up": Answer(hang_up=True),
    "403": Answer(403),
    "429": Answer(429, headers={"Retry-After": "30"}),
    "500": Answer(500, body=b"<html>Oops</html>"),
    "HTML": Answer(body=b"\n<!DOCTYPE html><title>Log in to this network</title>"),
    "nothing": Answer(),
    "cut short": Answer(body=SLEEVES["00 sleeve.jpg"], sent=200),
    "truncated": Answer(body=SLEEVES["00 sleeve.jpg"][:-200]),
    "other JSON": Answer(body=b'{"error": "slow down"}'),
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run without any fault leaves."""
    root = tmp_path_factory.mktemp("undisturbed")
    with local_hub(archive(SLEEVES)) as server:
        assert collect(sleeves(server), root).complete
    return root


def failing_first(respond: Respond, fault: Answer) -> Respond:
    """Everything fails the first time it is asked for."""
    asked = set[str]()

    def answer(request: Request) -> Answer:
        if request.path in asked:
            return respond(request)
        asked.add(request.path)
        return fault

    return answer


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_at_first_costs_nothing_but_time(
    fault: str, tmp_path: Path, undisturbed: Path
) -> None:
    with local_hub(failing_first(archive(SLEEVES), FAULTS[fault])) as server:
        tally = collect(sleeves(server), tmp_path, deadline=0.2 if fault == "silence" else 30.0)
    assert tally.complete and tally.new == len(SLEEVES)
    assert same_place(tmp_path) == same_place(undisturbed)
    images = {name: digest for name, digest in on_disk(undisturbed).items() if name.startswith("images/")}
    assert {name: d for name, d in on_disk(tmp_path).items() if name != "metadata.csv"} == images
    assert set(pictures_asked_for(server).values()) == {2}


def test_a_picture_damaged_on_the_way_is_known_by_the_hash_that_was_announced(tmp_path: Path) -> None:
    other = Answer(body=picture(99))
    respond = archive(SLEEVES, announce=True)
    asked = Counter[str]()

    def answer(request: Request) -> Answer:
        asked[request.path] += 1
        return (
            other if asked[request.path] == 1 and request.path.startswith("/download/") else respond(request)
        )

    with local_hub(answer) as server:
        assert collect(sleeves(server), tmp_path).new == len(SLEEVES)
    found = {(tmp_path / row["file_name"]).read_bytes() for row in rows(tmp_path / "metadata.csv")}
    assert found == set(SLEEVES.values())


# Faults that stay


def test_what_is_no_cover_goes_to_quarantine_with_the_reason(tmp_path: Path) -> None:
    whole = picture(7)
    files = SLEEVES | {
        "truncated.jpg": whole[:-200],
        "wide.jpg": picture(8, (60, 40)),
        "pixel.png": picture(9, (1, 1), "PNG"),
        "text.jpg": b"this is no picture",
        "bitmap.jpg": picture(10, form="BMP"),
    }
    respond = archive(files | {"gone.jpg": b""})
    with local_hub(lambda r: Answer(404) if r.file == "gone.jpg" else respond(r)) as server:
        tally = collect(sleeves(server), tmp_path)
        asked = pictures_asked_for(server)
    assert (tally.new, tally.quarantined, tally.complete) == (5, 6, True)
    assert len(load_covers(tmp_path, size=16)) == 5
    said = {row["id"].split("/")[1]: row for row in rows(tmp_path / "quarantine" / "reasons.csv")}
    reasons = {name: row["reason"] for name, row in said.items()}
    assert reasons["wide.jpg"] == "is not square (60x40)"
    assert reasons["pixel.png"] == "is too small (1x1)"
    assert reasons["truncated.jpg"].startswith("is broken (")
    assert reasons["text.jpg"] == reasons["bitmap.jpg"] == "is no picture, or of a format that is not taken"
    assert reasons["gone.jpg"].endswith("was answered with 404.")
    assert (tmp_path / said["truncated.jpg"]["file"]).read_bytes() == whole[:-200]
    assert said["gone.jpg"]["file"] == ""
    once = {"/download/sleeves/wide.jpg", "/download/sleeves/pixel.png", "/download/sleeves/gone.jpg"}
    assert all(asked[path] == 1 for path in once)
    assert asked["/download/sleeves/truncated.jpg"] == 3


def test_quarantine_is_for_good_unless_one_asks(tmp_path: Path) -> None:
    with local_hub(archive({"a.jpg": SLEEVES["00 sleeve.jpg"][:-200]})) as server:
        collect(sleeves(server), tmp_path)
    with local_hub(archive({"a.jpg": SLEEVES["00 sleeve.jpg"]})) as server:
        tally = collect(sleeves(server), tmp_path)
        assert (tally.quarantined, pictures_asked_for(server)) == (1, Counter())
        tally = collect(sleeves(server), tmp_path, retry=True)
    assert (tally.new, tally.quarantined) == (1, 0)
    assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["reasons.csv"]
    assert rows(tmp_path / "quarantine" / "reasons.csv") == [] and len(read_metadata(tmp_path)) == 1


@pytest.mark.parametrize("fault", ["403", "HTML"])
def test_one_cover_that_cannot_be_had_today_does_not_hold_up_the_others(fault: str, tmp_path: Path) -> None:
    respond = archive(SLEEVES)
    with local_hub(lambda r: FAULTS[fault] if "02" in r.file else respond(r)) as server:
        tally = collect(sleeves(server), tmp_path)
    assert (tally.new, tally.postponed, tally.quarantined, tally.complete) == (4, 1, 0, False)
    assert "again later" in tally.sentences()[-1]
    with local_hub(respond) as server:
        tally = collect(sleeves(server), tmp_path)
        assert (tally.new, tally.there, tally.complete) == (1, 4, True)
        assert list(pictures_asked_for(server)) == ["/download/sleeves/02%20sleeve.jpg"]


@pytest.mark.parametrize("fault", ["429", "HTML", "hung up"])
def test_a_server_that_is_down_ends_the_run_and_quarantines_nothing(fault: str, tmp_path: Path) -> None:
    many = {f"{number}.jpg": picture(number) for number in range(STOP_AFTER + 3)}
    respond = archive(many)
    down = Counter[str]()

    def answer(request: Request) -> Answer:
        if down["requests"] < 2 or request.path.startswith("/metadata/"):
            down["requests"] += 1
            return respond(request)
        return FAULTS[fault]

    with local_hub(answer) as server:
        tally = collect(sleeves(server), tmp_path)
        assert len(pictures_asked_for(server)) == 1 + STOP_AFTER
    assert (tally.new, tally.postponed, tally.quarantined, tally.stopped) == (1, STOP_AFTER, 0, True)
    assert len(read_metadata(tmp_path)) == 1
    with local_hub(respond) as server:
        tally = collect(sleeves(server), tmp_path)
    assert (tally.new, tally.there, tally.complete) == (len(many) - 1, 1, True)


def test_a_search_that_fails_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    respond = itunes([album(1)])
    with local_hub(lambda r: FAULTS["HTML"] if "term=bad" in r.path else respond(r)) as server:
        queries = [itunes_query(term=term, endpoint=server.endpoint) for term in ("bad", "good")]
        tally = collect(queries, tmp_path)
        assert (tally.new, tally.complete) == (1, False)
        assert "was answered with a web page that is no JSON" in capsys.readouterr().err
        asked = len(server.requests)
        collect(queries[1:], tmp_path)
        assert len(server.requests) == asked


# Going on


def test_a_finished_run_asks_for_nothing_when_repeated(tmp_path: Path) -> None:
    with local_hub(archive(SLEEVES)) as server:
        collect(sleeves(server), tmp_path)
        before, asked = on_disk(tmp_path), len(server.requests)
        tally = collect(sleeves(server), tmp_path)
        assert (tally.new, tally.there) == (0, 5)
        assert len(server.requests) == asked and on_disk(tmp_path) == before


def test_a_cover_that_somebody_deleted_or_damaged_is_fetched_again_alone(tmp_path: Path) -> None:
    with local_hub(archive(SLEEVES)) as server:
        collect(sleeves(server), tmp_path)
        before = on_disk(tmp_path)
        first, second, *_ = sorted((tmp_path / "images").iterdir())
        first.unlink()
        second.write_bytes(b"")
        server.requests.clear()
        assert collect(sleeves(server), tmp_path).new == 2
        assert sum(pictures_asked_for(server).values()) == len(server.requests) == 2
    assert on_disk(tmp_path) == before


@pytest.mark.slow
def test_a_killed_process_goes_on_where_it_was(tmp_path: Path, undisturbed: Path) -> None:
    """SIGKILL while the second, then the third picture is on its way."""
    respond, running = archive(SLEEVES), list[subprocess.Popen[bytes]]()

    def answer(request: Request) -> Answer:
        if running and request.path.startswith("/download/"):
            done = (
                len((tmp_path / "manifest.jsonl").read_bytes().splitlines())
                if any(tmp_path.glob("m*"))
                else 0
            )
            if done == len(killed) + 1:
                killed.append(request.path)
                running.pop().kill()
                return Answer(hang_up=True)
        return respond(request)

    killed = list[str]()
    with local_hub(answer) as server:
        given = ["archive", "sleeves", "--out", str(tmp_path), "--endpoint", server.endpoint, *FAST]
        for _ in range(2):
            process = subprocess.Popen(
                [sys.executable, "-m", "training.data.fetch_covers", *given],
                cwd=Path(__file__).parents[3],
                stderr=subprocess.DEVNULL,
            )
            running.append(process)
            assert process.wait(PROMPT) == -signal.SIGKILL
        assert main(given) == 0
        asked = pictures_asked_for(server)
        assert [r.path for r in server.requests].count("/metadata/sleeves") == 1
    assert len(killed) == 2
    assert {path: count for path, count in asked.items() if count > 1} == dict.fromkeys(killed, 2)
    assert same_place(tmp_path) == same_place(undisturbed)
    lines = (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len({json.loads(line)["id"] for line in lines}) == len(SLEEVES)


class Killed(BaseException):
    """What SIGKILL would do, without the process."""


def dying_disk(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable[[], int]:
    """Let everything that writes die after so many steps, with half of the bytes written; counts steps."""
    steps = 0
    fsync, rename, write = os.fsync, Path.replace, atomic_files.write_durably

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps > after:
            raise Killed

    def dying_fsync(handle: int) -> None:
        step()
        fsync(handle)

    def dying_rename(path: Path, target: Path) -> Path:
        step()
        return rename(path, target)

    def dying_write(path: Path, content: bytes) -> None:
        if steps >= after:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(path.name + ".part").write_bytes(content[: len(content) // 2])
        step()
        write(path, content)

    monkeypatch.setattr(os, "fsync", dying_fsync)
    monkeypatch.setattr(Path, "replace", dying_rename)
    monkeypatch.setattr(cover_store, "write_durably", dying_write)
    return lambda: steps


def test_a_kill_at_any_step_on_the_disk_loses_nothing_that_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.jpg": picture(1), "wide.jpg": picture(2, (64, 48))}
    with local_hub(archive(files)) as server:
        with monkeypatch.context() as patched:
            count = dying_disk(patched, 10_000)
            collect(sleeves(server), tmp_path / "whole")
        expected, steps = on_disk(tmp_path / "whole"), count()
        assert steps > 15
        for after in range(steps):
            root = tmp_path / str(after)
            server.requests.clear()
            with monkeypatch.context() as patched, pytest.raises(Killed):
                dying_disk(patched, after)
                collect(sleeves(server), root)
            done = read_manifest(root / "manifest.jsonl")
            asked = pictures_asked_for(server)
            tally = collect(sleeves(server), root)
            assert tally.complete and tally.new + tally.there == 1
            assert on_disk(root) == expected
            again = pictures_asked_for(server) - asked
            assert sum(again.values()) == len(files) - len(done)
            assert sum((again & asked).values()) <= 1


def test_a_kill_at_any_step_of_a_refresh_leaves_no_line_about_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the same length, which alone would not tell them apart; what follows a JPEG's end is not looked at.
    old, new = {"a.jpg": picture(1).ljust(9000, b"\0")}, {"a.jpg": picture(4).ljust(9000, b"\0")}
    with local_hub(archive(new)) as server:
        server.answer = archive(old)
        collect(sleeves(server), tmp_path / "old")
        server.answer = archive(new)
        for after in range(100):
            root = shutil.copytree(tmp_path / "old", tmp_path / str(after))
            try:
                with monkeypatch.context() as patched:
                    dying_disk(patched, after)
                    collect(sleeves(server), root, refresh=True)
                break
            except Killed:
                collect(sleeves(server), root)
            (record,) = read_manifest(root / "manifest.jsonl").values()
            file = (root / record.file).read_bytes()
            assert hashlib.sha256(file).hexdigest() == record.sha256 and file in (old["a.jpg"], new["a.jpg"])
    assert after > 5


def test_a_manifest_cut_off_at_any_byte_is_mended(tmp_path: Path) -> None:
    with local_hub(archive({"a.jpg": picture(1), "b.jpg": picture(2)})) as server:
        collect(sleeves(server), tmp_path)
        manifest = tmp_path / "manifest.jsonl"
        whole, expected = manifest.read_bytes(), on_disk(tmp_path)
        second = whole.index(b"\n") + 1
        for cut in [0, 1, second - 1, *range(second, len(whole), 61), len(whole) - 1]:
            manifest.write_bytes(whole[:cut])
            tally = collect(sleeves(server), tmp_path)
            assert tally.complete and on_disk(tmp_path) == expected
            assert len(read_manifest(manifest)) == 2
            server.requests.clear()
            collect(sleeves(server), tmp_path)
            assert not server.requests


def test_a_refresh_is_sent_only_what_has_changed(tmp_path: Path) -> None:
    changed = SLEEVES | {"01 sleeve.jpg": picture(77), "new.jpg": picture(78)}
    with local_hub(archive(SLEEVES)) as server:
        collect(sleeves(server), tmp_path)
        server.requests.clear()
        tally = collect(sleeves(server), tmp_path, refresh=True)
        assert (tally.new, tally.there) == (0, 5)
        assert all("if-none-match" in request.headers for request in server.requests)
        server.answer = archive(changed)
        tally = collect(sleeves(server), tmp_path, refresh=True)
        assert (tally.new, tally.there) == (2, 4)
    found = {(tmp_path / row["file_name"]).read_bytes() for row in rows(tmp_path / "metadata.csv")}
    assert found == set(changed.values())


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", picture(5)[:-200], picture(6, (80, 40))])
def test_a_refresh_never_spoils_a_cover_that_is_there(tmp_path: Path, body: bytes) -> None:
    with local_hub(archive({"a.jpg": picture(1)})) as server:
        collect(sleeves(server), tmp_path)
        before = on_disk(tmp_path)
        server.answer = archive({"a.jpg": body})
        assert collect(sleeves(server), tmp_path, refresh=True).quarantined == 0
    assert on_disk(tmp_path) == before


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
