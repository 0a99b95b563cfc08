"""How long visitors wait when several come at once: real sessions over Streamlit's websocket.

    python -m benchmarks.visitors --sessions 1 5 20 50 200/60 --write

Starts an exhibit of its own on this machine, with an empty database, and lets as many visitors in at once, or, as
``200/60``, within so many seconds: each says what the first cover makes them feel, goes on to the wall, chooses a
cover, and plays a round of votes, with time to think between the steps. Then every third leads a cover towards a
feeling, and every third breeds two; ``--after dialogue`` lets all of them lead covers.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from albumjudge.domain.emotions import NAMES
from albumjudge.voting.rounds import CARDS
from benchmarks.processes import cpu_seconds, exhibit, memory, wait_for, wait_for_walls
from benchmarks.results import section, table, write
from benchmarks.session import Session
from training.data.command import command_parser

STEPS = (
    "first cover",
    "first answer",
    "first wall",
    "choose a cover",
    "open the vote",
    "say what you feel",
    "agree or not",
    "its first frame",
    "a dialogue",
    "six children",
    "health",
)
AFTER = ("dialogue", "breed", "")
Seconds = dict[str, list[float]]


async def timed(seconds: Seconds, step: str, action: Awaitable[None]) -> None:
    began = time.perf_counter()
    await action
    seconds[step].append(time.perf_counter() - began)


async def visit(
    address: str, think: float, cards: int, chance: random.Random, seconds: Seconds, after: str = ""
) -> None:
    """One visitor's way: the first cover, the wall, one cover of it, a round of votes, and the room ``after``."""

    async def pause() -> None:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * think)

    session = Session(address)
    try:
        await timed(seconds, "first cover", session.open())
        await pause()
        await timed(seconds, "first answer", session.click(f"felt-{chance.choice(NAMES)}"))
        await pause()
        await timed(seconds, "first wall", session.click("to-the-wall"))
        await pause()
        await timed(seconds, "choose a cover", session.click("choose-"))
        await pause()
        await timed(seconds, "open the vote", session.visit("vote"))
        for _ in range(1, cards):
            await pause()
            felt = chance.choice(NAMES)
            await timed(seconds, "say what you feel", session.click(f"felt-{felt}"))
            await pause()
            answer = chance.choice(("agree-yes", "agree-no"))
            await timed(seconds, "agree or not", session.click(answer))
        if after:
            await session.visit(after)
            await pause()
        if after == "dialogue":
            await session.click("lead-")
            await pause()
            began = time.perf_counter()
            await timed(seconds, "a dialogue", session.click(f"felt-{chance.choice(NAMES)}-wish"))
            if "passing" in session.signs:
                seconds["its first frame"].append(session.signs["passing"] - began)
        elif after == "breed":
            await session.click("take-")
            await pause()
            await timed(seconds, "six children", session.click("take-"))
    finally:
        await session.close()


async def feel_the_pulse(address: str, seconds: Seconds) -> None:
    """Ask the server again and again whether it is there."""
    while True:
        await timed(seconds, "health", asyncio.to_thread(wait_for, f"{address}/_stcore/health"))
        await asyncio.sleep(0.25)


async def crowd(
    address: str,
    sessions: int,
    think: float,
    cards: int,
    seed: int,
    within: float = 0,
    after: Sequence[str] = AFTER,
) -> tuple[Seconds, list[str]]:
    """Let visitors in; the seconds of their steps, and what went wrong.

    Args:
        within: seconds over which they come, one after the other; 0 lets them in at once.
        after: rooms that one visitor after the other goes to at last.
    """
    seconds: Seconds = defaultdict(list)
    pulse = asyncio.create_task(feel_the_pulse(address, seconds))

    async def come(number: int) -> None:
        await asyncio.sleep(within * number / sessions)
        room = after[number % len(after)] if seed >= 0 else ""
        await visit(address, think, cards, random.Random(f"{seed}-{number}"), seconds, room)

    visits = [come(number) for number in range(sessions)]
    ended = await asyncio.gather(*visits, return_exceptions=True)
    pulse.cancel()
    failed = [repr(end) for end in ended if isinstance(end, BaseException)]
    return seconds, failed


