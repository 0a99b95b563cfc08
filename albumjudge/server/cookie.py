"""The visitor's cookie: a random id that scripts in the page cannot read, set by the server."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from albumjudge.ui.visitor import COOKIE, YEAR_IN_SECONDS, is_visitor_id


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser speaks https, to this server or to a proxy before it."""
    forwarded = connection.headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    return (forwarded or connection.url.scheme) in ("https", "wss")


def known_visitor(connection: HTTPConnection) -> str | None:
    """The id in the cookie, None without a sound one."""
    visitor = connection.cookies.get(COOKIE)
    return visitor if is_visitor_id(visitor) else None


def set_cookie(visitor: str, *, secure: bool) -> str:
    """``Set-Cookie`` that keeps an id for a year; an empty one forgets it.

    Over https the cookie is partitioned, so that it also sticks inside a frame of another site.
    """
    age = YEAR_IN_SECONDS if visitor else 0
    where = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={visitor}; Max-Age={age}; Path=/; HttpOnly; {where}"
