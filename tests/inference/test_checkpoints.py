"""What counts as a checkpoint, and what is refused."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save_file

from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import BUNDLED, KINDS, WEIGHTS, CheckpointError, Kind
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from tests.checkpoint_fixtures import make_generator, make_judge, make_painter_to_order

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_generator(tmp_path_factory.mktemp("sound"), name="dcgan-tiny", seed=3)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of a sound generator, to be spoiled."""
    return shutil.copytree(sound, tmp_path / "copy")


def read(folder: Path) -> dict[str, torch.Tensor]:
    return load((folder / WEIGHTS).read_bytes())


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_a_sound_folder_is_read_whole(folder: Path) -> None:
    (folder / "metrics.json").write_text('{"distance": 1.5}')
    (folder / "history.json").write_text('[{"epoch": 1}]')
    checkpoint = read_checkpoint(folder, "generator")
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert checkpoint.revision == f"dcgan-tiny-{digest[:8]}"
    assert (checkpoint.kind, checkpoint.source, checkpoint.name) == ("generator", "directory", "dcgan-tiny")
    assert checkpoint.config == {"latent_size": 8, "width": 4, "size": 64}
    assert checkpoint.metrics == {"distance": 1.5} and checkpoint.history == [{"epoch": 1}]
    assert checkpoint.training["kind"] == "generator"


def test_settings_that_change_what_weights_paint_change_the_revision(tmp_path: Path) -> None:
    folder, revisions = make_painter_to_order(tmp_path), set()
    for scale in (5.0, 2.0):
        edit(folder / "config.json", guidance_scale=scale)
        revisions.add(read_checkpoint(folder, "generator").revision)
    assert len(revisions) == 2 and all(revision.startswith("orderly-") for revision in revisions)


def test_the_loaded_generator_is_ready_for_use(folder: Path) -> None:
    generator = load_generator(read_checkpoint(folder, "generator"))
    saved = read(folder)
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, saved[name].to(tensor.dtype)), name
        assert tensor.dtype in (torch.float32, torch.int64)
    with torch.inference_mode():
        assert generator(torch.zeros(1, 8)).shape == (1, 3, 64, 64)


def test_the_loaded_judge_has_its_weights_and_its_input_normalisation(tmp_path: Path) -> None:
    judge = load_judge(read_checkpoint(make_judge(tmp_path, favourite=5), "judge"))
    assert isinstance(judge, VGG16EmotionClassifier)
    assert judge.head.bias.tolist() == [0, 0, 0, 0, 0, 2, 0, 0]
    with torch.device("meta"):
        names = dict(VGG16EmotionClassifier().named_buffers()).keys()
    assert dict(judge.named_buffers()).keys() == names
    # No part of the weights, so it must come from the constructor and not from chance.
    assert judge.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert judge.sd.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])


def pickled(folder: Path) -> None:
    torch.save(read(folder), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def edited(file: str, **changes: Any) -> Spoil:
    return lambda folder: edit(folder / file, **changes)


def holding(file: str, content: bytes) -> Spoil:
    return lambda folder: (folder / file).write_bytes(content)


def tensors(**changes: torch.Tensor | None) -> Spoil:
    def spoil(folder: Path) -> None:
        found = {**read(folder), **{name.replace("__", "."): value for name, value in changes.items()}}
        kept = {name: value for name, value in found.items() if value is not None}
        save_file(kept, folder / WEIGHTS)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (shutil.rmtree, "There is no folder"),
        (lambda folder: (folder / WEIGHTS).unlink(), "has no model.safetensors"),
        (pickled, r"a pickle \(pytorch_model.bin\)"),
        (lambda folder: torch.save(read(folder), folder / WEIGHTS), "is a pickle, not safetensors"),
        (holding(WEIGHTS, pickle.dumps({"layers.0.weight": [1.0]})), "is a pickle, not safetensors"),
        (
            lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100]),
            "is cut short or damaged",
        ),
        (holding(WEIGHTS, b""), "is cut short or damaged"),
        (tensors(layers__0__weight=None), "lacks layers.0.weight"),
        (tensors(extra=torch.zeros(1)), "has extra, which Generator has not"),
        (
            tensors(layers__0__weight=torch.zeros(8, 32, 4, 4, dtype=torch.int32)),
            "keeps layers.0.weight as I32",
        ),
        (edited("config.json", width=8), "the shape of layers.0.weight is"),
        (edited("config.json", latent_size=None), "config.json lacks latent_size"),
        (edited("config.json", style="cubist"), "has style that Generator does not know"),
        (edited("config.json", width="4"), "width = '4', which is no int"),
        (edited("config.json", size=63), "describes no Generator .*not 63"),
        (edited("config.json", latent_size=10**12, width=10**12), "describes no Generator"),
        (lambda folder: (folder / "config.json").unlink(), "config.json cannot be read"),
        (holding("config.json", b"<html>Please log in to this network.</html>"), "config.json is no JSON"),
        (holding("config.json", b"[" * 200_000), "config.json is no JSON"),
        (holding("config.json", b"[]"), "holds a JSON list, not a dict"),
        (lambda folder: (folder / "training.json").unlink(), "training.json cannot be read"),
        (edited("training.json", kind="judge"), "is not a generator but says it is a 'judge'"),
        (edited("training.json", name="../../etc"), "names the checkpoint '../../etc'"),
        (edited("training.json", name=None), "names the checkpoint None"),
        (edited("training.json", network="Transformer"), "holds a 'Transformer'; a generator is a"),
        (holding("history.json", b"{}"), "history.json holds a JSON dict"),
    ],
)
def test_a_spoiled_folder_is_refused_with_a_sentence(folder: Path, spoil: Spoil, says: str) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError, match=says) as caught:
        read_checkpoint(folder, "generator")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_weights_that_are_not_finite_or_vanish_before_loading_give_a_sentence(folder: Path) -> None:
    tensors = read(folder)
    tensors["layers.1.weight"][0] = float("nan")
    save_file(tensors, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match="not finite"):
        load_generator(read_checkpoint(folder, "generator"))
    checkpoint = read_checkpoint(folder, "generator")
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_generator(checkpoint)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bundled_checkpoints_load(kind: Kind) -> None:
    """The one test that needs the real weights: they are what a fresh clone shows."""
    checkpoint = read_checkpoint(BUNDLED[kind], kind, "bundled")
    network = load_generator(checkpoint) if kind == "generator" else load_judge(checkpoint)
    assert network.size == 64
    assert checkpoint.metrics
    assert (checkpoint.directory / "README.md").is_file()


@pytest.mark.slow
def test_bundled_networks_are_verified_and_loaded_without_pytorchs_compiler() -> None:
    code = (
        "import sys; from albumjudge.inference.checkpoints import *\n"
        "from albumjudge.inference.folders import BUNDLED\n"
        "load_generator(read_checkpoint(BUNDLED['generator'], 'generator'))\n"
        "load_judge(read_checkpoint(BUNDLED['judge'], 'judge'))\n"
        "assert not {'torch._dynamo', 'torchvision', 'sympy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
