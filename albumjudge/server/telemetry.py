"""Numbers for Prometheus and a log for machines, both without a word about anyone."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from albumjudge.server.turns import TURNS
from albumjudge.ui.health import without_persons

VISITORS = Counter("albumjudge_visitors", "Browsers that were given a new id.")
VOTES = Gauge("albumjudge_votes", "Votes in the database.")
COVERS = Gauge("albumjudge_covers", "Covers that this process has painted.")
RUNS = Gauge("albumjudge_runs", "Page runs at work or waiting for their turn.")
RUN_SECONDS = Histogram(
    "albumjudge_run_seconds", "Seconds of a page run.", ["page"], buckets=(0.03, 0.1, 0.3, 1, 3, 10, 30)
)
LOOP_LAG = Histogram(
    "albumjudge_loop_lag_seconds",
    "How much later than asked for the event loop wakes up.",
    buckets=(0.005, 0.02, 0.05, 0.2, 1, 5),
)
NO_PAGE = "none"
"""Label of runs that ended before their page was known."""


class Run:
    """One run of the script; pages name themselves."""

    page = NO_PAGE


@contextmanager
def measured_run() -> Iterator[Run]:
    """Count and time a run of the script, its wait for a turn included, however it ends."""
    run, began = Run(), time.perf_counter()
    with RUNS.track_inprogress():
        try:
            with TURNS.inside():
                yield run
        finally:
            RUN_SECONDS.labels(run.page).observe(time.perf_counter() - began)


class JsonLines(logging.Formatter):
    """One JSON object a line, with an ellipsis in place of everything that might be about a person."""

    def format(self, record: logging.LogRecord) -> str:
        """``{"at": ..., "level": ..., "logger": ..., "message": ...}``, and ``"error"``, the kind of
        exception.
        """
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_persons(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            steps = traceback.extract_tb(record.exc_info[2])[-3:]
            line["where"] = ", ".join(f"{Path(step.filename).name}:{step.lineno}" for step in steps)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Write the exhibit's log to standard error as JSON, unless a person is reading it there."""
    logger = logging.getLogger("albumjudge")
    if sys.stderr.isatty() or any(isinstance(h.formatter, JsonLines) for h in logger.handlers):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
