"""Judging: from covers to verdicts."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from albumjudge.domain import emotions
from albumjudge.domain.cover import HasPixels
from albumjudge.domain.verdict import Juror, Verdict
from albumjudge.models.jury import Jury
from albumjudge.models.vgg16 import EmotionVGG


class DifferentiableVerdict:
    """What a cover made a jury feel, and where a different cover would make it feel more.

    Attributes:
        verdict: the same as :meth:`Judge.judge` gives.
    """

    def __init__(self, verdict: Verdict, image: torch.Tensor, heard: torch.Tensor) -> None:
        self.verdict = verdict
        self._image, self._heard = image, heard

    def towards(self, emotion: str) -> torch.Tensor:
        """How the log of the emotion's share grows with each pixel, from 0 to 1, of the cover. To be asked once.

        Returns:
            float32, shape ``(1, 3, size, size)``.
        """
        share = self._heard.mean(0)[0, emotions.index(emotion)].clamp(min=1e-9)
        (slope,) = torch.autograd.grad(share.log(), self._image)
        return slope


class Judge:
    """A jury at work. Several threads may share one.

    Args:
        network: the network; a copy of it is used.
        revision: of its checkpoint.
    """

    def __init__(self, network: Jury | EmotionVGG, revision: str) -> None:
        # Covers come with their colours last; weights in that order save turning them round for each picture.
        quiet = copy.deepcopy(network).float().eval().requires_grad_(False)
        self._network = quiet.to(memory_format=torch.channels_last)
        self.revision = revision

    @property
    def lives(self) -> tuple[str, ...]:
        """The jurors' names, in their order."""
        return self._network.lives

    @property
    def network(self) -> Jury | EmotionVGG:
        """The network itself, for looking into it; not to be changed."""
        return self._network

    @torch.inference_mode()
    def judge(self, covers: Sequence[HasPixels]) -> list[Verdict]:
        """Judge covers, in their order."""
        if not covers:
            return []
        return self._verdicts(self._network.hear(as_images(covers)))

    def impression(self, cover: HasPixels) -> DifferentiableVerdict:
        """Judge one cover and be ready to say how it would have to change for more of an emotion."""
        with torch.enable_grad():
            image = as_images([cover]).requires_grad_(True)
            heard = self._network.hear(image)
        return DifferentiableVerdict(self._verdicts(heard.detach())[0], image, heard)

    def _verdicts(self, heard: torch.Tensor) -> list[Verdict]:
        heard = heard.double()
        heard = heard / heard.sum(2, keepdim=True)
        means = heard.mean(0).tolist()
        each = heard.transpose(0, 1).tolist()
        return [
            Verdict(
                tuple(mean),
                self.revision,
                tuple(Juror(life, tuple(shares)) for life, shares in zip(self.lives, by_juror, strict=True)),
            )
            for mean, by_juror in zip(means, each, strict=True)
        ]


def as_images(covers: Sequence[HasPixels]) -> torch.Tensor:
    """Covers as judges take them: float32, shape ``(n, 3, size, size)``, RGB in [0, 1]."""
    pixels = torch.from_numpy(np.stack([cover.pixels for cover in covers]))
    return pixels.permute(0, 3, 1, 2).float() / 255
