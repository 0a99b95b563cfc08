"""What a judge says about covers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from albumjudge import emotions
from albumjudge.covers import Cover
from albumjudge.vgg import EmotionVGG


@dataclass(frozen=True)
class Verdict:
    """One judge's distribution over the eight emotions for one cover.

    Attributes:
        probabilities: eight numbers from 0 to 1 that add up to one, in the fixed order.
        revision: of the judge's checkpoint.

    Raises:
        ValueError: if the probabilities are no distribution over eight emotions.
    """

    probabilities: tuple[float, ...]
    revision: str

    def __post_init__(self) -> None:
        fits = len(self.probabilities) == len(emotions.NAMES) and min(self.probabilities) >= 0
        if not fits or not abs(sum(self.probabilities) - 1) < 1e-3:
            raise ValueError(f"{self.probabilities} is no distribution over {len(emotions.NAMES)} emotions.")

    @property
    def top(self) -> str:
        """Name of the most probable emotion."""
        return emotions.top(self.probabilities)

    @property
    def words(self) -> str:
        """The distribution as a museum label says it: "mostly awe, a little fear"."""
        return emotions.in_words(self.probabilities)


class Judge:
    """An emotion network at work. Several threads may share one.

    Args:
        network: the network; a copy of it is used.
        revision: of its checkpoint.
    """

    def __init__(self, network: EmotionVGG, revision: str) -> None:
        self._network = copy.deepcopy(network).float().eval().requires_grad_(False)
        self.revision = revision

    @torch.inference_mode()
    def judge(self, covers: Sequence[Cover]) -> list[Verdict]:
        """Judge covers, in their order."""
        if not covers:
            return []
        pixels = torch.from_numpy(np.stack([cover.pixels for cover in covers]))
        shares = self._network(pixels.permute(0, 3, 1, 2).float() / 255).double().softmax(1)
        return [Verdict(tuple(share), self.revision) for share in shares.tolist()]
