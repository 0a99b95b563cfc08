"""Runs of the fetching script against a local server, and what they leave on disk."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.checkpoint_fixtures import LocalHub
from tests.cover_servers import client, picture
from training.data.fetch_covers import Collector, Tally
from training.data.sources import Query, archive_query
from training.data.store import CoverStore

SLEEVES = {f"{number:02d} sleeve.jpg": picture(number) for number in range(5)}
FAST = ("--searches-per-minute", "100000", "--pictures-per-minute", "100000")
PROMPT = 60.0
"""Longest that a test waits for what takes a moment on an idle machine."""


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for disks would take most of this file's time; that they are waited for is tested elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def collect(query: Query | list[Query], root: Path, *, deadline: float = 30.0) -> Tally:
    """One run that never really sleeps."""
    queries = query if isinstance(query, list) else [query]
    with CoverStore(root) as store, client(deadline=deadline) as one, client(deadline=deadline) as two:
        return Collector(store, one, two).collect(queries)


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
