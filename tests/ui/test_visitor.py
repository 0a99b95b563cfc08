"""Who a visitor is, and how long they take."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import streamlit as st

from albumjudge.ui import visitor
from albumjudge.voting.rate_limit import AddressLimiter
from tests.pages_fixtures import OTHER_VISITOR, VISITOR


def test_time_to_vote_runs_from_the_first_sight_and_forgets_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("albumjudge.ui.visitor.time.monotonic", lambda: now)
    sights = visitor.FirstSights(kept=2)
    assert sights.seconds("a", "x") == 0
    now = 103.5
    assert sights.seconds("a", "x") == 3.5
    assert sights.seconds("b", "x") == 0
    assert sights.seconds("b", "y") == 0
    assert sights.seconds("a", "x") == 0


@pytest.mark.parametrize(
    ("text_", "fits"),
    [
        (VISITOR, True),
        (OTHER_VISITOR, True),
        (VISITOR.upper(), False),
        ("", False),
        (None, False),
        ("0" * 32, False),
    ],
)
def test_only_random_ids_are_taken_from_a_cookie(text_: str | None, fits: bool) -> None:
    assert visitor.is_visitor_id(text_) is fits


@pytest.mark.parametrize(("proxies", "address"), [("0", "8.8.8.8"), ("1", "1.1.1.1")])
def test_votes_are_limited_by_the_address_that_they_come_from(
    monkeypatch: pytest.MonkeyPatch, proxies: str, address: str
) -> None:
    limiter = AddressLimiter(((60.0, 1),))
    monkeypatch.setattr(visitor, "_addresses", lambda: limiter)
    monkeypatch.setenv("ALBUMJUDGE_PROXIES", proxies)
    came = SimpleNamespace(ip_address="8.8.8.8", headers={"X-Forwarded-For": "1.1.1.1"})
    monkeypatch.setattr(st, "context", came)
    assert [visitor.comes_in_floods() for _ in range(2)] == [False, True]
    assert limiter.is_suspect(address)
