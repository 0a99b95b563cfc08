"""Addresses on the Hugging Face Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_ENDPOINT = "https://huggingface.co"
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
_ADDRESS = re.compile(rf"(?P<repo>{_REPOSITORY})(?:@(?P<commit>.*))?", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubError(Exception):
    """Something cannot be had from the Hub; the message is a sentence.

    Attributes:
        passing: trying again later may help, as it does after a time-out and does not for a missing file.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class HubAddress:
    """A checkpoint on the Hub that can never change: ``repo`` is ``org/name``, ``commit`` 40 hex digits."""

    repo: str
    commit: str

    @classmethod
    def parse(cls, text: str) -> HubAddress:
        """Read ``org/name@commit``.

        Raises:
            HubError: if the text is anything else.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None or not is_repository(match["repo"]):
            raise HubError(f"{text[:120]!r} is no checkpoint on the Hub. Write org/name@commit.")
        if not _COMMIT.fullmatch(match["commit"] or ""):
            raise HubError(
                f"{text[:120]!r} does not say which commit. Write {match['repo']}@ and the commit's full "
                "40-digit hash; a branch or a tag may mean other weights tomorrow."
            )
        return cls(match["repo"], match["commit"])

    def __str__(self) -> str:
        return f"{self.repo}@{self.commit}"

    @property
    def short(self) -> str:
        """For sentences: the commit's first eight digits."""
        return f"{self.repo}@{self.commit[:8]}"


def is_repository(text: str) -> bool:
    """Whether the text is ``org/name`` as the Hub allows it."""
    return re.fullmatch(_REPOSITORY, text) is not None and not re.search(r"\.\.|--|[.-](/|$)", text)
