"""Names in older checkpoints and what they are called now. Files are never rewritten; they are mapped at load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NETWORKS = {"SketchGenerator": "FlowGenerator", "EmotionVGG": "VGG16EmotionClassifier"}
"""Classes, as training.json names them."""

NAMES = {"sketched-64": "flow-64", "sketched": "flow"}
"""Painters in older revisions, and recipes in older films."""
_CONFIG: dict[str, dict[str, str]] = {
    "FlowGenerator": {
        "depth": "latent_channels",
        "ink": "decoder_width",
        "guidance": "autoguidance_scale",
        "insistence": "guidance_scale",
        "patience": "autoguidance_start",
        "novice": "autoguidance_width",
    },
    "OneStepGenerator": {"depth": "latent_channels"},
    "Jury": {"lives": "juror_names", "remembered": "paintings", "others": "other_scales"},
}
_ADDED: dict[str, dict[str, Any]] = {"MultitaskJury": {"weighted": False}}
"""Arguments that came later, and what networks without them are."""
_LATENT_PAINTER = (
    (r"^sketcher\.|^velocity\.", "unet."),
    (r"^inker\.", "decoder."),
    (r"^novice\.", "autoguidance_unet."),
    (r"^unfolding\.", "expansion."),
    (r"^expansion\.turns$", "expansion.frequencies"),
    (r"^expansion\.shifts$", "expansion.phases"),
    (r"^expansion\.directions$", "expansion.basis"),
    (r"\.rework\.(\d)\.", r".blocks.\1."),
    (r"^decoder\.enlarge\.", "decoder.upsample."),
    (r"\.around\.(\d)\.before\.", r".attention.\1.norm."),
    (r"\.around\.(\d)\.ask\.", r".attention.\1.qkv."),
    (r"\.around\.(\d)\.leave\.", r".attention.\1.proj."),
    (r"\.before\.", ".norm1."),
    (r"\.first\.", ".conv1."),
    (r"\.second\.", ".conv2."),
    (r"\.gains\.", ".film."),
    (r"\.fit\.", ".skip."),
    (r"\.enter\.", ".conv_in."),
    (r"\.leave\.", ".conv_out."),
    (r"\.genre\.", ".genre_embedding."),
    (r"\.decade\.", ".decade_embedding."),
    (r"\.moment\.", ".time_mlp."),
    (r"\.place$", ".position"),
    (r"\.halve\.", ".downsample."),
    (r"\.enlarge\.", ".upsample."),
    (r"\.level\.", ".norm_out."),
)
_STANDARDISATION = ((r"^centre$", "feature_mean"), (r"^spread$", "feature_sd"))
_TENSORS: dict[str, tuple[tuple[str, str], ...]] = {
    "FlowGenerator": _LATENT_PAINTER,
    "OneStepGenerator": _LATENT_PAINTER,
    "VGG16EmotionClassifier": _STANDARDISATION,
    "Jury": (
        *_STANDARDISATION,
        (r"^elsewhere\.", "scale_head."),
        (r"^paintings$", "painting_features"),
        (r"^attention$", "feature_weights"),
        (r"^memory$", "dual_coefficients"),
        (r"^leaning$", "bias"),
        (r"^setting$", "prior_correction"),
    ),
}


def current_config(network: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a network's constructor by their present names; unknown ones are left as they are."""
    names = _CONFIG.get(network, {})
    return _ADDED.get(network, {}) | {names.get(name, name): value for name, value in config.items()}


def current_tensor(network: str, name: str) -> str:
    """The present name of a tensor in a network's state dict; an unknown one is left as it is."""
    for pattern, replacement in _TENSORS.get(network, ()):
        name = re.sub(pattern, replacement, name)
    return name


def hashed_settings(network: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what the same weights paint, as revisions have always spelled them."""
    spelling = {current: old for old, current in _CONFIG.get(network, {}).items()}
    old = {spelling.get(name, name): value for name, value in config.items()}
    return {key: old[key] for key in ("steps", "guidance", "insistence", "patience") if key in old}
