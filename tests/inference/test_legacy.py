"""Checkpoints with the names of earlier versions are read as they were: the same revision, the same covers.

``tests/data/covers/old-64.json`` tells names and shapes of a flow painter's tensors in an earlier version,
the PNG beside it what that version painted with weights drawn by name.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.legacy import current_config, current_tensor
from albumjudge.inference.painter import Painter
from albumjudge.models.flow import FlowGenerator

DATA = Path(__file__).parents[1] / "data" / "covers"
OLD = json.loads((DATA / "old-64.json").read_text(encoding="utf-8"))


def drawn(name: str, shape: list[int]) -> torch.Tensor:
    numbers = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    return torch.from_numpy(numbers.astype(np.float32) * 0.2).half()


def test_an_old_flow_painter_keeps_its_revision_and_its_covers(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    save_file({name: drawn(name, shape) for name, shape in OLD["shapes"].items()}, weights)
    (tmp_path / "config.json").write_text(json.dumps(OLD["config"]))
    training = {"kind": "generator", "network": "SketchGenerator", "name": "old-64"}
    (tmp_path / "training.json").write_text(json.dumps(training))
    checkpoint = read_checkpoint(tmp_path, "generator")
    settings = {key: OLD["config"][key] for key in ("steps", "guidance", "insistence", "patience")}
    digest = hashlib.sha256(weights.read_bytes() + json.dumps(settings).encode()).hexdigest()
    assert checkpoint.revision == f"old-64-{digest[:8]}" and checkpoint.network == "FlowGenerator"
    painter = Painter(load_generator(checkpoint), checkpoint.revision)
    asked = [
        CoverIdentity.of(checkpoint.revision, seed, recipe)
        for seed, recipe in zip(OLD["seeds"], OLD["recipes"], strict=True)
    ]
    found = np.concatenate([cover.pixels for cover in painter.paint_each(asked)], 1).astype(int)
    with Image.open(DATA / "old-64.png") as sheet:
        difference = np.abs(found - np.asarray(sheet.convert("RGB")))
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_present_names_are_left_as_they_are() -> None:
    with torch.device("meta"):
        names = FlowGenerator(autoguidance_width=8).state_dict().keys()
    assert [current_tensor("FlowGenerator", name) for name in names] == list(names)
    config = {"latent_channels": 3, "guidance_scale": 2.0, "size": 64}
    assert current_config("FlowGenerator", config) == config
    assert current_config("Generator", {"depth": 3}) == {"depth": 3}
