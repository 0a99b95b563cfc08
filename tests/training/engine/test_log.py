"""What TensorBoard shows of a run, also of one that was killed; memory."""

from __future__ import annotations

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
from tests.training.trainers import make_trainer, small_networks
from training.data.covers import load_covers
from training.engine.hardware import peak_memory
from training.engine.log import RunLog
from training.engine.trainer import train


def read_board(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()


@pytest.mark.parametrize("stop", [None, 3, 4])
def test_every_epoch_and_sample_is_shown_once_also_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int | None
) -> None:
    small_networks(monkeypatch)
    covers = load_covers(cover_folder(tmp_path / "covers", 9), size=8)
    if stop:
        assert not train(make_trainer("dcgan", covers), tmp_path, stop_after=stop)
    trainer = make_trainer("dcgan", covers)
    train(trainer, tmp_path)
    board = read_board(tmp_path / "tensorboard")
    keys = (*trainer.metrics, "covers_per_second", "peak_memory_gb")
    drawn = {key: key.replace("loss_", "loss/") for key in keys}
    assert set(board.Tags()["scalars"]) == set(drawn.values())
    for key, name in drawn.items():
        events = board.Scalars(name)
        assert [event.step for event in events] == [8, 16, 24]
        assert all(event.value > 0 for event in events)
        if key in trainer.metrics:
            assert [event.value for event in events] == pytest.approx([line[key] for line in trainer.history])
    images = board.Images("samples")
    assert [event.step for event in images] == [0, 8, 16, 24]
    for event in images:
        saved = tmp_path / "samples" / f"{event.step:08d}.png"
        with Image.open(BytesIO(event.encoded_image_string)) as shown, Image.open(saved) as kept:
            assert np.array_equal(np.asarray(shown), np.asarray(kept))


def test_what_a_kill_lost_is_hidden_when_it_is_noted_again(tmp_path: Path) -> None:
    lost = RunLog(tmp_path, seen=0)
    for seen in (8, 16, 24):
        lost.add_epoch({"images_seen": seen, "gap": 1.0}, memory=0.5)
    lost.close()
    again = RunLog(tmp_path, seen=8)
    again.add_epoch({"images_seen": 16, "gap": 2.0}, memory=0.5)
    again.close()
    found = read_board(tmp_path / "tensorboard").Scalars("gap")
    assert [(event.step, event.value) for event in found] == [(8, 1.0), (16, 2.0)]


@pytest.mark.parametrize(("platform", "gigabytes"), [("linux", 2.048), ("darwin", 0.002), ("win32", 0)])
def test_memory_is_in_gigabytes_whatever_unit_the_system_counts_in(
    monkeypatch: pytest.MonkeyPatch, platform: str, gigabytes: float
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=2_000_000))
    assert peak_memory(torch.device("cpu")) == pytest.approx(gigabytes)


def test_memory_of_a_gpu_is_what_torch_allocated_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3_000_000_000 + device.index)
    assert peak_memory(torch.device("cuda", 1)) == pytest.approx(3.0)
