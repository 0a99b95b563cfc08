"""Every setting of the exhibit, read from environment variables in one place; docs/hosting.md explains them.

A folder goes before the Hub, the Hub before the bundled checkpoint. An empty variable counts as not set.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from albumjudge.domain.hub_address import DEFAULT_ENDPOINT, HubAddress, HubError, is_repository

SHORTEST_PASSWORD = 8


class SettingsError(Exception):
    """A setting cannot be what it is; the message is a sentence that names the variable."""


# Readers turn a variable's text into a value, or raise SettingsError with the sentence that its name begins.


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _hub(text: str) -> str:
    try:
        return str(HubAddress.parse(text))
    except HubError as error:
        raise SettingsError(f"cannot be used: {error}") from None


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(f"is {text!r}. Give 1 for on or 0 for off.")
    return text == "1"


def _password(text: str) -> str:
    if len(text) < SHORTEST_PASSWORD:
        raise SettingsError(f"is too short to keep anyone out. Give {SHORTEST_PASSWORD} characters or more.")
    return text


def _repository(text: str) -> str:
    if not is_repository(text):
        raise SettingsError(f"is {text!r}. Give a data set's name on the Hub, org/name.")
    return text


def _origins(text: str) -> tuple[str, ...]:
    for origin in text.split():
        if not re.fullmatch(r"https?://(\*\.)?[\w.-]+(:\d+)?", origin):
            raise SettingsError(
                f"has {origin!r}. Give addresses of sites, such as https://example.org, or nothing."
            )
    return tuple(text.split())


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise SettingsError(f"is {text!r}. Give a time zone's name, such as Europe/Berlin.") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"is {text!r}. Give a number of seconds above zero, such as 60.")
    return seconds


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise SettingsError(f"is {text!r}. Give a whole number, 0 or more.")
    return int(text)


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(f"is {text!r}. Give a web address, such as {DEFAULT_ENDPOINT}.")
    return text.rstrip("/")


def _database(text: str) -> str:
    """As SQLAlchemy spells it; never echoed, since it may hold a password."""
    advice = "Give sqlite:///path/to/file or postgresql://user:password@host/name."
    scheme, found, rest = text.partition("://")
    try:
        urlsplit(f"x://{rest}").port  # noqa: B018  # Raises where the port is no number.
    except ValueError:
        found = ""
    if not found or not re.fullmatch(r"[\w+]+", scheme):
        raise SettingsError(f"is no database address. {advice}")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg"
    if scheme not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingsError(f"asks for {scheme!r}, which votes are not kept in. {advice}")
    return f"{scheme}://{rest}"


@dataclass(frozen=True)
class Settings:
    """What the variables say; each field names its reader and the variables that it is read from.

    Hub addresses are ``org/name@commit``, times in seconds, ``database_url`` is an SQLAlchemy URL,
    ``hub_endpoint`` has no slash at its end, ``hub_push_minutes`` is 0 for no schedule, ``frame_ancestors`` are
    origins as Content Security Policy spells them. What may hold a password is not shown by ``repr``.
    """

    generator_directory: Annotated[Path | None, _folder, "ALBUMJUDGE_GENERATOR_DIR"] = None
    judge_directory: Annotated[Path | None, _folder, "ALBUMJUDGE_JUDGE_DIR"] = None
    generator_hub: Annotated[str | None, _hub, "ALBUMJUDGE_GENERATOR_HUB"] = None
    judge_hub: Annotated[str | None, _hub, "ALBUMJUDGE_JUDGE_HUB"] = None
    hub_deadline: Annotated[float, _seconds, "ALBUMJUDGE_HUB_DEADLINE"] = 60.0
    data_directory: Annotated[Path, _folder, "ALBUMJUDGE_DATA_DIR"] = Path("data")
    database_url: Annotated[str, _database, "ALBUMJUDGE_DATABASE_URL", "DATABASE_URL"] = field(
        default="sqlite:///data/votes.db", repr=False
    )
    hub_endpoint: Annotated[str, _endpoint, "HF_ENDPOINT"] = DEFAULT_ENDPOINT
    kiosk: Annotated[bool, _switch, "ALBUMJUDGE_KIOSK"] = False
    kiosk_idle: Annotated[float, _seconds, "ALBUMJUDGE_KIOSK_IDLE"] = 60.0
    curator_password: Annotated[str | None, _password, "ALBUMJUDGE_CURATOR_PASSWORD"] = field(
        default=None, repr=False
    )
    hub_dataset: Annotated[str | None, _repository, "ALBUMJUDGE_HUB_DATASET"] = None
    hub_push_minutes: Annotated[int, _whole, "ALBUMJUDGE_HUB_PUSH_MINUTES"] = 0
    frame_ancestors: Annotated[tuple[str, ...], _origins, "ALBUMJUDGE_FRAME_ANCESTORS"] = (DEFAULT_ENDPOINT,)
    proxies: Annotated[int, _whole, "ALBUMJUDGE_PROXIES"] = 0
    time_zone: Annotated[ZoneInfo, _time_zone, "ALBUMJUDGE_TIME_ZONE"] = field(
        default_factory=lambda: ZoneInfo("UTC")
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: if a variable holds something that it cannot mean.
        """
        found: dict[str, Any] = {}
        for name, (read, *variables) in _READ.items():
            given = [variable for variable in variables if environ.get(variable, "").strip()]
            for variable in given[:1]:
                try:
                    found[name] = read(environ[variable].strip())
                except SettingsError as error:
                    raise SettingsError(f"{variable} {error}") from None
        votes = found.get("data_directory", Path("data")) / "votes.db"
        return cls(**{"database_url": f"sqlite:///{votes}", **found})


_READ = {name: hint.__metadata__ for name, hint in get_type_hints(Settings, include_extras=True).items()}
SETTINGS = (*(variable for _, *variables in _READ.values() for variable in variables), "HF_TOKEN")
"""Names of all variables; HF_TOKEN is read by huggingface_hub."""
