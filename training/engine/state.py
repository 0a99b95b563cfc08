"""What a training run leaves behind: states to go on from, checkpoints to carry away. No pickles."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from albumjudge.metrics import with_ids
from training.data.covers import DataError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as indented UTF-8 JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def merge_metrics(checkpoint: Path, found: dict[str, object]) -> None:
    """Put ``found`` into ``checkpoint/metrics.json``, by id, and leave its other tables as they are.

    Raises:
        DataError: if the file there is not a JSON object.
    """
    path = checkpoint / "metrics.json"
    before = read_metrics(checkpoint)
    try:
        write_json(path, {**before, **with_ids(found)})
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be updated ({error}). Correct or delete it.") from error


def read_metrics(checkpoint: Path) -> dict[str, Any]:
    """The tables in ``checkpoint/metrics.json``, by id; empty where there is no such file.

    Raises:
        DataError: if the file is not a JSON object.
    """
    path = checkpoint / "metrics.json"
    try:
        return with_ids(dict(json.loads(path.read_text(encoding="utf-8")))) if path.is_file() else {}
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read or updated ({error}). Correct or delete it.") from error


def write_state(path: Path, tensors: dict[str, Tensor], notes: dict[str, object]) -> None:
    """Save tensors and JSON notes in one safetensors file; a kill while writing leaves the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, part, metadata={"notes": json.dumps(notes)})
    part.replace(path)


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Read what :func:`write_state` wrote.

    Raises:
        DataError: if there is no such file or it cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            notes: dict[str, object] = json.loads(file.metadata()["notes"])
            return {name: file.get_tensor(name) for name in file.keys()}, notes  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The saved state {path} cannot be read ({error}). Delete it to start anew."
        ) from error


def save_checkpoint(model: nn.Module, folder: Path, record: dict[str, object]) -> None:
    """Save a hub module in half precision with ``config.json`` and ``training.json`` (how it came about).

    Args:
        model: a :class:`PyTorchModelHubMixin` module; it is left as it was.
        record: what to note; library versions, processor and date are added.
    """
    assert isinstance(model, PyTorchModelHubMixin)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value.dtype for name, value in model.state_dict().items()}
    halved = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    assert kept.keys() == halved.keys()
    save_file(halved, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", model._hub_mixin_config)
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    write_json(folder / "training.json", record | made)
