"""Prints: what is drawn again is not encoded again, and labels call painters by plain names."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.inference.folders import BUNDLED
from albumjudge.ui import colours, names, prints


@pytest.fixture
def cover() -> Cover:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    return Cover(CoverIdentity("dcgan-seed-0123abcd", 7, "jazz", "1970s"), pixels)


def test_a_cover_is_encoded_and_its_colours_are_named_once(
    cover: Cover, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prints.framed(cover, size="wall")
    monkeypatch.setattr(Cover, "png", None)
    monkeypatch.setattr(colours, "in_words", None)
    assert prints.framed(cover, size="wall") == first


def test_painters_have_plain_names_that_tell_them_apart(cover: Cover) -> None:
    assert prints.label_lines(cover) == "No. 000007 · The DCGAN of 2019 · asked for 1970s jazz"
    assert "0123abcd" not in prints.framed(cover, size="large")
    training = json.loads((BUNDLED["generator"] / "training.json").read_text("utf-8"))
    teacher = training["teacher"].rsplit("-", 1)[0]  # As votes of earlier versions call it.
    assert names.titles([f"{teacher}-00000000", "dcgan-plain-0", f"{teacher}-11111111"]) == {
        f"{teacher}-00000000": "Flow painter",
        "dcgan-plain-0": "DCGAN, more covers",
        f"{teacher}-11111111": "Flow painter (2)",
    }
    assert names.title("mine-00000000") == "mine"
    assert names.sentence_form("vgg16-jury-00000000") == "the jury"


def test_a_run_is_not_followed_by_a_search_of_the_whole_heap() -> None:
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["runner"]["postScriptGC"] is False
