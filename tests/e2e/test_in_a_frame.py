"""The exhibit inside a frame of another site, over https, in a browser that blocks cookies of third parties."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.e2e.conftest import free_port, launched, served
from tests.e2e.visits import visitor

pytestmark = pytest.mark.slow


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    paths = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return paths


@contextmanager
def another_site(port: int, framed: str, certificate: tuple[Path, Path]) -> Iterator[str]:
    """https://localhost, another site than https://127.0.0.1, with a page that shows ``framed`` in a frame."""
    page = f'<!doctype html><title>Another site</title><iframe src="{framed}" width="1200" height="900"></iframe>'

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://localhost:{port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_visitor_in_a_frame_is_the_same_after_a_reload(playwright: Playwright, tmp_path: Path) -> None:
    port, (cert, key) = free_port(), certificate(tmp_path)
    settings = {
        "STREAMLIT_SERVER_SSL_CERT_FILE": str(cert),
        "STREAMLIT_SERVER_SSL_KEY_FILE": str(key),
        "ALBUMJUDGE_FRAME_ANCESTORS": f"https://localhost:{port}",
    }
    # A browser without cookies of third parties, unless they are partitioned.
    chromium = launched(playwright, "--test-third-party-cookie-phaseout")
    context = chromium.new_context(ignore_https_errors=True)
    with served(tmp_path, settings) as app:
        address = app.url.replace("http:", "https:")
        with another_site(port, f"{address}/vote", (cert, key)) as site:
            page = context.new_page()
            page.goto(site)
            frame = page.frame_locator("iframe")
            frame.locator('[class*="st-key-felt-awe"] button').click()
            expect(frame.get_by_role("button", name="Yes, I agree")).to_be_visible()
            inside = page.frames[1]
            inside.evaluate("document.cookie = 'unpartitioned=1; SameSite=None; Secure; Path=/'")
            assert "unpartitioned" not in inside.evaluate("document.cookie"), "cookies are not blocked here"
            (me,) = {vote.visitor for vote in app.box.votes()}

            page.reload()
            # Whoever comes back meets the cover that is due next, or their own vote; not a new round.
            expect(frame.locator(".progress")).to_contain_text("2 of 6")
            assert visitor(context) == me
    chromium.close()
