"""What TensorBoard is told about a run, also about one that was killed, and what speed and memory are noted."""

from __future__ import annotations

import json
import resource
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.cover_folders import cover_folder
from training import train_dcgan as train_generator
from training.data.covers import CoverSet, load_covers
from training.engine.hardware import peak_memory
from training.engine.tensorboard import GROUPS, Board
from training.generator import dcgan_trainer as generator_trainer
from training.generator.presets import GeneratorConfig
from training.train_dcgan import train

CONFIG = GeneratorConfig(source=None, size=8, epochs=3, batch=4, latent_size=4, width=2, average_half_life=20)


@pytest.fixture(scope="module")
def covers(tmp_path_factory: pytest.TempPathFactory) -> CoverSet:
    return load_covers(cover_folder(tmp_path_factory.mktemp("data") / "covers", 14), size=8)


@pytest.fixture(autouse=True)
def quick_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_trainer, "CALIBRATION_BATCHES", 1)


def told(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()


def line_of(images_seen: int, value: float) -> dict[str, float]:
    return {"images_seen": images_seen} | dict.fromkeys(GROUPS, value)


def test_every_epochs_curves_and_samples_are_on_the_board(covers: CoverSet, tmp_path: Path) -> None:
    train(CONFIG, covers, tmp_path, device=torch.device("cpu"))
    board = told(tmp_path / "tensorboard")
    history = json.loads((tmp_path / "checkpoint" / "history.json").read_text())
    drawn = {key: GROUPS[key] for key in GROUPS if key in history[0]}
    assert len(drawn) == 6 and set(board.Tags()["scalars"]) == set(drawn.values())
    for key, name in drawn.items():
        events = board.Scalars(name)
        assert [event.step for event in events] == [12, 24, 36]
        assert [event.value for event in events] == pytest.approx([line[key] for line in history])
    for event in board.Images("samples"):
        saved = tmp_path / "samples" / f"{event.step:08d}.png"
        with Image.open(BytesIO(event.encoded_image_string)) as shown, Image.open(saved) as kept:
            assert np.array_equal(np.asarray(shown), np.asarray(kept))
    assert [event.step for event in board.Images("samples")] == [0, 12, 24, 36]


@pytest.mark.parametrize("steps", [3, 4])
def test_a_run_that_went_on_shows_every_epoch_once(covers: CoverSet, tmp_path: Path, steps: int) -> None:
    assert train(CONFIG, covers, tmp_path, stop_after=steps) is None
    train(CONFIG, covers, tmp_path)
    board = told(tmp_path / "tensorboard")
    assert len(board.Tags()["scalars"]) == 6
    for name in board.Tags()["scalars"]:
        assert [event.step for event in board.Scalars(name)] == [12, 24, 36]
    assert [event.step for event in board.Images("samples")] == [0, 12, 24, 36]


def test_what_a_kill_lost_is_hidden_when_it_is_noted_again(tmp_path: Path) -> None:
    lost = Board(tmp_path, seen=0)
    for seen in (8, 16, 24):
        lost.add_epoch(line_of(seen, 1.0))
    lost.close()
    again = Board(tmp_path, seen=8)
    again.add_epoch(line_of(16, 2.0))
    again.close()
    for name in GROUPS.values():
        assert [(event.step, event.value) for event in told(tmp_path).Scalars(name)] == [(8, 1.0), (16, 2.0)]


def test_a_run_begun_anew_hides_what_the_old_one_said(tmp_path: Path) -> None:
    old = Board(tmp_path, seen=0)
    old.add_epoch(line_of(8, 1.0))
    old.close()
    new = Board(tmp_path, seen=0)
    new.add_epoch(line_of(4, 2.0))
    new.close()
    for name in GROUPS.values():
        assert [event.step for event in told(tmp_path).Scalars(name)] == [4]


def test_speed_counts_what_this_start_has_seen(
    covers: CoverSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that advances by two seconds with every step of four covers."""
    ticks = iter(range(0, 1000, 2))
    monkeypatch.setattr(train_generator, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert train(CONFIG, covers, tmp_path, stop_after=4) is None
    train(CONFIG, covers, tmp_path)
    history = json.loads((tmp_path / "checkpoint" / "history.json").read_text())
    assert [line["covers_per_second"] for line in history] == [2, 2, 2]
    # Of the second epoch one step was made before the stop.
    assert [line["seconds"] for line in history] == [6, 4, 6]


@pytest.mark.parametrize(("platform", "gigabytes"), [("linux", 2.048), ("darwin", 0.002)])
def test_memory_is_in_gigabytes_whatever_unit_the_system_counts_in(
    monkeypatch: pytest.MonkeyPatch, platform: str, gigabytes: float
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=2_000_000))
    assert peak_memory(torch.device("cpu")) == pytest.approx(gigabytes)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has a second opinion")
def test_memory_is_what_the_system_says_elsewhere() -> None:
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM")]
    most = int(line.split()[1]) * 1024 / 1e9
    # What was there before this program was loaded counts, too, in only one of the two.
    assert 0.95 * most <= peak_memory(torch.device("cpu")) < 10 * most


def test_memory_of_a_gpu_is_what_torch_allocated_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3_000_000_000 + device.index)
    assert peak_memory(torch.device("cuda", 1)) == pytest.approx(3.0)
