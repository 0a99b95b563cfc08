"""Who stands in front of the exhibit: a random id, the same in every tab and after a reload, no more.

The id lives in a first-party cookie that the server sets (``albumjudge.server``) and scripts cannot read. On
a first visit a small script asks for it, and answers with the one that another tab has been given in the
meantime.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections import OrderedDict
from typing import Any

import streamlit as st

from albumjudge.domain.settings import Settings
from albumjudge.voting import schema
from albumjudge.voting.rate_limit import AddressLimiter, client_address

COOKIE = "albumjudge_visitor"
YEAR_IN_SECONDS = 365 * 24 * 3600
_ID = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
_KEY = "visitor"

_SCRIPT = f"""
export default async function ({{ data, setStateValue }}) {{
  const base = document.querySelector("base")?.href ?? location.origin + "/";
  const settle = async () => {{
    const answer = await fetch(new URL("visitor", base), {{
      method: "POST",
      headers: {{ "Content-Type": "application/json" }},
      body: JSON.stringify({{ visitor: data }}),
    }});
    return (await answer.json()).visitor;
  }};
  let visitor;
  // Tabs that open at once take turns; in frames of other sites browsers may deny locks.
  try {{ visitor = await navigator.locks.request("{COOKIE}", settle); }} catch {{ visitor = await settle(); }}
  if (visitor && visitor !== data) setStateValue("visitor", visitor);
}}
"""


def is_visitor_id(text: object) -> bool:
    """Whether ``text`` is a version 4 UUID in 32 lower-case hex digits."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def current() -> str:
    """The visitor's id, 32 hex digits; a new one on a first visit."""
    known = st.session_state.get(_KEY)
    if is_visitor_id(known):
        return str(known)
    cookie = st.context.cookies.get(COOKIE)
    visitor = cookie if cookie is not None and is_visitor_id(cookie) else uuid.uuid4().hex
    st.session_state[_KEY] = visitor
    st.session_state["visitor_is_settled"] = visitor == cookie
    return visitor


@st.cache_resource
def _cookie_keeper() -> Any:
    """The script, registered once per process."""
    return st.components.v2.component("albumjudge_visitor", js=_SCRIPT)


def settle() -> None:
    """On a first visit, set the cookie, or become the visitor of the tab that was faster."""
    visitor = current()
    if st.session_state.get("visitor_is_settled"):
        return
    with st.container(key="visitor-cookie"):
        answer = _cookie_keeper()(key="visitor_cookie", data=visitor, on_visitor_change=lambda: None)
    settled = getattr(answer, "visitor", None)
    if is_visitor_id(settled) and settled != visitor:
        st.session_state[_KEY] = settled
        st.session_state["visitor_is_settled"] = True
        st.rerun()


@st.cache_resource(show_spinner=False)
def _addresses() -> AddressLimiter:
    """Shared by all visitors of this process."""
    return AddressLimiter()


def comes_in_floods() -> bool:
    """Whether another vote from this visitor's address is more than the people there can cast by looking."""
    forwarded, proxies = st.context.headers.get("X-Forwarded-For", ""), Settings.from_environment().proxies
    return _addresses().is_suspect(client_address(st.context.ip_address, forwarded, proxies))


class FirstSights:
    """When each visitor first saw each cover, on the server's clock; a reload does not start it again."""

    def __init__(self, kept: int = 20_000) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def seconds(self, who: str, cover: str) -> float:
        """Seconds since this visitor first saw this cover, 0 if that is now."""
        now = time.monotonic()
        with self._lock:
            first = self._seen.setdefault((who, cover), now)
            while len(self._seen) > self._kept:
                self._seen.popitem(last=False)
        return min(now - first, schema.LONGEST_VOTE)


@st.cache_resource(show_spinner=False)
def first_sights() -> FirstSights:
    """Shared by all visitors of this process."""
    return FirstSights()
