"""Judging: from covers to verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import HasPixels
from albumjudge.domain.verdict import Juror, Verdict
from albumjudge.models.multitask_jury import MultitaskJury
from albumjudge.models.vgg16 import VGG16EmotionClassifier

JudgeNetwork = MultitaskJury | VGG16EmotionClassifier


class DifferentiableVerdicts:
    """Verdicts on covers with the gradients of their shares.

    Attributes:
        verdicts: the same as :meth:`Judge.judge` gives.
    """

    def __init__(self, verdicts: list[Verdict], images: torch.Tensor, shares: torch.Tensor) -> None:
        self.verdicts = verdicts
        self._images, self._shares = images, shares

    def gradient(self, asked: Sequence[str]) -> torch.Tensor:
        """Of the log share of each cover's emotion with respect to its pixels in [0, 1]. To be asked for once.

        Args:
            asked: emotions, one for each cover.

        Returns:
            float32, shape ``(n, 3, size, size)``.
        """
        places = torch.tensor([[emotions.index(emotion)] for emotion in asked])
        # A verdict depends on its own cover alone, so the gradient of the sum is that of each.
        total = self._shares.gather(1, places).clamp(min=1e-9).log().sum()
        (gradient,) = torch.autograd.grad(total, self._images)
        return gradient


def native_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)


class Judge:
    """A jury at work. Several threads may share one.

    Args:
        network: its weights are taken over, channels last, its convolutions in bfloat16 where the processor
            multiplies that natively: twice as fast, shares change by less than .01.
        revision: of its checkpoint.
    """

    def __init__(self, network: JudgeNetwork, revision: str) -> None:
        self.network: JudgeNetwork = network.float().eval().requires_grad_(False)
        if native_bfloat16():
            network.features.bfloat16()
        self.network.to(memory_format=torch.channels_last)
        self.revision = revision

    @property
    def juror_names(self) -> tuple[str, ...]:
        """The jurors' names, in their order."""
        return self.network.juror_names

    @torch.inference_mode()
    def judge(self, covers: Sequence[HasPixels | NDArray[np.uint8]]) -> list[Verdict]:
        """Judge covers, or uint8 RGB arrays ``(side, side, 3)`` of one size, in their order."""
        if not covers:
            return []
        return self._verdicts(*self.network.verdicts_of(self.network.extract(as_images(covers))))

    def differentiable(self, covers: Sequence[HasPixels]) -> DifferentiableVerdicts:
        """Judge covers and keep what the gradients need."""
        with torch.enable_grad():
            images = as_images(covers).requires_grad_(True)
            jurors, shares = self.network.verdicts_of(self.network.extract(images))
        return DifferentiableVerdicts(self._verdicts(jurors.detach(), shares.detach()), images, shares)

    def _verdicts(self, jurors: torch.Tensor, shares: torch.Tensor) -> list[Verdict]:
        jurors, shares = (each.double() / each.double().sum(-1, keepdim=True) for each in (jurors, shares))
        return [
            Verdict(tuple(said), self.revision, tuple(map(Juror, self.juror_names, map(tuple, each))))
            for said, each in zip(shares.tolist(), jurors.transpose(0, 1).tolist(), strict=True)
        ]


def as_images(covers: Sequence[HasPixels | NDArray[np.uint8]]) -> torch.Tensor:
    """Covers as judges take them: float32, shape ``(n, 3, size, size)``, RGB in [0, 1]."""
    pixels = torch.from_numpy(np.stack([c if isinstance(c, np.ndarray) else c.pixels for c in covers]))
    return pixels.permute(0, 3, 1, 2).float() / 255
