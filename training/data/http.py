"""Fetching many things from a server: rate limit, and retries with growing waits.

Requests go out one at a time. What may pass (a time-out, a broken connection, "too many requests", a faulty
server, a spoiled answer) is tried again after exponential waits with full jitter, or as long as
``Retry-After`` asks for.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Self, TypeVar

import httpx2
from pyrate_limiter import Limiter, Rate
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential
from tenacity.wait import wait_base

from albumjudge import __version__

USER_AGENT = f"albumjudge/{__version__} (collects album covers for research, slowly)"
PASSING = {403, 408, 425, 429}
"""Statuses below 500 that may be gone later. The iTunes Search API says 403 to those who ask too often."""

T = TypeVar("T")


class SpoiledError(Exception):
    """An answer arrived in full and yet is not what was asked for.

    The message is the rest of a sentence that begins with the answer's address.

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
        retry_after: seconds that the server asks to wait.
    """

    def __init__(
        self, message: str, *, passing: bool, spoiled: SpoiledError | None = None, retry_after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.passing, self.spoiled, self.retry_after = passing, spoiled, retry_after


@dataclass(frozen=True)
class RetryPolicy:
    """How a client behaves. All times are in seconds.

    Attributes:
        interval: least time between the starts of two requests.
        attempts: requests for one thing before it is given up for now.
        spoiled_attempts: the same where the answer is complete but of no use.
        first_wait, longest_wait: upper ends of the first and of the longest random wait.
        longest_retry_after: a server that asks for more than this is left alone for now.
        deadline: for one answer, from looking up the server's name to the last byte.
        largest: most bytes of an answer.
    """

    interval: float
    attempts: int = 6
    spoiled_attempts: int = 3
    first_wait: float = 2.0
    longest_wait: float = 120.0
    longest_retry_after: float = 600.0
    deadline: float = 60.0
    largest: int = 40_000_000


class HttpClient:
    """Fetches one thing after another. To be used in a ``with`` statement."""

    def __init__(self, policy: RetryPolicy, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.policy = policy
        milliseconds = round(policy.interval * 1000)
        self._limiter = Limiter(Rate(1, milliseconds)) if milliseconds else None
        self._retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, FetchError) and error.passing),
            stop=self._give_up,
            wait=wait_random_exponential(policy.first_wait, policy.longest_wait) + _RetryAfter(),
            sleep=sleep,
            reraise=True,
        )
        self._runner = asyncio.Runner()
        self._http = httpx2.AsyncClient(
            headers={"User-Agent": USER_AGENT},
            follow_redirects=True,
            timeout=policy.deadline,
            verify=_certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    def get(self, url: str, read: Callable[[bytes], T]) -> T:
        """Fetch ``url`` and return what ``read`` makes of the answer.

        Args:
            read: may raise :class:`SpoiledError`, upon which the same is fetched again.

        Raises:
            FetchError: if the server says no, or all attempts failed.
        """
        found: T = self._retrying(self._attempt, url, read)
        return found

    def _give_up(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, FetchError)
        most = self.policy.spoiled_attempts if error.spoiled else self.policy.attempts
        return state.attempt_number >= most or error.retry_after > self.policy.longest_retry_after

    def _attempt(self, url: str, read: Callable[[bytes], T]) -> T:
        if self._limiter:
            self._limiter.try_acquire()
        try:
            # A limit per read would let a server that sends one byte a minute hold everything up for ever.
            return read(self._runner.run(asyncio.wait_for(self._receive(url), self.policy.deadline)))
        except SpoiledError as error:
            raise FetchError(f"{url} {error}.", passing=True, spoiled=error) from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise FetchError(
                f"{url} gave no complete answer within {self.policy.deadline:g} seconds.", passing=True
            ) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise FetchError(f"{url} is no address that can be asked ({error}).", passing=False) from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise FetchError(
                f"{url} broke off ({str(error) or type(error).__name__}).", passing=True
            ) from error
        except httpx2.HTTPError as error:
            raise FetchError(f"{url} cannot be had ({error}).", passing=False) from error

    async def _receive(self, url: str) -> bytes:
        async with self._http.stream("GET", url) as response:
            status = response.status_code
            if status != 200:
                raise FetchError(
                    f"{url} was answered with {status}.",
                    passing=status in PASSING or status >= 500,
                    retry_after=retry_after(response.headers),
                )
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self.policy.largest:
                    allowed = f"the {self.policy.largest:,} bytes that are allowed"
                    raise FetchError(f"{url} is larger than {allowed}.", passing=False)
        return bytes(body)


class _RetryAfter(wait_base):
    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        return error.retry_after if isinstance(error, FetchError) else 0.0


@functools.cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def retry_after(headers: httpx2.Headers) -> float:
    """Seconds that the header ``Retry-After`` asks for, given as a number or a date; 0.0 if it does not."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
