"""Painted covers as a crowd: their features should have the mean and the covariance that real covers' have.

Moments of a frozen network's features are matched (Li et al. 2015, https://arxiv.org/abs/1502.02761; dos Santos
et al. 2019, https://arxiv.org/abs/1904.02762) instead of letting critics look through it: a critic on frozen
features drives a painter towards whatever excites the network most, and here that was a handful of glyphs and
hatchings. Moments are a goal that can be reached and then says nothing more.

The network sees covers softened (:func:`soften`): of patterns as fine as a pixel or two it can be made to believe
anything, and how fine strokes should look is for the critic of pixels to say.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d, pad
from tqdm import tqdm

from training.cover_data import CoverSet
from training.crew import Crew
from training.lite_features import LiteFeatures
from training.projected import STAGE_WIDTHS

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
GRIDS = {1: 3, 2: 2}
"""Which maps are also described in pieces, and in how many along each side: where things are counts, too."""
WIDTH = (
    sum(STAGE_WIDTHS) + sum(STAGE_WIDTHS[:3]) + sum(STAGE_WIDTHS[k] * side**2 for k, side in GRIDS.items())
)
EVENED = 0.25
"""Directions are scaled by the power ``-EVENED`` of their variance: 0 leaves the loudest few to decide, 0.5 would
make noise as loud as they are."""
TINY = 1e-3


def soften(pictures: Tensor) -> Tensor:
    """Blur by a 5x5 binomial filter, twice: a pattern that repeats every 4 pixels keeps 1/16 of its contrast.

    Args:
        pictures: float, shape ``(n, 3, h, w)``.
    """
    line = torch.tensor(BINOMIAL, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.outer(line, line).expand(pictures.shape[1], 1, 5, 5)
    for _ in range(2):
        pictures = conv2d(pad(pictures, (2,) * 4, mode="reflect"), kernel, groups=pictures.shape[1])
    return pictures


def description(maps: list[Tensor]) -> Tensor:
    """Four maps of :class:`LiteFeatures` to means, deviations and means of pieces, ``(n, WIDTH)``."""
    means = [each.mean((2, 3)) for each in maps]
    spreads = [(each.var((2, 3), correction=0) + TINY).sqrt() for each in maps[:3]]
    pieces = [adaptive_avg_pool2d(maps[k], side).flatten(1) for k, side in GRIDS.items()]
    return torch.cat([*means, *spreads, *pieces], 1)


class Moments(nn.Module):
    """How far a crowd of painted covers is from real ones. The crowd are all covers painted of late.

    Descriptions are turned into their ``dims`` strongest independent directions among real covers.
    ``known`` says whether real covers have been looked at.

    Args:
        dims: directions that count.
        memory: covers after which an old one counts as little as 1/e.
    """

    def __init__(self, dims: int = 320, memory: int = 2048) -> None:
        super().__init__()
        self.memory = memory
        for name, shape in {
            "centre": (WIDTH,),
            "turn": (WIDTH, dims),
            "variance": (dims,),
            "mean": (dims,),
            "second": (dims, dims),
            "known": (),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        self.centre: Tensor
        self.turn: Tensor
        self.variance: Tensor
        self.mean: Tensor
        self.second: Tensor
        self.known: Tensor

    @torch.no_grad()
    def learn(self, features: LiteFeatures, covers: CoverSet, batch: int = 64) -> None:
        """Look at all real covers."""
        described = []
        for start in tqdm(range(0, len(covers), batch), desc="real covers", leave=False, disable=None):
            pictures = torch.from_numpy(covers.pixels[start : start + batch]).to(self.centre.device)
            real = pictures.float().div_(127.5).sub_(1)
            described.append(description(features(soften(real))).float())
        self.fit(torch.cat(described))

    @torch.no_grad()
    def fit(self, described: Tensor) -> None:
        """Take real covers' descriptions, ``(n, WIDTH)``, as the goal. The crowd starts there, too."""
        spread = described.std(0, correction=0) + TINY
        self.centre.copy_(described.mean(0))
        standard = ((described - self.centre) / spread).double()
        variances, directions = torch.linalg.eigh(standard.T @ standard / len(standard))
        kept = variances.argsort(descending=True)[: len(self.variance)]
        variance = variances[kept].clamp(min=TINY)
        evened = directions[:, kept] * variance.pow(-EVENED)
        self.turn.copy_(evened / spread.double()[:, None])
        self.variance.copy_(variance.pow(1 - 2 * EVENED))
        self.mean.zero_()
        self.second.copy_(torch.diag(self.variance))
        self.known.fill_(1)

    def forward(self, maps: list[Tensor], crew: Crew) -> Tensor:
        """Add this batch to the crowd and say how far that is from real covers, a scalar from 0 on.

        It is the squared distance of the means over the real variance, plus the squared distance of the
        covariances over the square of the real one. Slopes are those of this batch; what was painted before is as
        it was.

        Args:
            maps: what the features saw in painted covers, softened; of each process its part.
            crew: the processes; afterwards the crowd is the same in all of them.
        """
        # In half precision the difference of two moments is lost.
        with torch.autocast(self.mean.device.type, enabled=False):
            return self._distance(description(maps).float(), crew)

    def _distance(self, described: Tensor, crew: Crew) -> Tensor:
        seen = (described - self.centre) @ self.turn
        own = [seen.mean(0), seen.T @ seen / len(seen)]
        whole = [moment.detach().clone() for moment in own]
        crew.average(whole)
        # The value of the whole batch, with the slopes of a mean over this process's rows.
        mean, second = (w + (o - o.detach()) for w, o in zip(whole, own, strict=True))
        new = min(1.0, len(seen) * crew.size / self.memory)
        mean, second = self.mean.lerp(mean, new), self.second.lerp(second, new)
        with torch.no_grad():
            self.mean.copy_(mean)
            self.second.copy_(second)
        real = torch.diag(self.variance)
        means = mean.square().sum() / self.variance.sum()
        covariances = (second - torch.outer(mean, mean) - real).square().sum() / self.variance.square().sum()
        return means + covariances
