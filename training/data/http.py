"""Asking a stranger's server for many things without being a nuisance, and without giving up at once.

Requests go out one at a time and no faster than agreed. What may pass (a time-out, a broken connection, "too
many requests", a faulty server) is tried again after waits that grow and are drawn at random (exponential
back-off with full jitter), or as long as the server asks for with ``Retry-After``. What was fetched before is
asked for with ``If-None-Match`` and ``If-Modified-Since``, so that the server need not send it again.
"""

from __future__ import annotations

import asyncio
import functools
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from albumjudge import __version__

USER_AGENT = f"albumjudge/{__version__} (collects album covers for research, slowly)"
PASSING = {403, 408, 425, 429}
"""Statuses below 500 that may be gone later. The iTunes Search API says 403 to those who ask too often."""

T = TypeVar("T")


class SpoiledError(Exception):
    """An answer arrived in full and yet is not what was asked for.

    The message says what is wrong, as the rest of a sentence that begins with the answer's address.

    Attributes:
        body: what came, where keeping it may help a person to see what happened.
    """

    def __init__(self, message: str, *, body: bytes | None = None) -> None:
        super().__init__(message)
        self.body = body


class FetchError(Exception):
    """Something could not be fetched; the message is a sentence.

    Attributes:
        passing: asking again another day may help.
        spoiled: set if a complete answer came each time and was of no use.
    """

    def __init__(self, message: str, *, passing: bool, spoiled: SpoiledError | None = None) -> None:
        super().__init__(message)
        self.passing, self.spoiled = passing, spoiled


@dataclass(frozen=True)
class Validators:
    """What a server said by which it recognises a version of a file; empty if it said nothing."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """Headers of a request that wants the file only if it is another version by now."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Answer:
    """A complete answer with status 200."""

    body: bytes
    validators: Validators


@dataclass(frozen=True)
class RetryPolicy:
    """How a client behaves. All times are in seconds.

    Attributes:
        interval: least time between the starts of two requests.
        attempts: requests for one thing before it is given up for now.
        spoiled_attempts: the same where the answer is complete but of no use.
        first_wait: upper end of the first random wait; it doubles with each further one.
        longest_wait: beyond this the upper end does not grow.
        patience: a server that asks by ``Retry-After`` for more than this is left alone for now.
        deadline: for one answer, from looking up the server's name to the last byte.
        largest: most bytes of an answer.
    """

    interval: float
    attempts: int = 6
    spoiled_attempts: int = 3
    first_wait: float = 2.0
    longest_wait: float = 120.0
    patience: float = 600.0
    deadline: float = 60.0
    largest: int = 40_000_000


class HttpClient:
    """Fetches one thing after another. To be used in a ``with`` statement.

    Args:
        manners: how to behave.
        clock, sleep, chance: time and dice; tests bring their own.
    """

    def __init__(
        self,
        manners: RetryPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.manners = manners
        self._clock, self._sleep, self._chance = clock, sleep, chance or random.Random()
        self._next = clock()
        self._loop = asyncio.new_event_loop()
        self._http = httpx2.AsyncClient(
            headers={"User-Agent": USER_AGENT},
            follow_redirects=True,
            timeout=manners.deadline,
            verify=_certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in asyncio.all_tasks(self._loop):  # After Ctrl-C one may be half-way.
            task.cancel()
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()

    def get(self, url: str, read: Callable[[Answer], T], known: Validators | None = None) -> T | None:
        """Fetch ``url`` and return what ``read`` makes of the answer, or None if it is still as ``known``.

        Args:
            read: may raise :class:`SpoiledError`, upon which the same is fetched again.
            known: of the version that the caller has.

        Raises:
            FetchError: if the server says no, or all attempts failed.
        """
        spoiled = 0
        for attempt in range(1, self.manners.attempts + 1):
            self._keep_pace()
            wait = 0.0
            try:
                answer = self._ask(url, known or Validators())
                return None if answer is None else read(answer)
            except SpoiledError as problem:
                spoiled += 1
                failure = FetchError(f"{url} {problem}.", passing=True, spoiled=problem)
                if spoiled >= self.manners.spoiled_attempts:
                    raise failure from problem
            except _RefusedError as refusal:
                failure = FetchError(f"{url} was answered with {refusal.status}.", passing=refusal.passing)
                wait = refusal.retry_after
                if not refusal.passing or wait > self.manners.patience:
                    raise failure from refusal
            except TimeoutError as error:
                failure = FetchError(
                    f"{url} gave no complete answer within {self.manners.deadline:g} seconds.", passing=True
                )
                failure.__cause__ = error
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
                raise FetchError(
                    f"{url} is no address that can be asked ({error}).", passing=False
                ) from error
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                failure = FetchError(f"{url} broke off ({str(error) or type(error).__name__}).", passing=True)
                failure.__cause__ = error
            except httpx2.HTTPError as error:
                raise FetchError(f"{url} cannot be had ({error}).", passing=False) from error
            if attempt < self.manners.attempts:
                self._sleep(wait + self._jitter(attempt))
        raise failure

    def _keep_pace(self) -> None:
        early = self._next - self._clock()
        if early > 0:
            self._sleep(early)
        self._next = self._clock() + self.manners.interval

    def _jitter(self, attempt: int) -> float:
        upper = min(self.manners.longest_wait, self.manners.first_wait * 2 ** (attempt - 1))
        return self._chance.uniform(0, upper)

    def _ask(self, url: str, known: Validators) -> Answer | None:
        # A limit per read would let a server that sends one byte a minute hold everything up for ever.
        answer = asyncio.wait_for(self._receive(url, known), self.manners.deadline)
        return self._loop.run_until_complete(answer)

    async def _receive(self, url: str, known: Validators) -> Answer | None:
        try:
            async with self._http.stream("GET", url, headers=known.headers()) as response:
                if response.status_code == 304 and known.headers():
                    return None
                if response.status_code != 200:
                    raise _RefusedError(response)
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > self.manners.largest:
                        raise FetchError(
                            f"{url} is larger than the {self.manners.largest:,} bytes that are allowed.",
                            passing=False,
                        )
                said = response.headers
        except httpx2.TimeoutException as error:
            raise TimeoutError from error
        return Answer(bytes(body), Validators(said.get("etag", ""), said.get("last-modified", "")))


class _RefusedError(Exception):
    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.passing = self.status in PASSING or self.status >= 500
        self.retry_after = retry_after(response.headers)


@functools.cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def retry_after(headers: httpx2.Headers) -> float:
    """Seconds that the header ``Retry-After`` asks for, given as a number or a date; 0.0 if it does not."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _date(text)
    if until is None:
        return 0.0
    # By the server's own clock where it shows one: ours may be wrong.
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