async def lanes(
    address: str,
    at_once: int,
    visits: Iterable[object],
    cards: int,
    *,
    apart: float = 0,
    done: Callable[[int], None] = lambda failed: None,
) -> tuple[Seconds, list[str]]:
    """Let short visits follow one another without a pause; the seconds of their steps, and what went wrong.

    Args:
        at_once: so many at any time.
        visits: names what is to come.
        apart: seconds between the first ones.
        done: called after each, with the number of those that failed.
    """
    seconds: Seconds = defaultdict(list)
    failed: list[str] = []
    coming = iter(visits)

    async def lane(number: int) -> None:
        await asyncio.sleep(number * apart)
        for name in coming:
            try:
                await visit(address, 0, cards, random.Random(f"{name}"), seconds)
            except Exception as error:  # Whatever goes wrong is counted, and the next visitor comes.
                failed.append(repr(error))
            done(len(failed))

    await asyncio.gather(*map(lane, range(at_once)))
    return seconds, failed


def first_start(folder: Path) -> float:
    """Seconds from the start of an exhibit to the first cover before its first visitor."""
    began = time.perf_counter()
    with exhibit(folder) as (address, _):
        seconds, _ = asyncio.run(crowd(address, 1, 0, 1, seed=-1))
        found = time.perf_counter() - began - sum(sum(seconds[step]) for step in STEPS[1:-1])
        wait_for_walls(folder)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("benchmarks.visitors", __doc__)
    parser.add_argument("--sessions", type=arrivals, nargs="+", default=[(1, 0), (5, 0), (20, 0), (50, 0)])
    parser.add_argument("--think", type=float, default=4.0, help="mean seconds between two steps")
    parser.add_argument("--cards", type=int, default=CARDS, help="votes of each visitor")
    parser.add_argument(
        "--after", nargs="+", default=AFTER, help="rooms that visitors go to at last, in turns"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the table into docs/load.md")
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        starts = [first_start(Path(folder)) for _ in range(2)]
        with exhibit(Path(folder)) as (address, process):
            asyncio.run(crowd(address, 1, 0, 2, seed=-2))
            for sessions, within in given.sessions:
                server, client = cpu_seconds(process), time.process_time()
                crowded = crowd(address, sessions, given.think, given.cards, given.seed, within, given.after)
                seconds, failed = asyncio.run(crowded)
                name = f"{sessions}" + (f" in {within:g} s" if within else "")
                steps = sum(len(seconds[step]) for step in STEPS[:-1]) or 1
                cost = 1000 * (cpu_seconds(process) - server) / steps
                clients = 1000 * (time.process_time() - client) / steps
                rows[name] = {step: quantiles(seconds[step]) for step in STEPS} | {
                    "server / clients, ms of a core a step": f"{cost:.0f} / {clients:.1f}",
                    "memory": f"{memory(process):,.0f} MB",
                    "failed": str(len(failed)),
                }
                print(name, rows[name], *failed[:3], flush=True)
    text = (
        f"Seconds that visitors wait, median / 95th percentile, when as many come at once, each with about "
        f"{given.think:g} seconds between two steps and {given.cards} votes. The clients run on the same "
        f"machine. The first cover came {starts[0]:.1f} s after the very first start, without a browser, and "
        f"{starts[1]:.1f} s after the second, when covers were ready. What the server paints in idle time "
        f"for walls to come is counted in its cost of a step. "
        f"Health is what the server takes to answer `/_stcore/health` meanwhile.\n\n{table(rows, 'at once')}"
    )
    print(f"\n{text}")
    if given.write:
        write("visitors", section("python -m benchmarks.visitors", text))
    return 0


def arrivals(text: str) -> tuple[int, float]:
    """``200/60``: so many visitors within so many seconds; ``200`` at once."""
    sessions, _, within = text.partition("/")
    return int(sessions), float(within or 0)


def quantiles(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    median, late = np.quantile(seconds, (0.5, 0.95))
    return f"{median:.2f} / {late:.2f}"


if __name__ == "__main__":
    sys.exit(main())
