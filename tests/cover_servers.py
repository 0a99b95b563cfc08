"""The iTunes Search API and archive.org in small, on localhost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import numpy as np
from PIL import Image

from tests.checkpoint_fixtures import Answer, Request

Respond = Callable[[Request], Answer]


def picture(seed: int, size: tuple[int, int] = (48, 48), form: str = "JPEG") -> bytes:
    """A picture file of blotches that no other seed has."""
    chance = np.random.default_rng(seed)
    blotches = Image.fromarray(chance.integers(0, 256, (6, 6, 3)).astype(np.uint8))
    file = io.BytesIO()
    blotches.resize(size, Image.Resampling.BICUBIC).save(file, form)
    return file.getvalue()


def archive(files: Mapping[str, bytes], item: str = "sleeves") -> Respond:
    """archive.org with one item."""

    def answer(request: Request) -> Answer:
        if request.path == f"/metadata/{item}":
            rows = [{"name": name, "source": "original"} for name in files]
            return Answer(body=json.dumps({"files": rows, "metadata": {}}).encode())
        if request.path.startswith("/metadata/"):
            return Answer(body=b"{}")
        for name, body in files.items():
            if request.path == f"/download/{item}/{quote(name)}":
                return Answer(body=body)
        return Answer(404)

    return answer


def album(number: int, **told: object) -> dict[str, object]:
    """A row of an answer of the iTunes Search API; ``told`` replaces or adds fields."""
    return {
        "collectionId": number,
        "artistName": "Miles Davis",
        "collectionName": f"Album {number}",
        "primaryGenreName": "Jazz",
        "releaseDate": "1959-08-17T07:00:00Z",
        "artworkUrl100": f"http://pictures.invalid/art/{number}/100x100bb.jpg",
        **told,
    }


def itunes(albums: Sequence[dict[str, object]]) -> Respond:
    """The Search API, which finds the same albums whatever one asks, and their artwork at any size."""

    def answer(request: Request) -> Answer:
        if request.path.startswith("/search?"):
            host = f"http://{request.headers['host']}"
            text = json.dumps({"resultCount": len(albums), "results": list(albums)})
            return Answer(body=text.replace("http://pictures.invalid", host).encode())
        number = int(request.path.split("/")[2])
        side = int(request.file.partition("x")[0])
        return Answer(body=picture(number, (side, side)))

    return answer
