"""What training leaves behind can be read again, whole or not at all, and holds no pickle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.dcgan import Generator
from training.data.covers import DataError
from training.engine.state import read_state, save_checkpoint, write_json, write_state, write_text


def test_states_and_texts_come_back_as_they_were_from_folders_that_did_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.safetensors"
    tensors = {
        "floats": torch.randn(3, 4).t(),
        "scalar": torch.tensor(5, dtype=torch.int64),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "doubles": torch.tensor([1 / 3], dtype=torch.float64, requires_grad=True),
    }
    write_state(path, tensors, {"step": 3, "history": [{"a": 0.1}], "config": {"source": None}})
    found, notes = read_state(path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    assert notes == {"step": 3, "history": [{"a": 0.1}], "config": {"source": None}}
    assert [file.name for file in path.parent.iterdir()] == ["state.safetensors"]
    write_text(tmp_path / "a" / "b" / "README.md", "– hello –\n")
    assert (tmp_path / "a" / "b" / "README.md").read_bytes() == "– hello –\n".encode()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.safetensors"
    write_state(path, {"a": torch.tensor([1.0])}, {})

    def dies_half_way(_tensors: object, file: Path, **_: object) -> None:
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("training.engine.state.save_file", dies_half_way)
    with pytest.raises(OSError, match="No space left"):
        write_state(path, {"a": torch.tensor([2.0])}, {})
    assert read_state(path)[0]["a"].item() == 1.0
    path = tmp_path / "metrics.json"
    write_json(path, {"name": "Björk"})
    with pytest.raises(TypeError):
        write_json(path, {"name": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Björk"}
    assert "Björk" in path.read_text(encoding="utf-8")


def broken_states(folder: Path) -> dict[str, Path]:
    """Files that are no state, by what is wrong with them."""
    whole = folder / "whole"
    write_state(whole, {"a": torch.zeros(100)}, {"step": 1})
    files = {
        name: folder / name for name in ("none", "short", "text", "without notes", "bad notes", "pickle")
    }
    files["short"].write_bytes(whole.read_bytes()[:-50])
    files["text"].write_text("not safetensors at all")
    save_file({"a": torch.zeros(1)}, files["without notes"])
    save_file({"a": torch.zeros(1)}, files["bad notes"], metadata={"notes": "{"})
    torch.save({"a": torch.zeros(1)}, files["pickle"])
    return files


def test_every_broken_state_gives_a_sentence(tmp_path: Path) -> None:
    for name, path in broken_states(tmp_path).items():
        with pytest.raises(DataError, match=f"saved state .*{name} cannot be read .*Delete it to start anew"):
            read_state(path)


def test_a_checkpoint_is_half_precision_and_is_what_the_exhibit_loads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = Generator(latent_size=5, width=2, size=16).eval()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    save_checkpoint(generator, tmp_path, {"kind": "generator", "name": "dcgan-test"})

    for name, value in generator.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118
            expected = torch.float16 if before[name].is_floating_point() else before[name].dtype
            assert file.get_tensor(name).dtype == expected
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["name"] == "dcgan-test"
    assert {"date", "torch", "python"} <= record.keys()
    assert json.loads((tmp_path / "config.json").read_text()) == {"latent_size": 5, "width": 2, "size": 16}

    loaded = load_generator(read_checkpoint(tmp_path, "generator"))
    latents = torch.randn(2, 5)
    with torch.no_grad():
        assert torch.allclose(loaded(latents), generator(latents), atol=2e-3)
