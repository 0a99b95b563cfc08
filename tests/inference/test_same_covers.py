"""Links keep painting the same covers, verdicts stay the same: against what earlier versions painted and judged.

``tests/data/covers`` holds covers painted in float64 before names were changed, and verdicts of the bundled jury.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import BUNDLED
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter

DATA = Path(__file__).parents[1] / "data" / "covers"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
CHECKPOINTS = BUNDLED["generator"].parent
MOST_DIFFERENT = 1e-4
"""Share of values that may be one grey level apart."""


def stored(name: str) -> list[Cover]:
    """Covers as they were painted in float64."""
    links = EXPECTED["painters"][name]
    with Image.open(DATA / f"{name}.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    parts = np.split(pixels, len(links), axis=1)
    return [Cover(CoverIdentity.parse(link), part) for link, part in zip(links, parts, strict=True)]


def opened(name: str) -> Painter:
    """The bundled painter of this name, wherever it lies."""
    folders = sorted(path.parent for path in CHECKPOINTS.glob("generator*/model.safetensors"))
    (checkpoint,) = [c for folder in folders if (c := read_checkpoint(folder, "generator")).name == name]
    return Painter(load_generator(checkpoint), checkpoint.revision)


def stacked(covers: list[Cover]) -> NDArray[np.int16]:
    return np.stack([cover.pixels for cover in covers]).astype(np.int16)


def assert_same(one: NDArray[np.int16], other: NDArray[np.int16]) -> None:
    difference = np.abs(one - other)
    assert difference.max() <= 1
    assert (difference > 0).mean() < MOST_DIFFERENT


@pytest.fixture(params=list(EXPECTED["painters"]), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    asked: str = request.param
    return asked


@pytest.fixture(scope="module")
def painter(name: str) -> Painter:
    return opened(name)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_links_of_earlier_versions_paint_the_same_covers(name: str, painter: Painter) -> None:
    """Revisions are part of the links."""
    covers = stored(name)
    assert {cover.identity.generator for cover in covers} == {painter.revision}
    assert_same(stacked(covers), stacked(painter.paint_each([cover.identity for cover in covers])))


@pytest.mark.slow
@pytest.mark.usefixtures("threads")
def test_batch_size_threads_and_memory_format_hardly_change_a_value(name: str, painter: Painter) -> None:
    identities = [CoverIdentity(painter.revision, seed) for seed in range(6 if painter.conditional else 32)]
    together = stacked(painter.paint_each(identities))
    alone = stacked([painter.paint_each([identity])[0] for identity in identities])
    assert_same(together, alone)
    torch.set_num_threads(3 - min(2, torch.get_num_threads()))
    assert_same(together, stacked(painter.paint_each(identities)))
    planar = opened(name)
    planar.network.to(memory_format=torch.contiguous_format)
    assert_same(together, stacked(planar.paint_each(identities)))


def test_verdicts_are_those_of_earlier_versions() -> None:
    checkpoint = read_checkpoint(BUNDLED["judge"], "judge")
    judge, expected = Judge(load_judge(checkpoint), checkpoint.revision), EXPECTED["judges"]["judge"]
    verdicts = judge.judge(stored("dcgan-plain"))
    assert judge.revision == expected["revision"] and list(judge.juror_names) == expected["jurors"]
    found = np.array([verdict.probabilities for verdict in verdicts])
    np.testing.assert_allclose(found, expected["shares"], atol=0.01)
