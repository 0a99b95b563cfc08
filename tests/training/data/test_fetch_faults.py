"""Fetching covers: faults and kills cost nothing but time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkpoint_fixtures import Answer, Request, local_hub
from tests.cover_servers import Respond, album, archive, itunes, picture
from tests.training.data.collecting import (
    FAST,
    PROMPT,
    SLEEVES,
    collect,
    no_waiting_for_disks,  # noqa: F401
    on_disk,
    pictures_asked_for,
    rows,
    same_place,
    sleeves,
)
from training.data import files
from training.data import store as cover_store
from training.data.covers import load_covers, read_metadata
from training.data.fetch_covers import STOP_AFTER, main
from training.data.sources import (
    itunes_query,
)
from training.data.store import read_manifest

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


def test_quarantine_is_for_good_unless_one_deletes_it(tmp_path: Path) -> None:
    with local_hub(archive({"a.jpg": SLEEVES["00 sleeve.jpg"][:-200]})) as server:
        collect(sleeves(server), tmp_path)
    with local_hub(archive({"a.jpg": SLEEVES["00 sleeve.jpg"]})) as server:
        tally = collect(sleeves(server), tmp_path)
        assert (tally.quarantined, pictures_asked_for(server)) == (1, Counter())
        shutil.rmtree(tmp_path / "quarantine")
        tally = collect(sleeves(server), tmp_path)
    assert (tally.new, tally.quarantined) == (1, 0)
    assert len(read_metadata(tmp_path)) == 1


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
    fsync, rename, write = os.fsync, Path.replace, files.write_durably

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
