"""The training film: cut from samples, shown frame by frame."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from albumjudge.inference.film import FILM, FRAMES, read_film
from training.engine.state import write_state
from training.generator.dcgan_trainer import DcganConfig
from training.reports.film import cut, frames_of, log_spaced, main

SIZE = 8


def run(folder: Path, moments: list[int], *, recipe: str = "dcgan", seed: int = 1) -> Path:
    """A run that left sheets of 8 by 2 pictures, each of one grey level."""
    config = DcganConfig(recipe=recipe, seed=seed, size=SIZE)
    write_state(folder / "state.safetensors", {}, {"config": asdict(config)})
    (folder / "samples").mkdir()
    for number, seen in enumerate(moments):
        levels = np.arange(16, dtype=np.uint8).reshape(2, 8) * 5 + 50 * number
        pixels = levels.repeat(SIZE, 0).repeat(SIZE, 1)[:, :, None].repeat(3, 2)
        Image.fromarray(pixels).save(folder / "samples" / f"{seen:08d}.png")
    return folder


def test_a_film_of_two_runs_goes_on_where_the_first_was_left_in_the_order_of_the_sheets(
    tmp_path: Path,
) -> None:
    first = run(tmp_path / "first", [0, 256, 512])
    second = run(tmp_path / "second", [0, 256, 1000], recipe="flow")
    assert main(["--out", str(tmp_path), str(first), str(second)]) == 0
    film = read_film(tmp_path)
    moments = [(0, "dcgan"), (256, "dcgan"), (512, "dcgan"), (768, "flow"), (1512, "flow")]
    assert [(moment.covers_seen, moment.recipe) for moment in film] == moments
    with Image.open(io.BytesIO(film[1].png)) as picture:
        assert picture.size == (4 * SIZE, 4 * SIZE)
        # Sheets are eight wide, the film four: the fifth picture opens its picture row.
        assert np.asarray(picture)[SIZE + 4, 4].tolist() == pytest.approx([70] * 3, abs=3)
    (frame,) = frames_of([run(tmp_path / "run", [0])])
    levels = np.asarray(cut(frame))[SIZE // 2 :: SIZE, SIZE // 2 :: SIZE, 0]
    assert levels.flatten().tolist() == [5 * k for k in range(16)]


def test_moments_are_evenly_far_apart_in_their_logarithms() -> None:
    seen = [0, *range(256, 256 * 1025, 256)]
    chosen = [seen[place] for place in log_spaced(seen, 6)]
    assert (chosen[0], chosen[1], chosen[-1], len(chosen)) == (0, 256, 262144, 6)
    steps = np.diff(np.log(chosen[1:]))
    assert steps == pytest.approx(steps.mean(), rel=0.1)
    assert log_spaced([0, 5, 9], 6) == [0, 1, 2]


def test_runs_of_other_latents_make_no_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [run(tmp_path / "a", [0, 256]), run(tmp_path / "b", [0, 256], seed=2)]
    assert main(["--out", str(tmp_path), *map(str, runs)]) == 1
    assert "different latents" in capsys.readouterr().err
    (tmp_path / "c").mkdir()
    write_state(tmp_path / "c" / "state.safetensors", {}, {"config": asdict(DcganConfig())})
    assert main(["--out", str(tmp_path), str(tmp_path / "c")]) == 1
    assert "holds no samples" in capsys.readouterr().err


@pytest.mark.parametrize("spoil", ["no film", "no moments", "too few", "no picture", "no list"])
def test_a_film_that_cannot_be_shown_is_none(tmp_path: Path, spoil: str) -> None:
    assert main(["--out", str(tmp_path), str(run(tmp_path / "run", [0, 256, 512]))]) == 0
    assert len(read_film(tmp_path)) == 3
    if spoil == "no film":
        (tmp_path / FILM).unlink()
    elif spoil == "no moments":
        (tmp_path / FRAMES).unlink()
    elif spoil == "too few":
        (tmp_path / FRAMES).write_text(json.dumps([{"covers_seen": 1, "recipe": "x"}]))
    elif spoil == "no picture":
        (tmp_path / FILM).write_bytes(b"RIFF")
    else:
        (tmp_path / FRAMES).write_text("3")
    assert read_film(tmp_path) == ()
