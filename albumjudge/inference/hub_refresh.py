"""Fetching what the settings name on the Hub, in threads of their own: visitors never wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from albumjudge.domain.hub_address import HubAddress, HubError
from albumjudge.domain.settings import Settings
from albumjudge.inference.checkpoints import Checkpoint, CheckpointError, Kind, fetch_checkpoint
from albumjudge.inference.loading import hub_cache

_log = logging.getLogger(__name__)


class HubRefresh:
    """One thread for each checkpoint that is to be fetched; a fault that may pass is tried again.

    Args:
        install: puts a verified checkpoint in place; may raise :class:`CheckpointError`.
        missing: what is to be fetched.
        retry_after: seconds until the Hub is asked again.
    """

    def __init__(
        self,
        settings: Settings,
        install: Callable[[Kind, Checkpoint], None],
        missing: Mapping[Kind, HubAddress],
        retry_after: float,
    ) -> None:
        self._settings, self._install, self._retry_after = settings, install, retry_after
        self._lock = threading.Lock()
        self._fetching = dict(missing)
        self._faults: dict[Kind, str] = {}
        self._tried = {kind: threading.Event() for kind in missing}
        self._closed = threading.Event()
        for kind, address in missing.items():
            threading.Thread(
                target=self._keep_fetching, args=(kind, address), name=f"hub-{kind}", daemon=True
            ).start()

    def status(self, kind: Kind) -> tuple[str, ...]:
        """Sentences on what is being fetched and on what failed."""
        with self._lock:
            said = [self._faults[kind]] if kind in self._faults else []
            if kind in self._fetching:
                said.append(f"The {kind} {self._fetching[kind].short} is being fetched from the Hub.")
        return tuple(said)

    def wait(self, timeout: float) -> bool:
        """Wait until everything was tried once; whether that happened within ``timeout`` seconds."""
        end = time.monotonic() + timeout
        return all(tried.wait(max(0.0, end - time.monotonic())) for tried in self._tried.values())

    def close(self) -> None:
        """Try nothing again."""
        self._closed.set()

    def _keep_fetching(self, kind: Kind, address: HubAddress) -> None:
        while True:
            fault, may_pass = self._fetch(kind, address)
            with self._lock:
                self._fetching.pop(kind, None)
                self._faults.pop(kind, None)
                if fault is not None:
                    _log.warning("%s", fault)
                    self._faults[kind] = fault
            self._tried[kind].set()
            if not may_pass or self._closed.wait(self._retry_after):
                return

    def _fetch(self, kind: Kind, address: HubAddress) -> tuple[str | None, bool]:
        """What went wrong, if anything, and whether it may pass."""
        try:
            checkpoint = fetch_checkpoint(
                address,
                hub_cache(self._settings),
                kind,
                endpoint=self._settings.hub_endpoint,
                deadline=self._settings.hub_deadline,
            )
            self._install(kind, checkpoint)
        except HubError as error:
            return str(error), error.passing
        except CheckpointError as error:
            return str(error), False
        except Exception as error:  # Nobody would see the thread die.
            _log.exception("Fetching %s from the Hub failed", address)
            return f"Fetching {address.short} from the Hub failed ({error!r}).", False
        return None, False
