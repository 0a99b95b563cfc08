"""Checkpoints: folders of weights that anyone may have made, verified before a network is built from them."""

from __future__ import annotations

import inspect
import shutil
import tempfile
import time
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import nn
from torch.overrides import TorchFunctionMode

from albumjudge.domain.hub_address import HubAddress
from albumjudge.inference.folders import (
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    Kind,
    Source,
    cache_folder,
    describe,
)
from albumjudge.inference.hub import fetch
from albumjudge.inference.judge import JudgeNetwork
from albumjudge.inference.painter import GeneratorNetwork
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.multitask_jury import MultitaskJury
from albumjudge.models.one_step import OneStepGenerator
from albumjudge.models.vgg16 import VGG16EmotionClassifier

NETWORKS: dict[Kind, dict[str, type[nn.Module]]] = {
    "generator": {network.__name__: network for network in (Generator, FlowGenerator, OneStepGenerator)},
    "judge": {network.__name__: network for network in (VGG16EmotionClassifier, MultitaskJury)},
}
"""By kind and by the name that training.json gives as ``network``; where it gives none the first is meant."""
_FLOATS = {"F16", "BF16", "F32", "F64"}
_ABANDONED = 24 * 3600.0


def read_checkpoint(directory: Path, kind: Kind, source: Source = "directory") -> Checkpoint:
    """Verify a folder without building the network in memory.

    Its weights must be safetensors whose names, shapes and types are those of the network that config.json
    describes, config.json must hold exactly the constructor's arguments, training.json must say what it is.

    Raises:
        CheckpointError: if anything of that is not so.
    """
    found = describe(directory, kind, source)
    known = NETWORKS[kind]
    network = known.get(found.network or next(iter(known)))
    if network is None:
        raise CheckpointError(
            f"{directory} holds a {found.network!r}; a {kind} is a {' or a '.join(known)}. "
            "Perhaps it was made by a newer version of albumjudge."
        )
    _check_config(directory / "config.json", found.config, network)
    _check_tensors(directory / WEIGHTS, found.config, network)
    return replace(found, network=network.__name__)


def load_generator(checkpoint: Checkpoint) -> GeneratorNetwork:
    """Build the network of a verified checkpoint, for use: evaluation mode, float32, no gradients.

    Raises:
        CheckpointError: if the folder has changed for the worse since it was verified.
    """
    network = _load(checkpoint)
    assert isinstance(network, GeneratorNetwork)
    return network


def load_judge(checkpoint: Checkpoint) -> JudgeNetwork:
    """As :func:`load_generator`, for a judge."""
    network = _load(checkpoint)
    assert isinstance(network, JudgeNetwork)
    return network


def cached(address: HubAddress, cache: Path, kind: Kind) -> Checkpoint | None:
    """The checkpoint that was fetched from the Hub before, or None if there is none that is whole."""
    folder = cache_folder(address, cache)
    try:
        return read_checkpoint(folder, kind, "hub")
    except CheckpointError:
        return None


