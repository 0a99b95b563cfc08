"""Several processes behind a real nginx, with one real PostgreSQL, are one exhibit for all who come."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from sqlalchemy import URL, select

from albumjudge.domain.uploads import Picture
from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.inference.folders import Kind
from albumjudge.ui.visitor import COOKIE
from albumjudge.voting import schema
from albumjudge.voting.curation import TRIES, AdminPassword, CurationStore, PleaseWaitError
from albumjudge.voting.database import open_engine
from albumjudge.voting.ready import ReadyWalls
from albumjudge.voting.submissions import SubmissionStore
from albumjudge.voting.votes import VoteStore
from benchmarks.processes import free_ports
from benchmarks.replicas import COMPOSE, Replica, balancer, nginx, nginx_configuration, processes
from benchmarks.session import Session
from tests.checkpoint_fixtures import make_generator, make_judge
from tests.conftest import postgresql_database
from tests.vote_fixtures import cast_one

ADA, BOB, CAT, DAN = (f"0123456789ab4def8123456789abcde{digit}" for digit in "0123")
PICTURES = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")


def test_the_documented_configuration_is_the_one_that_is_tested(tmp_path: Path) -> None:
    text = nginx_configuration([1001, 1002], 1000, tmp_path)
    assert "server 127.0.0.1:1001 max_fails=1" in text and "server 127.0.0.1:1002 max_fails=1" in text
    assert "hash $replica;" in text and "$$" not in text and "listen 127.0.0.1:1000;" in text
    assert len(set(free_ports(5))) == 5


def test_space_and_compose_file_name_what_the_image_and_the_exhibit_know() -> None:
    page = (COMPOSE.parent / "docs" / "hosting.md").read_text()
    (head,) = re.findall(r"```yaml\n---\n(title: .*?)---\n```", page, re.DOTALL)
    told = yaml.safe_load(head)
    assert (told["sdk"], told["app_port"]) == ("docker", 7860) and {"title", "license"} <= set(told)
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {"database", "exhibit", "nginx"}
    dockerfile = (COMPOSE.parent / "Dockerfile").read_text()
    assert (
        "PORT=7860" in dockerfile and "/healthz" in dockerfile and "ALBUMJUDGE_DATA_DIR=/data" in dockerfile
    )
    assert services["exhibit"]["volumes"] == ["exhibit:/data"]
    assert "max_connections=320" in services["database"]["command"]
    assert services["exhibit"]["environment"]["ALBUMJUDGE_PROXIES"] == 1
    assert services["exhibit"]["depends_on"]["database"]["condition"] == "service_healthy"


@dataclass
class Deployment:
    """Three processes, the address of nginx before them, and the database behind."""

    address: str
    replicas: list[Replica]
    votes: VoteStore
    folder: Path

    def session(self, visitor: str, replica: Replica | None = None) -> Session:
        return Session(replica.address if replica else self.address, cookies={COOKIE: visitor})

    def on_each(self, visitor: str, page: str, query: str = "") -> list[str]:
        """What a page says to a visitor, as each process that is alive draws it."""

        async def look(replica: Replica) -> str:
            session = self.session(visitor, replica)
            try:
                await session.open(page, query)
                return " ".join(session.html)
            finally:
                await session.close()

        return [asyncio.run(look(one)) for one in self.replicas if one.process.poll() is None]


@pytest.fixture(scope="module")
def deployment(postgresql_server: URL) -> Iterator[Deployment]:
    if nginx() is None and not os.environ.get("CI"):
        pytest.skip("there is no nginx here (Debian: apt-get install nginx-light)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(postgresql_database(postgresql_server))
        url = database.render_as_string(hide_password=False)
        settings = {
            "ALBUMJUDGE_GENERATOR_DIR": str(make_generator(folder / "generator")),
            "ALBUMJUDGE_JUDGE_DIR": str(make_judge(folder / "judge")),
        }
        replicas = stack.enter_context(processes(3, folder, url, settings))
        engine = open_engine(url)
        stack.callback(engine.dispose)
        address = stack.enter_context(balancer(replicas, folder))
        yield Deployment(address, replicas, VoteStore(engine), folder)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await work()

    asyncio.run(all_of_it())


async def vote(session: Session) -> None:
    await session.click("felt-awe")
    await session.click("agree-yes")


def networks(deployment: Deployment) -> str:
    """The name of the deployment's painter and judge on the shelf."""
    kinds: tuple[Kind, Kind] = "generator", "judge"
    return ".".join(read_checkpoint(deployment.folder / kind, kind).revision for kind in kinds)


def says(session: Session) -> str:
    return " ".join(session.html)


