"""Every setting of the exhibit, read from environment variables in one place.

| variable | what it sets | default |
|---|---|---|
| `ALBUMJUDGE_GENERATOR_DIR` | folder of the checkpoint that paints | the bundled one |
| `ALBUMJUDGE_JUDGE_DIR` | folder of the checkpoint that judges | the bundled one |
| `ALBUMJUDGE_GENERATOR_HUB` | the same, on the Hugging Face Hub: `org/name@commit` | none |
| `ALBUMJUDGE_JUDGE_HUB` | the same, on the Hub: `org/name@commit` | none |
| `ALBUMJUDGE_HUB_DEADLINE` | seconds that fetching one checkpoint from the Hub may take in all | `60` |
| `ALBUMJUDGE_DATA_DIR` | folder for votes and for what was fetched from the Hub | `data` |
| `ALBUMJUDGE_DATABASE_URL` | where votes are kept, SQLite or PostgreSQL | `votes.db` in the data folder |
| `DATABASE_URL` | the same, as hosting services name it; `ALBUMJUDGE_DATABASE_URL` goes first | |
| `ALBUMJUDGE_KIOSK` | `1`: every screen is a kiosk, as with `?kiosk=1` in the address | `0` |
| `ALBUMJUDGE_KIOSK_IDLE` | seconds without a touch after which a kiosk waits for its next visitor | `60` |
| `ALBUMJUDGE_CURATOR_PASSWORD` | password of the curator's room, 8 characters or more | none, no room |
| `ALBUMJUDGE_HUB_DATASET` | data set on the Hub that a curator may push the votes to: `org/name` | none |
| `ALBUMJUDGE_HUB_PUSH_MINUTES` | minutes between two pushes that nobody asked for; `0` for none | `0` |
| `ALBUMJUDGE_FRAME_ANCESTORS` | sites that may show the exhibit in a frame | `https://huggingface.co` |
| `ALBUMJUDGE_PROXIES` | how many proxies of your own stand in front and tell visitors' addresses | `0` |
| `ALBUMJUDGE_TIME_ZONE` | where midnight ends the wall of the day: `Europe/Berlin` | `UTC` |
| `HF_ENDPOINT` | address of the Hub, or of a mirror of it | `https://huggingface.co` |
| `HF_TOKEN` | the Hub's access token, for what is private or gated and to push; huggingface_hub reads it | none |

A folder goes before the Hub, the Hub before the bundled checkpoint. A commit is the full 40-digit hash, since
a branch or a tag may mean something else tomorrow. A database is written `sqlite:///path/to/file` or
`postgresql://user:password@host/name`. An empty variable counts as not set.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from albumjudge.domain.hub_address import DEFAULT_ENDPOINT, HubAddress, HubError, is_repository

SETTINGS: tuple[str, ...] = (
    "ALBUMJUDGE_GENERATOR_DIR",
    "ALBUMJUDGE_JUDGE_DIR",
    "ALBUMJUDGE_GENERATOR_HUB",
    "ALBUMJUDGE_JUDGE_HUB",
    "ALBUMJUDGE_HUB_DEADLINE",
    "ALBUMJUDGE_DATA_DIR",
    "ALBUMJUDGE_DATABASE_URL",
    "DATABASE_URL",
    "ALBUMJUDGE_KIOSK",
    "ALBUMJUDGE_KIOSK_IDLE",
    "ALBUMJUDGE_CURATOR_PASSWORD",
    "ALBUMJUDGE_HUB_DATASET",
    "ALBUMJUDGE_HUB_PUSH_MINUTES",
    "ALBUMJUDGE_FRAME_ANCESTORS",
    "ALBUMJUDGE_PROXIES",
    "ALBUMJUDGE_TIME_ZONE",
    "HF_ENDPOINT",
    "HF_TOKEN",
)
"""Names of all variables above; tests hold this page and README.md against it."""


SHORTEST_PASSWORD = 8


class SettingsError(Exception):
    """A setting cannot be what it is; the message is a sentence that names the variable."""


@dataclass(frozen=True)
class Settings:
    """What the variables above say.

    Attributes:
        generator_directory, judge_directory: folders of checkpoints, None for none.
        generator_hub, judge_hub: ``org/name@commit``, None for none.
        hub_deadline: seconds, above zero.
        data_directory: folder for the vote file and the Hub cache; need not exist yet.
        database_url: an SQLAlchemy URL, ``sqlite`` or ``postgresql+psycopg``. Not shown by ``repr``: it may
            hold a password.
        hub_endpoint: without a slash at its end.
        kiosk: whether every screen is a kiosk.
        kiosk_idle: seconds, above zero.
        curator_password: None if there is no curator's room. Not shown by ``repr``.
        hub_dataset: ``org/name``, None for none.
        hub_push_minutes: above zero; 0 for no schedule.
        frame_ancestors: origins, as Content Security Policy spells them.
        proxies: 0 or more.
        time_zone: in which the exhibit's day begins and ends.
    """

    generator_directory: Path | None = None
    judge_directory: Path | None = None
    generator_hub: str | None = None
    judge_hub: str | None = None
    hub_deadline: float = 60.0
    data_directory: Path = Path("data")
    database_url: str = field(default="sqlite:///data/votes.db", repr=False)
    hub_endpoint: str = DEFAULT_ENDPOINT
    kiosk: bool = False
    kiosk_idle: float = 60.0
    curator_password: str | None = field(default=None, repr=False)
    hub_dataset: str | None = None
    hub_push_minutes: int = 0
    frame_ancestors: tuple[str, ...] = ("https://huggingface.co",)
    proxies: int = 0
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: if a variable holds something that it cannot mean.
        """
        given = {name: environ.get(name, "").strip() for name in SETTINGS}
        data = Path(given["ALBUMJUDGE_DATA_DIR"] or "data").expanduser()
        return cls(
            generator_directory=_folder(given["ALBUMJUDGE_GENERATOR_DIR"]),
            judge_directory=_folder(given["ALBUMJUDGE_JUDGE_DIR"]),
            generator_hub=_hub("ALBUMJUDGE_GENERATOR_HUB", given["ALBUMJUDGE_GENERATOR_HUB"]),
            judge_hub=_hub("ALBUMJUDGE_JUDGE_HUB", given["ALBUMJUDGE_JUDGE_HUB"]),
            hub_deadline=_seconds("ALBUMJUDGE_HUB_DEADLINE", given["ALBUMJUDGE_HUB_DEADLINE"] or "60"),
            data_directory=data,
            database_url=_database(given, data),
            hub_endpoint=_endpoint("HF_ENDPOINT", given["HF_ENDPOINT"] or DEFAULT_ENDPOINT),
            kiosk=_switch("ALBUMJUDGE_KIOSK", given["ALBUMJUDGE_KIOSK"] or "0"),
            kiosk_idle=_seconds("ALBUMJUDGE_KIOSK_IDLE", given["ALBUMJUDGE_KIOSK_IDLE"] or "60"),
            curator_password=_password("ALBUMJUDGE_CURATOR_PASSWORD", given["ALBUMJUDGE_CURATOR_PASSWORD"]),
            hub_dataset=_repository("ALBUMJUDGE_HUB_DATASET", given["ALBUMJUDGE_HUB_DATASET"]),
            hub_push_minutes=_whole(
                "ALBUMJUDGE_HUB_PUSH_MINUTES", given["ALBUMJUDGE_HUB_PUSH_MINUTES"] or "0"
            ),
            frame_ancestors=_origins(
                "ALBUMJUDGE_FRAME_ANCESTORS", given["ALBUMJUDGE_FRAME_ANCESTORS"] or "https://huggingface.co"
            ),
            proxies=_whole("ALBUMJUDGE_PROXIES", given["ALBUMJUDGE_PROXIES"] or "0"),
            time_zone=_time_zone("ALBUMJUDGE_TIME_ZONE", given["ALBUMJUDGE_TIME_ZONE"] or "UTC"),
        )