def fetch_checkpoint(
    address: HubAddress, cache: Path, kind: Kind, *, endpoint: str, deadline: float
) -> Checkpoint:
    """Fetch a checkpoint from the Hub into the cache, or not at all: it is moved there once it is verified.

    Args:
        cache: folder for all that is fetched; need not exist yet.
        endpoint, deadline: as for :func:`albumjudge.inference.hub.fetch`.

    Raises:
        HubError: if it cannot be had.
        CheckpointError: if it was had but cannot be used, or the cache cannot be written.
    """
    folder = cache_folder(address, cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for abandoned in cache.glob(".part-*"):  # By a process that was killed; younger ones may be in use.
            if time.time() - abandoned.stat().st_mtime > _ABANDONED:
                shutil.rmtree(abandoned, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=cache, ignore_cleanup_errors=True) as name:
            part = Path(name)
            fetch(address, part, endpoint=endpoint, deadline=deadline)
            try:
                read_checkpoint(part, kind, "hub")
            except CheckpointError as error:
                raise CheckpointError(str(error).replace(name, f"{address.short} from the Hub")) from error
            if cached(address, cache, kind) is None:  # Else another process was faster.
                shutil.rmtree(folder, ignore_errors=True)
                folder.parent.mkdir(exist_ok=True)
                part.rename(folder)
    except OSError as error:
        if (found := cached(address, cache, kind)) is not None:
            return found
        raise CheckpointError(f"The folder {cache} cannot be written ({error.strerror}).") from error
    return read_checkpoint(folder, kind, "hub")


def _check_config(path: Path, config: dict[str, Any], network: type[nn.Module]) -> None:
    # Hub modules build themselves from default arguments when a key is missing and drop keys that they do not
    # know, so weights of one network could end up in another. Nothing is guessed here.
    parameters = list(inspect.signature(network.__init__).parameters.values())[1:]
    missing = [p.name for p in parameters if p.name not in config]
    unknown = sorted(config.keys() - {p.name for p in parameters})
    if missing or unknown:
        faults = [f"lacks {', '.join(missing)}"] * bool(missing)
        faults += [f"has {', '.join(unknown)} that {network.__name__} does not know"] * bool(unknown)
        raise CheckpointError(f"{path} {' and '.join(faults)}.")
    hints = typing.get_type_hints(network.__init__)
    for parameter in parameters:
        value, hint = config[parameter.name], hints.get(parameter.name)
        fits = type(value) is hint or (hint is float and type(value) is int)
        if hint in (int, float, str, bool) and not fits:
            raise CheckpointError(f"{path} says {parameter.name} = {value!r}, which is no {hint.__name__}.")


def _check_tensors(weights: Path, config: dict[str, Any], network: type[nn.Module]) -> None:
    try:
        # On the meta device tensors have no content: a config that asks for a terabyte costs nothing.
        with torch.device("meta"), _SkipInitialisation():
            expected = network(**config).state_dict()
    except Exception as error:  # Whatever a constructor says to arguments from a stranger.
        raise CheckpointError(
            f"{weights.parent / 'config.json'} describes no {network.__name__} ({error})."
        ) from error
    try:
        with safe_open(weights, "pt") as file:
            parts = {name: file.get_slice(name) for name in file.offset_keys()}
            found = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
    except (OSError, SafetensorError) as error:
        what = "is a pickle, not safetensors" if _looks_pickled(weights) else "is cut short or damaged"
        raise CheckpointError(f"{weights} {what} ({error}).") from error
    if found.keys() != expected.keys():
        missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
        which = f"lacks {missing[0]}" if missing else f"has {unknown[0]}, which {network.__name__} has not"
        raise CheckpointError(f"{weights} does not fit its config.json: it {which}.")
    for name, tensor in expected.items():
        shape, dtype = found[name]
        if shape != tuple(tensor.shape):
            raise CheckpointError(
                f"{weights} does not fit its config.json: the shape of {name} is {shape}, "
                f"not {tuple(tensor.shape)}."
            )
        if (dtype in _FLOATS) != tensor.is_floating_point():
            raise CheckpointError(f"{weights} keeps {name} as {dtype}, which is not its type.")


def _looks_pickled(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    return head == b"PK\x03\x04" or head[:1] == b"\x80"


_INITIALISERS = (
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    nn.init.normal_,
    nn.init.uniform_,
    nn.init.kaiming_uniform_,
)


class _SkipInitialisation(TorchFunctionMode):
    """Skips the random initialisation of weights that are overwritten anyway.

    On the meta device it would import PyTorch's compiler besides: 1.2 s and 150 MB.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _INITIALISERS:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        if func is torch.linalg.qr:  # Of random numbers, to draw an orthonormal basis.
            return torch.return_types.linalg_qr((args[0], args[0]))  # type: ignore[attr-defined]
        return func(*args, **kwargs)


def _load(checkpoint: Checkpoint) -> nn.Module:
    weights = checkpoint.directory / WEIGHTS
    # Not on the meta device: buffers that are no part of the weights must be filled.
    with _SkipInitialisation():
        network = NETWORKS[checkpoint.kind][checkpoint.network](**checkpoint.config)
    try:
        # From bytes: a file that is overwritten while it is mapped would take the whole process down.
        network.load_state_dict(load(weights.read_bytes()))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{weights} cannot be loaded ({error}).") from error
    numbers = (tensor for tensor in network.state_dict().values() if tensor.is_floating_point())
    if not all(bool(tensor.isfinite().all()) for tensor in numbers):
        raise CheckpointError(f"{weights} holds numbers that are not finite.")
    return network.float().eval().requires_grad_(False)
