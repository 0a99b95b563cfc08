"""What a jury says about covers."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge import emotions
from albumjudge.covers import Cover, HasPixels
from albumjudge.jury import Jury
from albumjudge.vgg import EmotionVGG


@dataclass(frozen=True)
class Juror:
    """What one juror feels.

    Attributes:
        life: who that is, in a word or two.
        probabilities: eight numbers from 0 to 1 that add up to one, in the fixed order.
    """

    life: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """A jury's distribution over the eight emotions for one cover.

    Attributes:
        probabilities: the jurors' mean: eight numbers from 0 to 1 that add up to one, in the fixed order.
        revision: of the jury's checkpoint.
        jurors: what each of them feels; empty where only the mean was kept.

    Raises:
        ValueError: if the probabilities are no distribution over eight emotions.
    """

    probabilities: tuple[float, ...]
    revision: str
    jurors: tuple[Juror, ...] = field(default=(), repr=False)

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

    @property
    def firsts(self) -> tuple[str, ...]:
        """The emotions that at least one juror puts first, in the fixed order; empty without jurors."""
        named = {emotions.top(juror.probabilities) for juror in self.jurors}
        return tuple(name for name in emotions.NAMES if name in named)

    @property
    def disagreement(self) -> float:
        """How much the jurors differ, in bits: 0 if all feel alike, see :func:`mutual_information`.

        Raises:
            ValueError: if only the mean was kept.
        """
        return mutual_information([juror.probabilities for juror in self.jurors])


@dataclass(frozen=True, eq=False)
class JudgedCover:
    """A cover and what the judge says about it."""

    cover: Cover
    verdict: Verdict


def mutual_information(shares: Sequence[Sequence[float]]) -> float:
    """Entropy of the mean less the mean of the entropies, in bits: what asking one more juror would tell.

    0 to log2 of the number of jurors (Houlsby et al. 2011, https://arxiv.org/abs/1112.5745).

    Args:
        shares: distributions, one of each juror.

    Raises:
        ValueError: if there is none.
    """
    if len(shares) == 0:
        raise ValueError("Without jurors there is no disagreement to measure.")
    each = np.asarray(shares, float)
    return max(0.0, float(_entropy(each.mean(0)) - _entropy(each).mean()) / math.log(2))


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    entropy: NDArray[np.float64] = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(-1)
    return entropy


class Impression:
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

    def impression(self, cover: HasPixels) -> Impression:
        """Judge one cover and be ready to say how it would have to change for more of an emotion."""
        with torch.enable_grad():
            image = as_images([cover]).requires_grad_(True)
            heard = self._network.hear(image)
        return Impression(self._verdicts(heard.detach())[0], image, heard)

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
