"""What answers of the server carry: security headers; documents the visitor's cookie, and no unstyled moment."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from albumjudge.server.cookie import is_secure, known_visitor, set_cookie

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = "; ".join(
    (
        "default-src 'self'",
        # Streamlit starts scripts from text and from blobs, and its charts compile expressions.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss: data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors {}",
    )
)
"""Content Security Policy; nothing is loaded from another site."""


UNSTYLED = (
    b'<style>[data-testid="stApp"]{visibility:hidden;animation:late 0s 5s forwards}'
    b"@keyframes late{to{visibility:visible}}</style></head>"
)
"""Hides a page until the exhibit's own rules have come, or for five seconds, so that nothing jumps."""


class FirstPaint:
    """ASGI middleware that puts ``UNSTYLED`` into documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = b""

        async def with_style(message: Message) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                kind = MutableHeaders(scope=message).get("content-type", "")
                if message["status"] == 200 and kind.startswith("text/html"):
                    held.append(message)
                    return
            elif held:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                body = body.replace(b"</head>", UNSTYLED, 1) if b"<title>Streamlit</title>" in body else body
                MutableHeaders(scope=held[0])["content-length"] = str(len(body))
                await send(held.pop())
                message = {"type": "http.response.body", "body": body}
            await send(message)

        await self._app(scope, receive, with_style)


class Headers:
    """ASGI middleware.

    Args:
        frame_ancestors: who may show the exhibit in a frame, as Content Security Policy spells it.
    """

    def __init__(self, app: ASGIApp, frame_ancestors: Callable[[], str]) -> None:
        self._app = app
        self._policy = POLICY.format(frame_ancestors())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = self._policy
                    visitor = known_visitor(request)
                    if visitor is not None:
                        headers.append("Set-Cookie", set_cookie(visitor, secure=is_secure(request)))
            await send(message)

        await self._app(scope, receive, with_headers)
