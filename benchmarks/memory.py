"""How much memory the exhibit holds after many visits.

    python -m benchmarks.memory --visits 1000 --at-once 20 --write

Starts an exhibit of its own on this machine, with an empty database, waits until it is open and walls are ready,
and lets short visits follow one another, so many at any time: the first cover, the wall, a cover, and votes, see
:mod:`benchmarks.visitors`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from itertools import count
from pathlib import Path

from benchmarks.processes import exhibit, memory, wait_for, wait_for_walls
from benchmarks.results import section, table, write
from benchmarks.visitors import lanes
from training.data.command import command_parser

EVERY = 50
"""Visits after which memory is read."""
SHOWN = (0, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 5000)
APART = 2.0
"""Seconds between two visitors who come first."""
WALLS = 12


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("benchmarks.memory", __doc__)
    parser.add_argument("--visits", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--cards", type=int, default=2, help="votes of each visitor")
    parser.add_argument("--write", action="store_true", help="put the table into docs/load.md")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, exhibit(Path(folder)) as (address, process):
        wait_for(f"{address}/healthz")
        wait_for_walls(Path(folder), WALLS)
        megabytes, done = {0: memory(process)}, count(1)

        def read(failed: int) -> None:
            if (number := next(done)) % EVERY == 0 or number == given.visits:
                megabytes[number] = memory(process)
                print(number, f"{megabytes[number]:,.0f} MB, {failed} failed", flush=True)

        come = lanes(address, given.at_once, range(given.visits), given.cards, apart=APART, done=read)
        _, failed = asyncio.run(come)
    shown = {number: held for number, held in megabytes.items() if number in SHOWN or number == given.visits}
    rows = {"memory": {f"{number:,}": f"{held:,.0f} MB" for number, held in shown.items()}}
    text = (
        f"What the process holds after so many short visits, {given.at_once} at any time, each with "
        f"{given.cards} votes, once {WALLS} walls are ready; at most {max(megabytes.values()):,.0f} MB, read "
        f"every {EVERY} visits; {len(failed)} failed.\n\n{table(rows, 'visits')}"
    )
    print(f"\n{text}", *failed[:3])
    if given.write:
        write("memory", section("python -m benchmarks.memory", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
