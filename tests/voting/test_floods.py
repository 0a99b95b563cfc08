"""Whoever casts more votes than people can cast by looking, or tries passwords, does not get far."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from albumjudge.voting import rate_limit
from albumjudge.voting.curation import FIRST_WAIT, LONGEST_WAIT, TRIES, AdminPassword, PleaseWaitError
from albumjudge.voting.rate_limit import AddressLimiter, client_address, is_suspect
from albumjudge.voting.votes import VoteStore

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LIMITS = ((60.0, 3), (600.0, 5))


@pytest.mark.parametrize(
    ("ages", "suspect"),
    [
        ((), False),
        ((1, 59, 60, 61), False),
        ((1, 2, 59), True),
        ((100, 200, 300, 400, 599), True),
        # The clock was put back: what was cast "in the future" says nothing about haste.
        ((-10, -20, -30, -40), False),
    ],
)
def test_only_as_many_votes_count_as_one_can_cast_by_looking(ages: tuple[float, ...], suspect: bool) -> None:
    assert is_suspect(ages, LIMITS) == suspect


def test_an_address_has_its_own_limit_and_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    limiter = AddressLimiter(LIMITS, clock=lambda: now[0])
    assert [limiter.is_suspect("1.1.1.1") for _ in range(4)] == [False, False, False, True]
    assert not limiter.is_suspect("8.8.8.8") and not any(limiter.is_suspect(None) for _ in range(9))
    now[0] = 60.0
    assert not limiter.is_suspect("1.1.1.1")
    assert "1.1.1.1" not in repr(vars(limiter))
    monkeypatch.setattr(rate_limit, "MOST_ADDRESSES", 2)
    limiter = AddressLimiter(((60.0, 1),))
    for address in ("1.1.1.1", "2.2.2.2", "3.3.3.3"):
        assert not limiter.is_suspect(address)
    assert not limiter.is_suspect("1.1.1.1") and limiter.is_suspect("3.3.3.3")


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("8.8.8.8", "", 0, "8.8.8.8"),
        ("8.8.8.8", "1.1.1.1", 0, "8.8.8.8"),  # Anyone can write that header.
        ("172.18.0.2", "1.1.1.1", 0, None),  # A proxy that no setting tells of.
        (None, "1.1.1.1", 0, None),
        ("172.18.0.2", "6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("172.18.0.2", "6.6.6.6, 1.1.1.1, 10.0.0.1", 2, "1.1.1.1"),
        ("172.18.0.2", "192.168.0.7", 1, "192.168.0.7"),
        ("172.18.0.2", "1.1.1.1", 2, None),
        ("172.18.0.2", "nonsense", 1, None),
        ("2606:4700:1:2:3:4:5:6", "", 0, "2606:4700:1:2::/64"),
    ],
)
def test_the_address_is_the_one_that_can_be_relied_on(
    peer: str | None, forwarded: str, proxies: int, address: str | None
) -> None:
    assert client_address(peer, forwarded, proxies) == address


# The curator's password


def test_the_right_password_opens_and_no_other(vote_store: VoteStore) -> None:
    keeper = AdminPassword(vote_store.engine, "öffne dich!")
    assert keeper.admits("öffne dich!") and keeper.admits(" öffne dich! ")
    assert not any(keeper.admits(wrong) for wrong in ("", "öffne dich", "ÖFFNE DICH!", "öffne dich!!"))


def test_after_some_wrong_passwords_everyone_waits_longer_and_longer(
    vote_store: VoteStore, database_url: str, engines: Callable[[str], Engine]
) -> None:
    now = [NOON]
    here, elsewhere = (
        AdminPassword(engine, "sesame-sesame", clock=lambda: now[0])
        for engine in (vote_store.engine, engines(database_url))
    )
    assert TRIES == 5
    assert not any(keeper.admits("wrong") for keeper in (here, elsewhere, here, elsewhere, here))
    wait = FIRST_WAIT
    for _ in range(8):
        for keeper in (here, elsewhere):
            with pytest.raises(
                PleaseWaitError, match=r"Wait (30 seconds|60 seconds|\d+ minutes) and"
            ) as caught:
                keeper.admits("sesame-sesame")
            assert caught.value.seconds == wait
        now[0] += timedelta(seconds=wait)
        assert not here.admits("wrong")
        wait = min(LONGEST_WAIT, 2 * wait)
    now[0] -= timedelta(days=1)  # A clock that is put back shuts nobody out for a day.
    assert elsewhere.admits("sesame-sesame")
    assert not any(here.admits("wrong") for _ in range(TRIES - 1)) and here.admits("sesame-sesame")
