"""Uploads to the Hugging Face Hub with a time-out, and errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, set_client_factory
from huggingface_hub.errors import HfHubHTTPError

from albumjudge._version import __version__

TIMEOUT = httpx2.Timeout(60.0, connect=15.0)
"""Seconds without a sign of life before a server is given up."""


class PublishError(Exception):
    """Something was not published; the message says why, and what is on the Hub now."""


class _Impatient(httpx2.Client):
    """Waits no longer than TIMEOUT, though many of huggingface_hub's calls ask to wait without end."""

    def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        request.extensions["timeout"] = TIMEOUT.as_dict()
        return super().send(request, **how)


def limit_waiting() -> None:
    """Set huggingface_hub up, for the whole process, so that sending ends well or ill within TIMEOUT."""
    # Xet, the Hub's newer way for large files, knows nothing of our time-outs and retries on its own; LFS is
    # plain HTTP, which fails in ways that can be said in a sentence, and is taken by every Hub.
    constants.HF_HUB_DISABLE_XET = True
    set_client_factory(lambda: _Impatient(follow_redirects=True))


def writer(endpoint: str, token: str | None) -> HfApi:
    """The Hub's interface, ready to write; without a token, or offline, a :class:`PublishError`."""
    if constants.is_offline_mode():
        raise PublishError("HF_HUB_OFFLINE forbids to reach the Hub. Unset it to publish.")
    if not token:
        raise PublishError(
            f"There is no access token. Make one that may write at {endpoint}/settings/tokens and set "
            "HF_TOKEN to it."
        )
    return HfApi(endpoint=endpoint, token=token, library_name="albumjudge", library_version=__version__)


@contextmanager
def readable_errors(endpoint: str, repo: str, state: str = "", *, again: str) -> Iterator[None]:
    """Turn what may go wrong on the way to the Hub into a :class:`PublishError`.

    Its sentences end with what is on the Hub now (``state``, after a space) and how to try ``again``.
    """
    try:
        yield
    except PublishError:
        raise
    except Exception as error:  # huggingface_hub raises a dozen kinds, RuntimeError and KeyError among them.
        why = explain(error, endpoint, repo)
        raise PublishError(
            f"{why} A commit arrives whole or not at all, so nothing half-done is shown there.{state} {again}"
        ) from error


def explain(error: BaseException, endpoint: str, repo: str) -> str:
    """What went wrong on the way to the Hub, in a sentence or two."""
    who = f"The Hub at {endpoint}"
    # An upload that fails in one of huggingface_hub's threads comes wrapped.
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return f"{who} does not accept the access token in HF_TOKEN. Make a new one that may write."
        if status == 403:
            return f"The access token in HF_TOKEN may not write to {repo}. Use one that may, or another name."
        said = " ".join((error.server_message or "").split()) or error.response.reason_phrase
        return f"{who} refused with {status} ({said})."
    if isinstance(error, httpx2.HTTPError):
        return f"The connection to {who[0].lower() + who[1:]} failed ({str(error) or type(error).__name__})."
    said = " ".join(str(error).split()) or type(error).__name__
    return f"Publishing failed ({said})."
