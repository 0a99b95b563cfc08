"""The HTTP client: its rate limit, its retries, and what it says when it gives up."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise

import httpx2
import pytest

from tests.checkpoint_fixtures import Answer, Request, local_hub
from tests.cover_servers import client
from training.data.http import FetchError, HttpClient, RetryPolicy, SpoiledError, retry_after

SHORT = 0.3
"""Deadline where a server must be given up on, in seconds."""


def body(answer: bytes) -> bytes:
    return answer


def first(count: int, fault: Answer) -> Callable[[Request], Answer]:
    """Answer so many requests with the fault, then as one should."""
    left = [fault] * count
    return lambda request: left.pop() if left else Answer(body=b"cover")


def test_requests_keep_their_distance() -> None:
    starts: list[float] = []

    def answer(request: Request) -> Answer:
        starts.append(time.monotonic())
        return Answer(body=b"cover")

    with local_hub(answer) as server, client(interval=0.1) as fetcher:
        for _ in range(4):
            fetcher.get(server.endpoint, body)
    assert all(later - earlier > 0.08 for earlier, later in pairwise(starts))


@pytest.mark.parametrize("status", [403, 408, 425, 429, 500, 502, 503, 504, 520])
def test_what_may_pass_is_waited_for(status: int) -> None:
    slept: list[float] = []
    with local_hub(first(3, Answer(status))) as server, client(slept) as fetcher:
        assert fetcher.get(server.endpoint, body) == b"cover"
    assert len(server.requests) == 4 and len(slept) == 3


@pytest.mark.parametrize("status", [304, 400, 401, 404, 410, 451])
def test_what_lasts_is_not_asked_for_again(status: int) -> None:
    with (
        local_hub(lambda request: Answer(status)) as server,
        client() as fetcher,
        pytest.raises(FetchError, match=f"was answered with {status}") as caught,
    ):
        fetcher.get(server.endpoint, body)
    assert len(server.requests) == 1 and not caught.value.passing


def test_waits_double_up_to_a_limit_and_are_drawn_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits() -> list[float]:
        slept: list[float] = []
        policy = RetryPolicy(0, attempts=8, longest_wait=20.0)
        with (
            local_hub(lambda request: Answer(503)) as server,
            HttpClient(policy, sleep=slept.append) as fetcher,
        ):
            with pytest.raises(FetchError) as caught:
                fetcher.get(server.endpoint, body)
            assert caught.value.passing and len(server.requests) == policy.attempts
        return slept

    some, others = waits(), waits()
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    upper = waits()
    assert upper == [2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0]
    assert some != others
    assert all(0 <= wait <= most for drawn in (some, others) for wait, most in zip(drawn, upper, strict=True))


def test_a_server_that_names_a_time_is_left_alone_for_at_least_so_long() -> None:
    slept: list[float] = []
    with local_hub(first(1, Answer(429, headers={"Retry-After": "90"}))) as server, client(slept) as fetcher:
        assert fetcher.get(server.endpoint, body) == b"cover"
    assert len(slept) == 1 and 90.0 <= slept[0] <= 92.0


def test_a_server_that_asks_for_a_day_is_given_up_at_once() -> None:
    slept: list[float] = []
    a_day = Answer(429, headers={"Retry-After": "86400"})
    with local_hub(lambda request: a_day) as server, client(slept) as fetcher:
        with pytest.raises(FetchError) as caught:
            fetcher.get(server.endpoint, body)
        assert caught.value.passing and len(server.requests) == 1 and slept == []


def test_a_time_may_be_given_as_a_date() -> None:
    headers = {"Retry-After": formatdate(time.time() + 90, usegmt=True)}
    assert retry_after(httpx2.Headers(headers)) == pytest.approx(90, abs=3)


@pytest.mark.parametrize(
    "text", ["", "soon", "Fri, 02 Jan 1970 00:00:00 GMT", "-5", "1e9", "²", "Fri, 99 Jan 2026 00:00:00 GMT"]
)
def test_a_time_that_cannot_be_read_asks_for_nothing(text: str) -> None:
    assert retry_after(httpx2.Headers([(b"retry-after", text.encode())])) == 0.0


@pytest.mark.parametrize(
    "fault",
    [
        Answer(silent=True),
        Answer(trickle=True),
        Answer(hang_up=True),
        Answer(body=b"cover", sent=3),
        Answer(body=b"cover", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["silence", "trickle", "hung up", "cut short", "garbled"],
)
def test_a_broken_connection_costs_nothing_but_time(fault: Answer) -> None:
    with local_hub(first(2, fault)) as server, client(deadline=SHORT) as fetcher:
        assert fetcher.get(server.endpoint, body) == b"cover"
    assert len(server.requests) == 3
    assert server.requests[0].headers["user-agent"].startswith("albumjudge/")


def test_a_server_that_never_answers_is_reported() -> None:
    with (
        local_hub(lambda request: Answer(silent=True)) as server,
        client(deadline=0.1) as fetcher,
        pytest.raises(FetchError, match=r"no complete answer within 0\.1 seconds") as caught,
    ):
        fetcher.get(server.endpoint, body)
    assert caught.value.passing and len(server.requests) == 6


def test_a_server_that_is_not_there_is_reported() -> None:
    with socket.socket() as taken, client() as fetcher:  # Bound and not listening: nobody answers there.
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match="broke off") as caught:
            fetcher.get(f"http://127.0.0.1:{taken.getsockname()[1]}/", body)
    assert caught.value.passing


@pytest.mark.parametrize("url", ["sleeve.jpg", "ftp://127.0.0.1/sleeve.jpg", "http://127.0.0.1:x"])
def test_what_is_no_address_is_not_tried_twice(url: str) -> None:
    slept: list[float] = []
    with client(slept) as fetcher, pytest.raises(FetchError, match="no address") as caught:
        fetcher.get(url, body)
    assert not caught.value.passing and slept == []


def test_redirects_are_followed_but_not_for_ever() -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/here":
            return Answer(302, headers={"Location": "/there"})
        return Answer(body=b"cover") if request.path == "/there" else Answer(302, headers={"Location": "/x"})

    with local_hub(answer) as server, client() as fetcher:
        assert fetcher.get(f"{server.endpoint}/here", body) == b"cover"
        with pytest.raises(FetchError, match="redirects") as caught:
            fetcher.get(f"{server.endpoint}/x", body)
    assert not caught.value.passing


def test_what_is_far_too_large_is_not_swallowed() -> None:
    with (
        local_hub(lambda request: Answer(body=b"x" * 1001)) as server,
        client(largest=1000) as fetcher,
        pytest.raises(FetchError, match="larger than the 1,000 bytes") as caught,
    ):
        fetcher.get(server.endpoint, body)
    assert not caught.value.passing and len(server.requests) == 1


def test_a_spoiled_answer_is_fetched_again_a_few_times() -> None:
    bodies = [b"good", b"bad", b"bad"]

    def read(answer: bytes) -> bytes:
        if answer == b"bad":
            raise SpoiledError("is bad", body=answer)
        return answer

    def answer(request: Request) -> Answer:
        return Answer(body=bodies.pop() if bodies else b"bad")

    with local_hub(answer) as server, client() as fetcher:
        assert fetcher.get(server.endpoint, read) == b"good"
        with pytest.raises(FetchError, match="is bad") as caught:
            fetcher.get(server.endpoint, read)
    assert len(server.requests) == 3 + RetryPolicy(0).spoiled_attempts
    assert caught.value.passing and caught.value.spoiled and caught.value.spoiled.body == b"bad"
