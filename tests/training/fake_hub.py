"""A small Hub on this machine that takes uploads and checks the requests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from tests.checkpoint_fixtures import Answer, Request, local_hub

Hub = TypeVar("Hub", bound="FakeHub")

REPO = "museum/painter"
TOKEN = "hf_curator"
LFS = "application/vnd.git-lfs+json"


@dataclass
class Repository:
    """What the Hub keeps of one: commits as whole trees, the newest last."""

    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @property
    def head(self) -> dict[str, bytes]:
        return self.commits[-1][1] if self.commits else {}


@dataclass
class FakeHub:
    """The part of the Hub that publishing and fetching speak to; every request is held against the protocol.

    Attributes:
        trouble: answers instead of the Hub where it gives one.
        steps: what was done, in order.
    """

    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    trouble: Callable[[str, Request], Answer | None] = lambda step, request: None
    steps: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        path = request.path.partition("?")[0]
        for step, method, end, handle in (
            ("create", "POST", "/api/repos/create", self.create),
            ("card", "POST", "/api/validate-yaml", self.card),
            ("preupload", "POST", "/preupload/main", self.preupload),
            ("batch", "POST", ".git/info/lfs/objects/batch", self.batch),
            ("verify", "POST", "/lfs/verify", self.verify),
            ("commit", "POST", "/commit/main", self.commit),
        ):
            if request.method == method and path.endswith(end):
                return self.do(step, request, handle)
        if request.method == "PUT" and path.startswith("/lfs/store/"):
            return self.do("store", request, self.store)
        if request.method == "GET" and path.startswith("/api/models/"):
            return self.do("look", request, self.look)
        if request.method == "GET" and "/resolve/" in path:
            return self.do("resolve", request, self.resolve)
        return Answer(501)

    def do(self, step: str, request: Request, handle: Callable[[Request], Answer]) -> Answer:
        self.steps.append(step)
        if step != "store" and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
        return self.trouble(step, request) or handle(request)

    def repository(self, request: Request) -> Repository | None:
        parts = request.path.removeprefix("/api/models").strip("/").split("/")
        return self.repositories.get(f"{parts[0]}/{parts[1].removesuffix('.git')}")

    def look(self, request: Request) -> Answer:
        repository = self.repository(request)
        if repository is None:
            return Answer(404, headers={"X-Error-Code": "RepoNotFound"})
        asked = request.file
        name = request.path.removeprefix("/api/models").strip("/").split("/")[1]
        found = [(c, t) for c, t in repository.commits if asked in (c, "main", name)]
        commit, tree = found[-1] if found else ("0" * 40, {})
        files = [{"rfilename": name} for name in tree]
        return said({"id": REPO, "sha": commit, "private": repository.private, "siblings": files})

    def resolve(self, request: Request) -> Answer:
        *_, commit, name = request.path.split("/")
        repository = self.repository(request)
        if repository is None:
            return Answer(404, headers={"X-Error-Code": "RepoNotFound"})
        trees = dict(repository.commits) | {"main": repository.head}
        return Answer(body=trees[commit][name], headers={"X-Repo-Commit": commit})

    def create(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        assert asked.get("type", "model") == "model"
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.repositories:
            return Answer(409)
        self.repositories[name] = Repository(private=asked.get("visibility") == "private")
        return said({"url": f"{self.endpoint}/{name}"})

    def card(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        assert asked["repoType"] == "model"
        if not asked["content"].startswith("---\n"):
            return said({"errors": [{"message": "there is no metadata"}]}, status=400)
        return said({"errors": [], "warnings": []})

    def preupload(self, request: Request) -> Answer:
        repository = self.repository(request)
        assert repository is not None
        files = []
        for file in json.loads(request.body)["files"]:
            large = file["path"].endswith(".safetensors")
            there = repository.head.get(file["path"])
            files.append(
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": None if there is None else oid(there, large=large),
                }
            )
        return said({"files": files})

    def batch(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        assert request.headers["accept"] == LFS and asked["operation"] == "upload"
        assert asked["hash_algo"] == "sha256"
        objects: list[dict[str, Any]] = []
        for file in asked["objects"]:
            objects.append(dict(file))
            if file["oid"] not in self.blobs:
                objects[-1]["actions"] = {
                    "upload": {"href": f"{self.endpoint}/lfs/store/{file['oid']}"},
                    "verify": {"href": f"{self.endpoint}/lfs/verify"},
                }
        return said({"transfer": "basic", "objects": objects})

    def store(self, request: Request) -> Answer:
        # Signed addresses of a storage server: the token has no business there.
        assert "authorization" not in request.headers
        if hashlib.sha256(request.body).hexdigest() != request.file:
            return Answer(400)
        self.blobs[request.file] = request.body
        return Answer()

    def verify(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        return Answer(200 if len(self.blobs.get(asked["oid"], b"")) == asked["size"] else 404)

    def commit(self, request: Request) -> Answer:
        repository = self.repository(request)
        assert repository is not None
        header, *operations = [json.loads(line) for line in request.body.splitlines()]
        assert header["key"] == "header" and header["value"]["summary"]
        tree = dict(repository.head)
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "deletedFile":
                del tree[value["path"]]
            elif operation["key"] == "lfsFile":
                if len(self.blobs.get(value["oid"], b"")) != value["size"]:
                    return said({"error": "LFS pointer to nothing"}, status=400)
                tree[value["path"]] = self.blobs[value["oid"]]
            else:
                assert operation["key"] == "file" and value["encoding"] == "base64"
                tree[value["path"]] = base64.b64decode(value["content"])
        commit = hashlib.sha1(request.body).hexdigest()
        repository.commits.append((commit, tree))
        there = {"commitUrl": f"{self.endpoint}/{REPO}/commit/{commit}", "commitOid": commit}
        if "create_pr=1" in request.path:
            there["pullRequestUrl"] = f"{self.endpoint}/{REPO}/discussions/1"
        return said(there)


@contextmanager
def running(hub: Hub, patch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a Hub; whoever asks for one is pointed there, and nobody waits between attempts."""
    patch.setattr("time.sleep", lambda seconds: None)
    with local_hub(hub) as local:
        hub.endpoint = local.endpoint
        patch.setenv("HF_ENDPOINT", local.endpoint)
        patch.setenv("HF_TOKEN", TOKEN)
        yield hub


def said(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def oid(content: bytes, *, large: bool) -> str:
    if large:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def at(step: str, answer: Answer) -> Callable[[str, Request], Answer | None]:
    return lambda current, request: answer if current == step else None
