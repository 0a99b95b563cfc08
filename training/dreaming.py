"""Who tells dreamt-up sketches from traced ones, and how it is kept from learning them by heart."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, leaky_relu, pad, softplus

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import doublings
from albumjudge.sketched import SLOPE, Rework
from training.projected import add_spread

JUDGED = 256


class SketchCritic(nn.Module):
    """Sketches, genres and decades to logits: how much like a traced one, and like one of that kind.

    It has no normalisation (Huang et al. 2024, https://arxiv.org/abs/2501.05441). What was asked for counts by a
    projection (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637).

    Args:
        depth: numbers at each point of a sketch.
        width: feature maps at the size of a sketch; smaller maps are twice as many.
        side: of a sketch.
    """

    def __init__(self, depth: int = 12, width: int = 128, side: int = 8) -> None:
        super().__init__()
        wide = [width] + [2 * width] * doublings(side)
        self.enter = nn.Conv2d(depth, width, 3, 1, 1)
        self.rework = nn.ModuleList(Rework(channels) for channels in wide)
        self.halve = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(wide))
        self.gather = nn.Conv2d(wide[-1] + 1, JUDGED, 4)
        self.leave = nn.Linear(JUDGED, 1)
        self.genre = nn.Embedding(len(GENRES) + 1, JUDGED)
        self.decade = nn.Embedding(len(DECADES) + 1, JUDGED)
        self.read_genre, self.read_decade = nn.Linear(JUDGED, len(GENRES)), nn.Linear(JUDGED, len(DECADES))
        for layer in (self.enter, *self.halve, self.gather):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        for embedding in (self.genre, self.decade):
            nn.init.zeros_(embedding.weight)

    def forward(self, sketches: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """``(n, depth, side, side)``, ``(n,)`` and ``(n,)`` to ``(n,)``."""
        return self.realness(self.describe(sketches), genre, decade)

    def describe(self, sketches: Tensor) -> Tensor:
        """``(n, depth, side, side)`` to what logits and readings are made of, ``(n, JUDGED)``."""
        maps = leaky_relu(self.rework[0](self.enter(sketches)), SLOPE)
        for halve, rework in zip(self.halve, list(self.rework)[1:], strict=True):
            maps = leaky_relu(rework(halve(maps)), SLOPE)
        described: Tensor = leaky_relu(self.gather(add_spread(maps)).flatten(1), SLOPE)
        return described

    def realness(self, described: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """The logits, ``(n,)``."""
        wish = self.genre(genre) + self.decade(decade)
        logits: Tensor = self.leave(described).squeeze(1) + (described * wish).sum(1) / JUDGED**0.5
        return logits

    def misread(self, described: Tensor, genre: Tensor, decade: Tensor, clear: float = 0.0) -> Tensor:
        """Cross-entropy in nats above ``clear`` of genres and decades read off sketches, a scalar.

        After auxiliary classifiers (Odena et al. 2017, https://arxiv.org/abs/1610.09585). The sum over both, the
        mean over sketches; number 0 stands for no wish, which is always met.
        """
        total = torch.zeros((), device=described.device)
        for read, wanted in ((self.read_genre, genre), (self.read_decade, decade)):
            lost = cross_entropy(read(described), wanted - 1, ignore_index=-1, reduction="none")
            total = total + (lost - clear).relu().sum() / len(wanted)
        return total


def lead(ahead: Tensor, behind: Tensor) -> Tensor:
    """The relativistic loss (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734) of who wants the logits
    ``ahead`` to be above those ``behind``; a scalar from 0 on."""
    return softplus(behind - ahead).mean()


def steepness(logits: Tensor, sketches: Tensor) -> Tensor:
    """Mean squared length of the logits' slopes, to be penalised (Mescheder et al. 2018,
    https://arxiv.org/abs/1801.04406); a scalar."""
    (slopes,) = torch.autograd.grad(logits.sum(), sketches, create_graph=True)
    return slopes.square().sum((1, 2, 3)).mean()


def disturb(sketches: Tensor, noise: Tensor, moves: Tensor, covered: Tensor) -> Tensor:
    """Differentiable augmentation (Zhao et al. 2020, https://arxiv.org/abs/2006.10738) of sketches.

    Args:
        sketches: ``(n, depth, side, side)``.
        noise: of the same shape, added.
        moves: int64, ``(n, 2)``: points down and to the right by which a sketch moves, -1 to 1; zeros enter.
        covered: int64, ``(n, 2)``: corner of the square of half the side that is set to zero; it may lie partly
            or wholly outside.
    """
    side = sketches.shape[-1]
    spots = torch.arange(side, device=sketches.device)
    padded = pad(sketches + noise, (1, 1, 1, 1))
    rows, columns = (spots + 1 - moves[:, k : k + 1] for k in (0, 1))
    several = torch.arange(len(sketches), device=sketches.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[several, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    inside = [(spots >= covered[:, k : k + 1]) & (spots < covered[:, k : k + 1] + side // 2) for k in (0, 1)]
    kept = ~(inside[0][:, :, None] & inside[1][:, None, :])
    return moved * kept[:, None]


class Layout(nn.Module):
    """What a latent vector says about a sketch from the first: where light, dark and colours lie.

    Number k of the vector is the sketch's coordinate along the k-th principal component of traced sketches. So
    different vectors cannot end in one sketch, as they do when a network of this kind collapses, and sketches
    vary as much as traced ones.

    Args:
        sketches: traced ones, float, ``(n, depth, side, side)``.
        count: numbers in a latent vector.
    """

    def __init__(self, sketches: Tensor, count: int) -> None:
        super().__init__()
        rows = sketches.flatten(1).double()
        centre = rows.mean(0)
        variances, directions = torch.linalg.eigh((rows - centre).T @ (rows - centre) / len(rows))
        self.register_buffer("centre", centre.float())
        self.register_buffer("directions", directions[:, -count:].flip(1).float())
        self.register_buffer("deviations", variances[-count:].flip(0).clamp(min=0).sqrt().float())
        self.centre: Tensor
        self.directions: Tensor
        self.deviations: Tensor

    def forward(self, sketches: Tensor, latents: Tensor) -> Tensor:
        """Mean squared distance along the components, as a share of their variance: 1 for a flat sketch."""
        found = (sketches.flatten(1) - self.centre) @ self.directions
        gaps = (found - latents * self.deviations).square().sum(1).mean()
        share: Tensor = gaps / self.deviations.square().sum()
        return share
