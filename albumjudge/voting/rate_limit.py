"""How many votes a visitor, or everyone at one address, can cast by looking; what goes beyond does not count."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network

Limits = tuple[tuple[float, int], ...]
"""Seconds, and the most votes that count in any such time."""
VISITOR_LIMITS: Limits = ((60.0, 40), (3600.0, 400))
ADDRESS_LIMITS: Limits = ((60.0, 400), (3600.0, 4000))
"""For a school class or a hall full of visitors behind one address."""
MOST_ADDRESSES = 10_000


def is_suspect(ages: Iterable[float], limits: Limits = VISITOR_LIMITS) -> bool:
    """Whether a vote is one too many after others that were cast ``ages`` seconds before it.

    Those from the future are left out: a clock that was put back makes nobody suspect.
    """
    ages = list(ages)
    return any(sum(0 <= age < seconds for age in ages) >= most for seconds, most in limits)


class AddressLimiter:
    """Counts the votes from each address in this process. Threads may share one.

    Addresses are kept in memory alone, as hashes with a salt that ends with the process.
    """

    def __init__(
        self, limits: Limits = ADDRESS_LIMITS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._clock = limits, clock
        self._salt, self._lock = secrets.token_bytes(16), threading.Lock()
        self._votes: OrderedDict[bytes, deque[float]] = OrderedDict()

    def is_suspect(self, address: str | None) -> bool:
        """Whether a vote that comes from an address now is one too many; one from nowhere never is."""
        if address is None:
            return False
        key, now = hashlib.blake2b(address.encode(), key=self._salt).digest(), self._clock()
        with self._lock:
            earlier = self._votes.setdefault(key, deque(maxlen=max(most for _, most in self._limits)))
            self._votes.move_to_end(key)
            if len(self._votes) > MOST_ADDRESSES:
                self._votes.popitem(last=False)
            suspect = is_suspect((now - moment for moment in earlier), self._limits)
            earlier.append(now)
        return suspect


def client_address(peer: str | None, forwarded: str, proxies: int) -> str | None:
    """The address that a visitor comes from, as far as it can be relied on; IPv6 without the last 64 bits.

    Args:
        peer: whom the connection is with.
        forwarded: the header ``X-Forwarded-For``, to which every proxy appends whom it heard from.
        proxies: how many proxies of our own stand in front; what visitors wrote into the header lies before.

    Returns:
        None if it is not known: without proxies an address that is not public may be a proxy's.
    """
    hops = forwarded.split(",")
    text = peer if not proxies else hops[-proxies].strip() if len(hops) >= proxies else None
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if not proxies and not address.is_global:
        return None
    return str(ip_network(f"{address}/64", strict=False) if address.version == 6 else address)
