"""Fetching the files of a checkpoint from the Hugging Face Hub, within a deadline.

``from_pretrained`` of huggingface_hub 2.4 builds a model from default arguments when config.json meets an
HTTP error and falls back to a pickle; ``snapshot_download`` waits without limit. Here everything is one
asyncio task that is cancelled when time is up; a time-out per read would let a slow server go on for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path

import httpx2
from huggingface_hub import get_async_session, get_token, hf_hub_url
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # a lazy export

from albumjudge._version import __version__
from albumjudge.domain.hub_address import HubAddress, HubError
from albumjudge.inference.folders import PICKLES, WEIGHTS

REQUIRED: dict[str, int] = {"config.json": 1_000_000, "training.json": 4_000_000, WEIGHTS: 400_000_000}
OPTIONAL: dict[str, int] = {"metrics.json": 16_000_000, "history.json": 16_000_000, "README.md": 4_000_000}
"""Files of a checkpoint and how many bytes each may have at most; no other file is ever asked for."""
LONGEST_LIST = 4_000_000
"""Most bytes of the Hub's answer to what a commit holds."""


def fetch(address: HubAddress, folder: Path, *, endpoint: str, deadline: float) -> None:
    """Fetch a checkpoint's files. Their content is for the caller to verify.

    Args:
        folder: exists; files are written into it one by one, so use a folder that nobody reads yet.
        endpoint: the Hub's address without a slash at its end.
        deadline: seconds for everything together.

    Raises:
        HubError: if not all required files could be had in time. What came so far is left in ``folder``.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(_fetch_all(address, folder, endpoint), deadline))
    except TimeoutError:
        raise HubError(
            f"The Hub did not deliver {address.short} within {deadline:g} seconds.", passing=True
        ) from None
    except OfflineModeIsEnabled:
        raise HubError(f"HF_HUB_OFFLINE forbids fetching {address.short}. Unset it to allow that.") from None
    except httpx2.ConnectError as error:
        raise HubError(f"The Hub at {endpoint} cannot be reached ({error}).", passing=True) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise HubError(
            f"The connection to the Hub broke off while {address.short} was fetched ({error}).", passing=True
        ) from error
    except OSError as error:
        raise HubError(f"What the Hub sent cannot be written to {folder} ({error.strerror}).") from error
    finally:
        # Not asyncio.run: that would wait for a name look-up that hangs in its own thread, this does not.
        loop.close()


async def _fetch_all(address: HubAddress, folder: Path, endpoint: str) -> None:
    headers = build_hf_headers(token=get_token(), library_name="albumjudge", library_version=__version__)
    async with get_async_session() as session:
        offered = await _list(session, address, endpoint, headers)
        for name, limit in (REQUIRED | OPTIONAL).items():
            if name not in offered:
                if name in OPTIONAL:
                    continue
                raise HubError(f"{address.short} on the Hub has no {name}.{_excuse(name, offered)}")
            url = hf_hub_url(address.repo, name, revision=address.commit, endpoint=endpoint)
            async with session.stream("GET", url, headers=headers) as response:
                if not response.is_success:
                    raise _refusal(response, address)
                await _save(response, folder / name, limit, address)


async def _list(
    session: httpx2.AsyncClient, address: HubAddress, endpoint: str, headers: dict[str, str]
) -> set[str]:
    """Names of the files at the commit."""
    url = f"{endpoint}/api/models/{address.repo}/revision/{address.commit}"
    async with session.stream("GET", url, headers=headers) as response:
        if not response.is_success:
            raise _refusal(response, address)
        answer = b""
        async for chunk in response.aiter_bytes():
            answer += chunk
            if len(answer) > LONGEST_LIST:
                raise HubError(f"{address.short} on the Hub has far too many files for a checkpoint.")
    try:
        listing = json.loads(answer)
        commit, names = listing["sha"], {str(file["rfilename"]) for file in listing["siblings"]}
    except (ValueError, RecursionError, KeyError, TypeError):
        raise HubError(f"What answers at {endpoint} is no Hub.", passing=True) from None
    if commit != address.commit:
        raise HubError(f"The Hub offered another commit than {address.short}.")
    return names


def _excuse(name: str, offered: set[str]) -> str:
    pickles = sorted(file for file in offered if Path(file).suffix in PICKLES)
    if name != WEIGHTS or not pickles:
        return ""
    return f" It has a pickle, {pickles[0]}, which may run any code when loaded and is therefore left alone."


async def _save(response: httpx2.Response, path: Path, limit: int, address: HubAddress) -> None:
    # The Hub answers for large files with a redirect; commit and hash stand on that first answer.
    answers = [*response.history, response]
    commits = {answer.headers.get("x-repo-commit", address.commit) for answer in answers}
    if commits != {address.commit}:
        raise HubError(f"The Hub sent another commit than {address.short}, so {path.name} is not used.")
    hashes = {answer.headers.get("x-linked-etag", "").strip('W/"') for answer in answers}
    received, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        async for chunk in response.aiter_bytes():
            received += len(chunk)
            if received > limit:
                raise HubError(
                    f"{path.name} of {address.short} is larger than the {limit:,} bytes that are allowed."
                )
            digest.update(chunk)
            file.write(chunk)
    if any(re.fullmatch("[0-9a-f]{64}", promised) and promised != digest.hexdigest() for promised in hashes):
        raise HubError(f"{path.name} of {address.short} was damaged on its way from the Hub.", passing=True)


def _refusal(response: httpx2.Response, address: HubAddress) -> HubError:
    """Say what an error means. X-Error-Code is finer than the status, but mirrors may leave it out."""
    status, code = response.status_code, response.headers.get("x-error-code", "")
    if code == "GatedRepo" or status == 403:
        return HubError(
            f"The Hub keeps {address.repo} gated. Accept its terms there and set HF_TOKEN to that account's "
            "token."
        )
    if status == 401:
        return HubError(
            f"The Hub wants to know who asks for {address.repo}: it is private or does not exist. Check the "
            "name and set HF_TOKEN to a token that may read it."
        )
    if status == 404 and code == "RevisionNotFound":
        return HubError(f"{address.repo} on the Hub has no commit {address.commit}.")
    if status == 404:
        return HubError(
            f"The Hub has no {address}. Check name and commit, and set HF_TOKEN if it is private."
        )
    passing = status in (408, 425, 429) or status >= 500
    return HubError(f"The Hub answered {status} when asked for {address.short}.", passing=passing)
