"""Presets that have to fit something: the exhibit's room for weights, the data, a GPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from albumjudge.skipgan import SkipGenerator
from albumjudge.styled import StyledGenerator
from training.projected import ProjectedDiscriminator

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from tests.cover_folders import cover_folder
from training.generator import dcgan_trainer as generator_trainer
from training.generator.presets import PRESETS
from training.train_dcgan import main

MOST = 25_000_000
"""Bytes that a generator's weights may have in half precision."""


@pytest.mark.parametrize(
    "preset", [name for name, p in PRESETS.items() if p.recipe in ("projected", "styled")]
)
def test_a_generators_weights_can_be_carried_away(preset: str) -> None:
    config = PRESETS[preset]
    kind = StyledGenerator if config.recipe == "styled" else SkipGenerator
    with torch.device("meta"):
        generator = kind(config.latent_size, config.width, config.size)
    numbers = sum(value.numel() for value in generator.state_dict().values())
    assert 0.3 * MOST < 2 * numbers <= MOST


def test_projected_128_trains_and_paints_at_128(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few steps of narrow networks, on the real features."""
    monkeypatch.setattr(generator_trainer, "CALIBRATION_BATCHES", 1)
    narrow = partial(ProjectedDiscriminator, width=4)
    monkeypatch.setattr(generator_trainer, "ProjectedDiscriminator", narrow)
    folder = cover_folder(tmp_path / "covers", 10, size=128)
    options: dict[str, object] = {
        "width": 2,
        "batch": 4,
        "held-out": 2,
        "epochs": 2,
        "watch-first": 4,
        "threads": 1,
    }
    options |= {"device": "cpu", "precision": "fp32", "preset": "projected-128"}
    command = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    out = tmp_path / "run"
    assert main(["--data", str(folder), "--out", str(out), *command]) == 0, capsys.readouterr().err
    checkpoint = read_checkpoint(out / "checkpoint", "generator")
    assert checkpoint.name == "projected-128"
    assert [line["images_seen"] for line in checkpoint.history] == [8, 16]
    generator = load_generator(checkpoint)
    assert isinstance(generator, SkipGenerator)
    painted = generator(torch.randn(2, 100), torch.tensor([0, 1]), torch.tensor([2, 0]))
    assert painted.shape == (2, 3, 128, 128)
    assert painted.isfinite().all()
    assert generator.genre.weight.isfinite().all()
