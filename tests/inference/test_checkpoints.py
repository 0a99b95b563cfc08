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
from albumjudge.inference.folders import BUNDLED, KINDS, CheckpointError, Kind
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from tests.checkpoint_fixtures import make_generator, make_judge


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_generator(tmp_path_factory.mktemp("sound"), name="dcgan-tiny", seed=3)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of a sound generator, to be spoiled."""
    return shutil.copytree(sound, tmp_path / "copy")


def read(folder: Path) -> dict[str, torch.Tensor]:
    return load((folder / "model.safetensors").read_bytes())


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def test_a_sound_folder_is_read_whole(folder: Path) -> None:
    (folder / "metrics.json").write_text('{"distance": 1.5}')
    (folder / "history.json").write_text('[{"epoch": 1}]')
    checkpoint = read_checkpoint(folder, "generator")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert checkpoint.revision == f"dcgan-tiny-{digest[:8]}"
    assert (checkpoint.kind, checkpoint.source, checkpoint.name) == ("generator", "directory", "dcgan-tiny")
    assert checkpoint.config == {"latent_size": 8, "width": 4, "size": 64}
    assert checkpoint.metrics == {"distance": 1.5} and checkpoint.history == [{"epoch": 1}]
    assert checkpoint.training["kind"] == "generator"


def test_metrics_and_history_may_be_absent(folder: Path) -> None:
    checkpoint = read_checkpoint(folder, "generator")
    assert checkpoint.metrics == {} and checkpoint.history == []


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


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickle_beside(folder: Path) -> None:
    torch.save(read(folder), folder / "pytorch_model.bin")
    no_weights(folder)


def pickle_inside(folder: Path) -> None:
    torch.save(read(folder), folder / "model.safetensors")


def old_pickle_inside(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"layers.0.weight": [1.0]}))


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def tensor_missing(folder: Path) -> None:
    tensors = read(folder)
    del tensors["layers.0.weight"]
    save_file(tensors, folder / "model.safetensors")


def tensor_unknown(folder: Path) -> None:
    save_file(read(folder) | {"extra": torch.zeros(1)}, folder / "model.safetensors")


def tensor_of_another_type(folder: Path) -> None:
    tensors = read(folder)
    save_file(
        tensors | {"layers.0.weight": tensors["layers.0.weight"].to(torch.int32)},
        folder / "model.safetensors",
    )


def config_of_another_width(folder: Path) -> None:
    edit(folder / "config.json", width=8)


def config_lacks(folder: Path) -> None:
    edit(folder / "config.json", latent_size=None)


def config_knows_more(folder: Path) -> None:
    edit(folder / "config.json", style="cubist")


def config_of_wrong_type(folder: Path) -> None:
    edit(folder / "config.json", width="4")


def config_impossible(folder: Path) -> None:
    edit(folder / "config.json", size=63)


def config_boundless(folder: Path) -> None:
    edit(folder / "config.json", latent_size=10**12, width=10**12)


def config_absent(folder: Path) -> None:
    (folder / "config.json").unlink()


def config_no_json(folder: Path) -> None:
    (folder / "config.json").write_text("<html>Please log in to this network.</html>")


def config_nested_without_end(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 200_000)


def config_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def no_training(folder: Path) -> None:
    (folder / "training.json").unlink()


def a_judge_says_training(folder: Path) -> None:
    edit(folder / "training.json", kind="judge")


def name_with_a_path(folder: Path) -> None:
    edit(folder / "training.json", name="../../etc")


def name_missing(folder: Path) -> None:
    edit(folder / "training.json", name=None)


def history_no_list(folder: Path) -> None:
    (folder / "history.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_folder, "There is no folder"),
        (no_weights, "has no model.safetensors"),
        (pickle_beside, r"a pickle \(pytorch_model.bin\)"),
        (pickle_inside, "is a pickle, not safetensors"),
        (old_pickle_inside, "is a pickle, not safetensors"),
        (cut_short, "is cut short or damaged"),
        (empty_weights, "is cut short or damaged"),
        (tensor_missing, "lacks layers.0.weight"),
        (tensor_unknown, "has extra, which Generator has not"),
        (tensor_of_another_type, "keeps layers.0.weight as I32"),
        (config_of_another_width, "the shape of layers.0.weight is"),
        (config_lacks, "config.json lacks latent_size"),
        (config_knows_more, "has style that Generator does not know"),
        (config_of_wrong_type, "width = '4', which is no int"),
        (config_impossible, "describes no Generator .*not 63"),
        (config_boundless, "describes no Generator"),
        (config_absent, "config.json cannot be read"),
        (config_no_json, "config.json is no JSON"),
        (config_nested_without_end, "config.json is no JSON"),
        (config_a_list, "holds a JSON list, not a dict"),
        (no_training, "training.json cannot be read"),
        (a_judge_says_training, "is not a generator but says it is a 'judge'"),
        (name_with_a_path, "names the checkpoint '../../etc'"),
        (name_missing, "names the checkpoint None"),
        (history_no_list, "history.json holds a JSON dict"),
    ],
)
def test_a_spoiled_folder_is_refused_with_a_sentence(
    folder: Path, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(folder)
    with pytest.raises(CheckpointError, match=says) as caught:
        read_checkpoint(folder, "generator")
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_numbers_that_are_not_finite_are_refused(folder: Path) -> None:
    tensors = read(folder)
    tensors["layers.1.weight"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not finite"):
        load_generator(read_checkpoint(folder, "generator"))


def test_weights_that_vanish_between_reading_and_loading_give_a_sentence(folder: Path) -> None:
    checkpoint = read_checkpoint(folder, "generator")
    (folder / "model.safetensors").unlink()
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
