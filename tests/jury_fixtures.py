"""Small data sets for the jury's scripts: paintings of two colours, others like them, random convolutions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from albumjudge.models.vgg16 import VGG16Features

COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
VOTES = {"red": (1, 9, 0, 0, 2, 1, 1, 0), "blue": (0, 0, 4, 8, 0, 0, 0, 2)}
COUNT = 24
OTHERS = 30


def make_paintings(root: Path) -> Path:
    """Write a folder as published."""
    names = [f"abstract_{number:04d}.jpg" for number in range(1, COUNT + 1)]
    (root / "Images").mkdir(parents=True)
    lines = ["'file_path','Amusement','Anger','Awe','Content','Disgust','Excitement','Fear','Sad'"]
    chance = np.random.default_rng(0)
    for i, name in enumerate(names):
        colour = "red" if i % 2 else "blue"
        picture(colour, chance).save(root / "Images" / name)
        votes = np.array(VOTES[colour]) + chance.integers(0, 2, 8)
        lines.append(f"'{name}'," + ",".join(map(str, votes)))
    (root / "ABSTRACT_groundTruth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def make_others(root: Path) -> Path:
    """Write a folder of other paintings, on half of which nobody was asked about anger; blue is pleasant."""
    root.mkdir(parents=True)
    lines = ["file_name,bws_anger,wikiart_trust,wikiart_anger"]
    chance = np.random.default_rng(1)
    for i in range(OTHERS):
        red = bool(i % 2)
        picture("red" if red else "blue", chance).save(root / f"{i}.png")
        anger = f"{(0.8 if red else -0.8) + chance.normal(0, 0.1):.3f}" if i % 4 < 2 else ""
        trust, wikiart = chance.random(2) / 4 + (np.array([0, 0.5]) if red else np.array([0.5, 0]))
        lines.append(f"{i}.png,{anger},{trust:.3f},{wikiart:.3f}")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def make_trunk(file: Path) -> Path:
    """Write VGG16's convolutions with random weights."""
    torch.manual_seed(5)
    weights = {f"features.{k}": v for k, v in VGG16Features().features.state_dict().items()}
    save_file(weights, file)
    return file


def jury_options(root: Path, out: str) -> list[str]:
    """The options of a script that takes both data sets."""
    given = {"--data": "abstract", "--others": "others", "--features": "trunk.safetensors", "--out": out}
    return [word for option, name in given.items() for word in (option, str(root / name))]


def picture(colour: str, chance: np.random.Generator) -> Image.Image:
    noisy = np.array(COLOURS[colour]) + chance.normal(0, 25, (64, 64, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
