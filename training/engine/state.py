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

from training.data.files import written_whole
from training.data.images import DataError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as indented UTF-8 JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object, None if there is no such file.

    Raises:
        DataError: if the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}). Correct or delete it.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object. Correct or delete it.")
    return content


def read_metrics(checkpoint: Path) -> dict[str, Any]:
    """The tables in ``checkpoint/metrics.json``, by id; empty where there is no such file.

    Raises:
        DataError: if the file is not a JSON object.
    """
    return read_object(checkpoint / "metrics.json") or {}


def merge_metrics(checkpoint: Path, found: dict[str, object]) -> None:
    """Put ``found`` into ``checkpoint/metrics.json``, by id, and leave its other tables as they are.

    Raises:
        DataError: if the file there is not a JSON object.
    """
    write_json(checkpoint / "metrics.json", {**read_metrics(checkpoint), **found})


def write_state(path: Path, tensors: dict[str, Tensor], notes: dict[str, object]) -> None:
    """Save tensors and JSON notes in one safetensors file; a kill while writing leaves the old file whole."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with written_whole(path) as part:
        save_file(contiguous, part, metadata={"notes": json.dumps(notes)})


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_state` wrote.

    Raises:
        DataError: if there is no such file or it cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            notes = json.loads(file.metadata()["notes"])
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
    halved = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(halved, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", model._hub_mixin_config)
    made = {
        "date": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    write_json(folder / "training.json", record | made)