@pytest.mark.slow
def test_votes_counts_pictures_and_links_are_the_same_everywhere(deployment: Deployment) -> None:
    async def first_vote() -> None:
        session = deployment.session(ADA)
        await session.open("vote")
        await vote(session)
        assert "2 of 6" in says(session)
        await session.close()

    run(first_vote)
    votes = float(deployment.votes.count())
    assert votes and [one.metric("albumjudge_votes") for one in deployment.replicas] == [votes] * 3
    assert all("2 of 6" in page for page in deployment.on_each(ADA, "vote"))
    assert all("1 of 6" in page for page in deployment.on_each(CAT, "vote"))

    generator = read_checkpoint(deployment.folder / "generator", "generator").revision
    covers = [PICTURES.findall(p) for p in deployment.on_each(ADA, "jury_room", f"cover={generator}.4711")]
    assert covers[0] and covers[0] == covers[1] == covers[2]

    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    pictures = SubmissionStore(deployment.votes.engine)
    given = pictures.keep(visitor=ADA, picture=Picture(pixels), judge="judge")
    mine = [set(PICTURES.findall(page)) for page in deployment.on_each(ADA, "your_picture")]
    theirs = [set(PICTURES.findall(page)) for page in deployment.on_each(BOB, "your_picture")]
    assert mine[0] == mine[1] == mine[2] and theirs[0] == theirs[1] == theirs[2]
    assert len(mine[0] - theirs[0]) == 1 and theirs[0] < mine[0]  # Beside the example that all see.
    pictures.hide(given.id, "a face in it")
    assert all("a face in it" in page for page in deployment.on_each(ADA, "your_picture"))


@pytest.mark.slow
def test_machines_without_a_common_folder_share_what_is_ready(deployment: Deployment) -> None:
    walls = select(schema.ready_walls.c.number, schema.ready_walls.c.given_at).order_by("given_at")

    def given() -> list[int]:
        with deployment.votes.engine.connect() as connection:
            return [number for number, at in connection.execute(walls) if at is not None]

    async def be_given_walls() -> None:
        for _ in range(2):
            for replica in deployment.replicas:
                session = deployment.session(uuid.uuid4().hex, replica)
                await session.open("breed")
                assert PICTURES.search(says(session))
                await session.close()

    lone = ReadyWalls(deployment.votes.engine, networks(deployment))
    deadline = time.monotonic() + 60
    while lone.count()[0] < 6:
        assert time.monotonic() < deadline, "no walls are painted in idle time"
    before = given()
    run(be_given_walls)
    now = given()
    assert len(now) == len(before) + 6 == len(set(now)), "a wall was given twice"


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline


@pytest.mark.slow
def test_what_the_curator_decides_reaches_all_within_seconds(deployment: Deployment) -> None:
    curator = CurationStore(deployment.votes.engine)
    cast_one(deployment.votes, DAN)

    async def vote_while_it_is_closed() -> None:
        session = deployment.session(BOB)
        await session.open("vote")
        curator.close()
        await session.click("felt-awe")
        assert "closed" in says(session)
        await session.close()

    before = deployment.votes.count()
    run(vote_while_it_is_closed)
    assert deployment.votes.count() == before
    soon(lambda: all("closed" in page for page in deployment.on_each(BOB, "vote")))
    curator.open("second evening")
    soon(lambda: not any("closed" in page for page in deployment.on_each(BOB, "vote")))

    counted = deployment.on_each(BOB, "people_vs_machine")
    curator.exclude(DAN, "a robot of the museum")
    assert all(
        now != then for now, then in zip(deployment.on_each(BOB, "people_vs_machine"), counted, strict=True)
    )
    curator.lift(DAN)

    password = AdminPassword(deployment.votes.engine, "open sesame")
    assert not any(password.admits("wrong") for _ in range(TRIES))
    with pytest.raises(PleaseWaitError):
        AdminPassword(deployment.votes.engine, "open sesame").admits("open sesame")


@pytest.mark.slow
def test_a_visitor_goes_on_when_the_process_dies_that_served_them(deployment: Deployment) -> None:
    async def go_on() -> None:
        session = deployment.session(BOB)
        runs = [one.metric("albumjudge_run_seconds_count") for one in deployment.replicas]
        await session.open("vote")
        await vote(session)
        ran = [
            one.metric("albumjudge_run_seconds_count") - r
            for one, r in zip(deployment.replicas, runs, strict=True)
        ]
        assert sorted(ran)[:2] == [0, 0], "nginx does not keep a visitor with one process"
        served = deployment.replicas[ran.index(max(ran))]
        served.process.kill()
        served.process.wait(30)
        with pytest.raises(Exception, match=r"."):
            await session.click("felt-awe")
        began = time.monotonic()
        again = Session(deployment.address, cookies=session.cookies)
        await again.open("vote")
        assert time.monotonic() - began < 20
        assert "2 of 6" in says(again)
        await vote(again)
        await again.close()
        assert len(deployment.votes.votes(visitor=BOB)) == 2

    run(go_on)
    for _ in range(8):  # New visitors, too, whichever process they are given.
        with urllib.request.urlopen(f"{deployment.address}/healthz", timeout=20) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{deployment.address}/metrics", timeout=20)
