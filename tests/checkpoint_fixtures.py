"""Small checkpoints made on the fly, and a Hub of our own on localhost that can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch

from albumjudge.domain.hub_address import HubAddress
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.multitask_jury import FEATURE_WIDTHS, MultitaskJury
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.engine.state import save_checkpoint

REPO = "museum/painter"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADDRESS = HubAddress(REPO, COMMIT)
SHORT = 0.6
"""Deadline where a server must be given up on, in seconds."""
PROMPT = 60.0
"""Longest that a test waits for what takes a moment on an idle machine."""


def make_generator(folder: Path, *, name: str = "tiny", seed: int = 0, size: int = 64) -> Path:
    """Write a generator of four feature maps; the seed decides what it paints."""
    torch.manual_seed(seed)
    save_checkpoint(Generator(latent_size=8, width=4, size=size), folder, {"kind": "generator", "name": name})
    return folder


def tiny_flow(seed: int = 0) -> FlowGenerator:
    """A small flow generator, which heeds genre and decade; the seed decides what it paints."""
    torch.manual_seed(seed)
    network = FlowGenerator(8, 3, 8, decoder_width=4, steps=2, autoguidance_width=8)
    with torch.no_grad():
        for weights in network.parameters():  # Some layers begin with zeros.
            weights.add_(torch.randn_like(weights), alpha=0.1)
    return network.eval()


def make_painter_to_order(folder: Path, *, name: str = "orderly", seed: int = 0) -> Path:
    """Write :func:`tiny_flow` as a checkpoint."""
    save_checkpoint(tiny_flow(seed), folder, {"kind": "generator", "network": "FlowGenerator", "name": name})
    return folder


def make_judge(folder: Path, *, name: str = "tiny-judge", favourite: int = 0) -> Path:
    """Write a judge that feels mostly one thing, whatever it sees."""
    with torch.device("meta"):  # Drawing VGG16's 15 million numbers at random takes seconds.
        judge = VGG16EmotionClassifier()
    judge.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in judge.state_dict().values():
            tensor.zero_()
        judge.feature_sd.fill_(1)
        judge.head.bias[favourite] = 2
    save_checkpoint(judge, folder, {"kind": "judge", "name": name})
    return folder


def random_jury(*names: str, size: int = 64) -> MultitaskJury:
    """A jury on three landmarks with random content, which feels something else before each picture."""
    torch.manual_seed(3)
    jury = MultitaskJury(size, names, 3, 2, (2,) * len(FEATURE_WIDTHS))
    for name, buffer in jury.named_buffers():
        if name not in ("mean", "sd", "prior_correction", "signs"):
            buffer.copy_(torch.rand_like(buffer) / 10)
    jury.is_abstract.copy_(torch.tensor([1.0, 0.0, 1.0]))
    return jury.eval().requires_grad_(False)


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def file(self) -> str:
        """Last part of the path."""
        return self.path.partition("?")[0].rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Answer:
    """What the server does about it.

    Attributes:
        sent: how many bytes of the body are sent before the connection is closed; None for all.
        silent: accept and never answer, until the test is over.
        hang_up: close the connection without an answer.
        trickle: send header lines one by one without end, until the test is over.
        endless: repeat the body without end, as fast as the client takes it.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int | None = None
    silent: bool = False
    hang_up: bool = False
    trickle: bool = False
    endless: bool = False


@dataclass
class LocalHub:
    """A running server: where it is, what it was asked, and how it answers."""

    endpoint: str
    answer: Callable[[Request], Answer]
    requests: list[Request] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    """Answers as the hub of its server says."""

    server: _HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Else each body waits 40 ms for the client to acknowledge the headers.

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def respond(self) -> None:
        body, hub = self.read_body(), self.server.hub
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        hub.requests.append(request)
        try:
            answer = hub.answer(request)
        except Exception as error:
            self.server.faults.append(error)
            answer = Answer(500)
        if answer.silent or answer.hang_up:
            if answer.silent:
                self.server.over.wait()
            self.close_connection = True
            return
        self.send_response(answer.status)
        while answer.trickle and not self.server.over.wait(0.02):
            self.send_header("X-And-So", "on")
            self.flush_headers()
        length = {} if answer.endless else {"Content-Length": str(len(answer.body))}
        for key, value in {**length, **answer.headers}.items():
            self.send_header(key, value)
        self.end_headers()
        while answer.endless and not self.server.over.is_set():
            self.wfile.write(answer.body)
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.sent])
        self.close_connection = answer.sent is not None

    do_GET = do_HEAD = do_POST = do_PUT = respond  # noqa: N815

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # A client that gave up, as many tests want it.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class _HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = LocalHub(f"http://127.0.0.1:{self.server_address[1]}", answer)
        self.over, self.faults = threading.Event(), list[Exception]()


@contextmanager
def local_hub(answer: Callable[[Request], Answer]) -> Iterator[LocalHub]:
    """Serve on a free port of localhost, every connection in its own thread.

    Raises:
        Exception: at the end, the first that ``answer`` raised, such as a failed assertion about a request.
    """
    server = _HubServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.hub
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
    if server.faults:
        raise server.faults[0]


def serving(folder: Path, *, commit: str = COMMIT) -> Callable[[Request], Answer]:
    """Answer as the Hub does for the files of a folder, whatever the repository.

    Two questions are understood: which files a commit has, and for one of them.
    """

    def answer(request: Request) -> Answer:
        path = folder / request.file
        if request.path.startswith("/api/models/") and request.path.endswith(f"/revision/{commit}"):
            files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
            return Answer(body=json.dumps({"sha": commit, "siblings": files}).encode())
        if f"/resolve/{commit}/" not in request.path:
            return Answer(404, headers={"X-Error-Code": "RevisionNotFound"})
        if not path.is_file():
            return Answer(404, headers={"X-Error-Code": "EntryNotFound"})
        return Answer(body=path.read_bytes(), headers={"X-Repo-Commit": commit})

    return answer