def _folder(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _hub(variable: str, text: str) -> str | None:
    if not text:
        return None
    try:
        return str(HubAddress.parse(text))
    except HubError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _switch(variable: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(f"{variable} is {text!r}. Give 1 for on or 0 for off.")
    return text == "1"


def _password(variable: str, text: str) -> str | None:
    if text and len(text) < SHORTEST_PASSWORD:
        raise SettingsError(
            f"{variable} is too short to keep anyone out. Give {SHORTEST_PASSWORD} characters or more."
        )
    return text or None


def _repository(variable: str, text: str) -> str | None:
    if text and not is_repository(text):
        raise SettingsError(f"{variable} is {text!r}. Give a data set's name on the Hub, org/name.")
    return text or None


def _origins(variable: str, text: str) -> tuple[str, ...]:
    for origin in text.split():
        if not re.fullmatch(r"https?://(\*\.)?[\w.-]+(:\d+)?", origin):
            raise SettingsError(
                f"{variable} has {origin!r}. Give addresses of sites, such as https://example.org, or nothing."
            )
    return tuple(text.split())


def _time_zone(variable: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise SettingsError(
            f"{variable} is {text!r}. Give a time zone's name, such as Europe/Berlin."
        ) from None


def _seconds(variable: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError(f"{variable} is {text!r}. Give a number of seconds above zero, such as 60.")
    return seconds


def _whole(variable: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise SettingsError(f"{variable} is {text!r}. Give a whole number, 0 or more.")
    return int(text)


def _endpoint(variable: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(f"{variable} is {text!r}. Give a web address, such as {DEFAULT_ENDPOINT}.")
    return text.rstrip("/")


def _database(given: Mapping[str, str], data: Path) -> str:
    """The first variable that is set, as SQLAlchemy spells it; never echoed, since it may hold a password."""
    for variable in ("ALBUMJUDGE_DATABASE_URL", "DATABASE_URL"):
        if not given[variable]:
            continue
        advice = "Give sqlite:///path/to/file or postgresql://user:password@host/name."
        scheme, found, rest = given[variable].partition("://")
        try:
            urlsplit(f"x://{rest}").port  # noqa: B018  # Raises where the port is no number.
        except ValueError:
            found = ""
        if not found or not re.fullmatch(r"[\w+]+", scheme):
            raise SettingsError(f"{variable} is no database address. {advice}")
        if scheme in ("postgres", "postgresql"):
            scheme = "postgresql+psycopg"
        if scheme not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise SettingsError(f"{variable} asks for {scheme!r}, which votes are not kept in. {advice}")
        return f"{scheme}://{rest}"
    return f"sqlite:///{data / 'votes.db'}"
