"""Where the tables of the benchmarks go: ``docs/load.md``, between the marks of their section."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "load.md"


def machine() -> str:
    """Processor, number of cores, and whether it multiplies bfloat16, which halves the jury's time."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    native = any(name in line.split() for line in lines for name in ("avx512_bf16", "amx_bf16", "bf16"))
    speed = "" if not models else ", with bfloat16" if native else ", without bfloat16"
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores{speed}"


def table(rows: Mapping[str, Mapping[str, str]], corner: str) -> str:
    """Markdown: one line for each row, columns in the order of the first one."""
    columns = list(next(iter(rows.values())))
    lines = ["| " + " | ".join([corner, *columns]) + " |", "|---|" + "---:|" * len(columns)]
    lines += [
        "| " + " | ".join([name, *(row.get(c, "-") for c in columns)]) + " |" for name, row in rows.items()
    ]
    return "\n".join(lines)


def in_turns(
    found: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each call, the functions taking turns; a first round, to warm up, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds + 1):
        for name, work in found.items():
            began = clock()
            work()
            if number:
                seconds[name].append(clock() - began)
    return seconds


def section(command: str, text: str) -> str:
    """What a benchmark found, with how (its options included), when and where."""
    command = " ".join([command, *sys.argv[1:]])
    today = datetime.now(UTC).date().isoformat()
    busy = (
        f", load average {os.getloadavg()[1]:.1f} over the last five minutes"
        if hasattr(os, "getloadavg")
        else ""
    )
    return f"{text}\n\n(`{command}`, {today}, {machine()}{busy})"


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Replace the section between the page's marks of this name.

    Raises:
        ValueError: if the page has no such marks.
    """
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in content or end not in content:
        raise ValueError(f"{page} needs the marks {begin} and {end}.")
    head, _, rest = content.partition(begin)
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")
