"""Stores on a database of one kind, ready for votes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from albumjudge.voting.votes import VoteStore


def _ready(engine: Engine) -> VoteStore:
    store = VoteStore(engine)
    store.prepare()
    return store


@pytest.fixture
def sqlite_store(sqlite_url: str, engines: Callable[[str], Engine]) -> VoteStore:
    return _ready(engines(sqlite_url))


@pytest.fixture
def postgresql_store(postgresql_url: str, engines: Callable[[str], Engine]) -> VoteStore:
    return _ready(engines(postgresql_url))
