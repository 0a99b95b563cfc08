"""A visitor's session over Streamlit's websocket, without a browser."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

LOCAL = {"127.0.0.1", "localhost", "::1"}


class SessionError(Exception):
    """The exhibit did not do what a visitor would expect of it."""


@dataclass
class Session:
    """One browser tab.

    Args:
        address: of an exhibit on this machine, such as ``http://127.0.0.1:8501``.
        deadline: seconds that one step may take.
        cookies: name -> value; those that the server sets are added.

    Attributes:
        buttons: key -> widget id and fragment of the buttons that the last run of the script drew.
        html: texts that the last run drew.
        signs: CSS class -> when the last step first drew something of that class, as ``time.perf_counter`` says.
    """

    address: str
    deadline: float = 120.0
    cookies: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    html: list[str] = field(default_factory=list)
    signs: dict[str, float] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _query: str = ""
    _page: str = ""

    def __post_init__(self) -> None:
        if urlsplit(self.address).hostname not in LOCAL:
            raise SessionError("Load goes to an exhibit on this machine only.")

    async def open(self, page: str = "", query: str = "") -> None:
        """Load the document, connect with its cookies, and wait for the page."""
        await asyncio.to_thread(self._document, page)
        parts = urlsplit(self.address)
        self._socket = await connect(
            f"ws://{parts.netloc}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=self.address,  # type: ignore[arg-type]
            additional_headers=self._cookie_header(),
            max_size=None,
            open_timeout=self.deadline,
        )
        self._query = query
        await self._run(page)

    async def visit(self, page: str, query: str = "") -> None:
        """Follow a link to another page."""
        self._query = query
        await self._run(page)

    async def click(self, key: str) -> None:
        """Press the button whose key begins with ``key`` and wait until the page is still."""
        found = next((button for name, button in self.buttons.items() if name.startswith(key)), None)
        if found is None:
            raise SessionError(f"There is no button {key!r}, only {sorted(self.buttons)}.")
        widget, fragment = found
        await self._run(self._page, WidgetState(id=widget, trigger_value=True), fragment)

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def _cookie_header(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies} if cookies else {}

    def _document(self, page: str) -> None:
        asked = urllib.request.Request(f"{self.address}/{page}", headers=self._cookie_header())
        with urllib.request.urlopen(asked, timeout=self.deadline) as answer:
            answer.read()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value

    async def _run(self, page: str, pressed: WidgetState | None = None, fragment: str = "") -> None:
        assert self._socket is not None
        self._page, self.signs = page, {}
        state = ClientState(
            query_string=self._query,
            page_name=page,
            fragment_id=fragment,
            widget_states=WidgetStates(widgets=[pressed] if pressed else []),
            context_info=ContextInfo(timezone="UTC", url=f"{self.address}/{page}"),
        )
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        async with asyncio.timeout(self.deadline):
            while not self._is_still(ForwardMsg.FromString(_bytes(await self._socket.recv()))):
                pass

    def _is_still(self, message: ForwardMsg) -> bool:
        """Take a message in; whether it was the last of this run."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.buttons, self.html = {}, []
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._take(message.delta.new_element, message.delta.fragment_id)
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                raise SessionError("The page failed.")
            return message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            )
        return False

    def _take(self, element: Element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "button":
            # "$$ID-hash-key"; the key is "None" where the page gives none.
            self.buttons[element.button.id.split("-", 2)[-1]] = (element.button.id, fragment)
        elif kind == "html":
            self.html.append(element.html.body)
            for name in re.findall(r'class="([^"]+)"', element.html.body):
                self.signs.setdefault(name, time.perf_counter())
        elif kind == "exception":
            raise SessionError(element.exception.message)


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
