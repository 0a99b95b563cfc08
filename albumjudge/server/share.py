"""Links to share: a page with an Open Graph card of a day's wall, which leads on to the wall itself."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from albumjudge.domain.settings import SettingsError
from albumjudge.inference.folders import CheckpointError
from albumjudge.server.cookie import is_secure
from albumjudge.ui import share_card, shell, words
from albumjudge.ui.rooms import day as days
from albumjudge.ui.rooms.day import Wall
from albumjudge.ui.words import _
from albumjudge.voting.database import VoteError

CARDS_KEPT = 32
"""Preview cards in memory, some 200 kB each."""


async def day_page(request: Request) -> Response:
    """The page that a shared link opens: read by messengers, left at once by browsers."""
    return await run_in_threadpool(_day_page, request)


async def day_picture(request: Request) -> Response:
    """The picture of the card, PNG, 1200 x 630."""
    return await run_in_threadpool(_day_picture, request)


def _day_page(request: Request) -> Response:
    code = words.known(request.query_params.get(words.PARAMETER))
    with words.spoken_in(code):
        asked = request.path_params["day"]
        lang = f"&{words.PARAMETER}={code}" if code else ""
        try:
            hung = _wall(asked)
        except (VoteError, SettingsError, CheckpointError):
            return _document(
                _("The wall cannot be shown at the moment."), "../../wall_of_the_day", status=503
            )
        if hung is None:
            said = _("No wall hung on that day. Perhaps a part of the link was cut off on its way here.")
            return _document(said, "../../wall_of_the_day", status=404)
        title, line = _words(hung.day)
        scheme = "https" if is_secure(request) else "http"
        here = f"{scheme}://{request.headers.get('host', '')}{request.url.path}"
        card = {
            "og:type": "website",
            "og:site_name": shell.TITLE,
            "og:title": title,
            "og:description": line,
            "og:url": here + (f"?{lang[1:]}" if lang else ""),
            "og:image": f"{here}.png" + (f"?{lang[1:]}" if lang else ""),
            "og:image:type": "image/png",
            "og:image:width": str(share_card.PREVIEW[0]),
            "og:image:height": str(share_card.PREVIEW[1]),
            "og:image:alt": _("Six covers that no band ever had."),
        }
        return _document(title, f"../../wall_of_the_day?day={hung.day.isoformat()}{lang}", card)


def _day_picture(request: Request) -> Response:
    code = words.known(request.query_params.get(words.PARAMETER))
    with words.spoken_in(code):
        try:
            hung = _wall(request.path_params["day"])
            if hung is None:
                return Response(status_code=404)
            png = _drawn(hung, code)
        except (VoteError, SettingsError, CheckpointError):
            return Response(status_code=503, headers={"Cache-Control": "no-store"})
    return Response(png, media_type="image/png", headers={"Cache-Control": "public, max-age=3600"})


def _wall(asked: str) -> Wall | None:
    """The wall of a day as it stands in the link; None if none hangs or hung."""
    found = days.read_day(asked)
    return days.wall(found) if found is not None and days.hangs(found) else None


@lru_cache(maxsize=CARDS_KEPT)
def _drawn(hung: Wall, code: str | None) -> bytes:
    title, line = _words(hung.day)
    return share_card.preview(days.pictures(hung), title, line)


def _words(day: date) -> tuple[str, str]:
    return (
        days.title(day),
        _("Six covers that no band ever had. What do you feel, and does the machine feel the same?"),
    )


def _document(title: str, to: str, card: dict[str, str] | None = None, *, status: int = 200) -> HTMLResponse:
    """A small page; with a card it leads on by itself, else by its link alone.

    A visitor's cookie may travel with it, so no shared cache may keep it.
    """
    tags = [f'<meta property="{name}" content="{escape(value)}">' for name, value in (card or {}).items()]
    if card:
        tags += [
            '<meta name="twitter:card" content="summary_large_image">',
            f'<meta name="description" content="{escape(card["og:description"])}">',
            f'<meta http-equiv="refresh" content="0; url={escape(to)}">',
        ]
    look = "background:#131110;color:#efe8dc;font:1.25rem/1.5 serif;margin:3rem auto;max-width:40rem"
    body = (
        f'<!doctype html><html lang="{words.language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark">'
        f"<title>{escape(title)} · {shell.TITLE}</title>{''.join(tags)}</head>"
        f'<body style="{look}"><main><h1 style="font:inherit">{escape(title)}</h1>'
        f'<p><a style="color:#d8b98a" href="{escape(to)}">{escape(_("To the wall"))}</a></p></main></body></html>'
    )
    return HTMLResponse(body, status, {"Cache-Control": "private, max-age=300" if card else "no-store"})
