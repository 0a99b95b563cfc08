"""What went wrong lately, for a curator to read: the last warnings of our own loggers, in memory only."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

KEPT = 20
LONGEST = 300
"""Characters of a message."""
_LOGGER = "albumjudge"
# Ids, addresses and whatever a visitor typed, which messages repeat in quotes.
_PERSONAL = re.compile(
    r"(?<=://)[^\s/@]+@|[\w.+-]+@[\w-]+\.[\w.-]+|\b[0-9a-f]{16,}\b|'[^']*'|\"[^\"]*\"|“[^”]*”|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)


@dataclass(frozen=True)
class Trouble:
    """A warning or an error.

    Attributes:
        at: UTC.
        level: "WARNING", "ERROR" or "CRITICAL".
        where: name of the logger, without the exhibit's own.
        message: with an ellipsis in place of everything that might be about a person.
    """

    at: datetime
    level: str
    where: str
    message: str


class Troubles(logging.Handler):
    """Remembers the last warnings. It is a handler for loggers and changes nothing about what else they do."""

    def __init__(self, kept: int = KEPT) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[Trouble] = deque(maxlen=kept)
        self._alone = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a warning."""
        last_resort = logging.lastResort
        if last_resort is not None and not logging.getLogger().handlers:
            # Python writes to standard error only where there is no handler, and now there is one.
            last_resort.handle(record)
        message = without_persons(record.getMessage())[:LONGEST]
        if record.exc_info and record.exc_info[0]:
            message = f"{message} ({record.exc_info[0].__name__})"
        where = record.name.removeprefix(f"{_LOGGER}.")
        with self._alone:
            self._kept.append(
                Trouble(datetime.fromtimestamp(record.created, UTC), record.levelname, where, message)
            )

    def latest(self) -> list[Trouble]:
        """What is remembered, the latest first."""
        with self._alone:
            return list(reversed(self._kept))


def without_persons(message: str) -> str:
    """A message with an ellipsis in place of ids, addresses and everything in quotes."""
    return _PERSONAL.sub("…", message)


_heard = Troubles()


def listen() -> Troubles:
    """What went wrong in this process since this was first called. Calling it again changes nothing."""
    logging.getLogger(_LOGGER).addHandler(_heard)
    return _heard
