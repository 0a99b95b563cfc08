"""A network that swallows everything on its way to PostgreSQL: nobody waits long, and no vote is lost."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from sqlalchemy import URL, Connection, Engine, make_url

from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.voting.database import ANSWER, VoteError
from albumjudge.voting.ready import ReadyWalls
from albumjudge.voting.votes import VoteStore
from benchmarks.processes import free_ports, start, wait_for
from benchmarks.session import Session
from tests.checkpoint_fixtures import make_generator, make_judge
from tests.vote_fixtures import NO_ROWS, ONE_VOTE, before_each_statement, cast_one, rows

NOT_STORED = r"not stored: the database cannot be reached\. Try again"
SOON = ANSWER + 1.5
"""Seconds; there is a margin for a machine that is busy."""


class Network:
    """Between an exhibit and PostgreSQL. While it swallows, it takes connections and bytes, to no avail."""

    def __init__(self, server: URL) -> None:
        self._server, self.swallows = server, False
        self._open = [socket.create_server(("127.0.0.1", 0))]
        here = server.set(host="127.0.0.1", port=self._open[0].getsockname()[1], query={})
        self.url = here.render_as_string(hide_password=False)
        threading.Thread(target=self._take, daemon=True).start()

    def pass_on(self) -> None:
        """Let everything through again, and wait until the exhibit knows."""
        self.swallows = False
        for thread in threading.enumerate():
            if thread.name == "database":
                thread.join(60)

    def close(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _take(self) -> None:
        folder, port = str(self._server.query.get("host", "")), self._server.port or 5432
        with suppress(OSError):
            while True:
                ends = [self._open[0].accept()[0]]
                if folder.startswith("/"):
                    ends.append(socket.socket(socket.AF_UNIX))
                    ends[1].connect(f"{folder}/.s.PGSQL.{port}")
                else:
                    ends.append(socket.create_connection((self._server.host or folder, port)))
                self._open += ends
                for one, other in (ends, ends[::-1]):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.swallows:
                    target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def network(postgresql_url: str) -> Iterator[Network]:
    found = Network(make_url(postgresql_url))
    yield found
    found.close()


@pytest.fixture
def store(network: Network, engines: Callable[[str], Engine]) -> VoteStore:
    """Votes behind the network, with connections that are open already."""
    found = VoteStore(engines(network.url))
    found.prepare()
    return found


def seconds(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def fails(action: Callable[[], object], words: str = NOT_STORED) -> float:
    """Seconds until it has failed with a sentence."""

    def failing() -> None:
        with pytest.raises(VoteError, match=words):
            action()

    return seconds(failing)


def test_a_vote_fails_soon_and_can_be_cast_again_when_the_database_is_back(
    network: Network, store: VoteStore
) -> None:
    first = cast_one(store)
    walls = ReadyWalls(store.engine, "networks")
    assert walls.put(7, "a wall")
    network.swallows = True
    assert fails(lambda: cast_one(store, "bob")) < SOON
    # Nobody else waits for it.
    assert fails(lambda: cast_one(store, "cat")) < ANSWER
    assert fails(store.votes, "cannot be read: the database cannot be reached") < ANSWER
    assert seconds(walls.take) < ANSWER and walls.take() is None
    network.pass_on()
    assert store.votes() == [first] and walls.take() == (7, "a wall")
    later = [cast_one(store, name) for name in ("bob", "cat")]
    assert store.votes() == [first, *later]


def test_a_visitor_who_comes_first_to_a_silent_database_does_not_wait_long_either(
    network: Network, engines: Callable[[str], Engine]
) -> None:
    network.swallows = True
    store = VoteStore(engines(network.url))
    assert fails(store.prepare, "cannot be opened: the database cannot be reached") < 2 + SOON
    assert fails(store.prepare, "cannot be opened: the database cannot be reached") < ANSWER
    network.pass_on()
    store.prepare()
    assert rows(store.engine) == NO_ROWS and cast_one(store).visitor == "ann"


def test_silence_in_the_middle_of_a_vote_stores_nothing_by_half(network: Network, store: VoteStore) -> None:
    hasty = VoteStore(store.engine, timeout=0.5, limit=0.5)

    def swallow(_: Connection, statement: str) -> None:
        if statement.startswith("INSERT INTO votes"):
            network.swallows = True

    with before_each_statement(store.engine, swallow):
        assert fails(lambda: cast_one(hasty)) < 0.5 + SOON
    network.pass_on()
    assert rows(store.engine) == NO_ROWS
    cast_one(store)
    assert rows(store.engine) == ONE_VOTE


async def waited(action: Awaitable[None]) -> float:
    began = time.monotonic()
    await action
    return time.monotonic() - began


@pytest.mark.slow
def test_an_exhibit_that_starts_in_silence_shows_walls_keeps_choices_and_goes_over_to_the_database(
    network: Network, store: VoteStore, tmp_path: Path
) -> None:
    painter = read_checkpoint(make_generator(tmp_path / "generator"), "generator")
    judge = read_checkpoint(make_judge(tmp_path / "judge"), "judge")
    settings = {
        "DATABASE_URL": network.url,
        "ALBUMJUDGE_GENERATOR_DIR": str(tmp_path / "generator"),
        "ALBUMJUDGE_JUDGE_DIR": str(tmp_path / "judge"),
    }
    network.swallows = True
    address, process = start(tmp_path / "data", free_ports(1)[0], settings)

    async def come() -> None:
        await asyncio.to_thread(wait_for, f"{address}/_stcore/health")
        early = Session(address)
        await early.open()  # However long the networks take to load.
        assert sum(name.startswith("choose-") for name in early.buttons) == 12
        with pytest.raises(HTTPError, match="503"):
            urlopen(f"{address}/healthz", timeout=60)
        network.pass_on()
        await asyncio.to_thread(wait_for, f"{address}/healthz")
        voter = Session(address)
        await voter.open()
        network.swallows = True
        assert await waited(early.visit("dialogue")) < 2 * SOON
        assert await waited(voter.click("felt-awe")) < SOON
        said = " ".join(voter.html)
        assert "the database cannot be reached" in said and "awe, is kept here" in said
        network.pass_on()
        await asyncio.to_thread(wait_for, f"{address}/healthz")
        await voter.click("try-casting-again")
        await voter.click("to-the-wall")  # Which wakes idle work.
        for session in (early, voter):
            await session.close()

    try:
        asyncio.run(come())
        (vote,) = store.votes()
        assert vote.felt == "awe"
        walls, until = ReadyWalls(store.engine, f"{painter.revision}.{judge.revision}"), time.monotonic() + 60
        while walls.count()[0] == 0:
            assert time.monotonic() < until
    finally:
        process.terminate()
        process.wait(30)
