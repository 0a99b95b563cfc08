"""Processes of the exhibit on this machine: started, awaited, and what they take."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.session import SessionError

ROOT = Path(__file__).parents[1]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def start(folder: Path, port: int, settings: Mapping[str, str]) -> tuple[str, subprocess.Popen[bytes]]:
    """Start an exhibit whose data and log are in the folder: its address and its process."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALBUMJUDGE_")}
    environment |= {"ALBUMJUDGE_DATA_DIR": str(folder), "DATABASE_URL": "", **settings}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    return f"http://127.0.0.1:{port}", process


@contextmanager
def exhibit(folder: Path) -> Iterator[tuple[str, int]]:
    """An exhibit in a process of its own, which may still be loading: its address and process id."""
    (port,) = free_ports(1)
    address, process = start(folder, port, {})
    try:
        wait_for(f"{address}/_stcore/health")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str, seconds: float = 120) -> None:
    """Until an address answers.

    Raises:
        SessionError: if it does not in time.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SessionError(f"{address} does not answer.")


def wait_for_walls(folder: Path, walls: int = 0, seconds: float = 600) -> None:
    """Until the covers that are put to the vote, and so many walls, are ready in an exhibit's own database.

    Raises:
        SessionError: if they are not in time.
    """
    until = time.monotonic() + seconds
    query = "SELECT max(number = 0), count(nullif(number, 0)) - count(given_at) FROM ready_walls"
    with closing(sqlite3.connect(f"file:{folder / 'votes.db'}?mode=ro", uri=True)) as connection:
        while not (found := connection.execute(query).fetchone())[0] or found[1] < walls:
            if time.monotonic() > until:
                raise SessionError(f"{walls} walls were not ready after {seconds:g} s.")
            time.sleep(0.2)


def memory(process: int) -> float:
    """Megabytes that a process holds, nan where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) / 1000 if found else float("nan")


def cpu_seconds(process: int) -> float:
    """Processor time that a process and those of its children that it has waited for have taken, nan where the
    system does not tell.
    """
    status = Path(f"/proc/{process}/stat")
    if not status.is_file():
        return float("nan")
    times = status.read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_below(process: int) -> float:
    """Processor time of a process and its present children."""
    children = (
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if (folder / "stat").is_file()
        and int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == process
    )
    return cpu_seconds(process) + sum(map(cpu_seconds, children))
