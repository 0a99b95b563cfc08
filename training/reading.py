"""What painted covers are asked to be must be legible: a reader of genres and decades that the painter hears.

After auxiliary classifiers (Odena et al. 2017, https://arxiv.org/abs/1610.09585), with one difference: the
reader learns from real covers alone, once, before the training, so painter and reader cannot agree on signs of
their own.
It reads the deepest two maps of the frozen EfficientNet-lite0, averaged over the picture, which was
softened before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from training.cover_data import CoverEntry, CoverSet
from training.lite_features import LiteFeatures
from training.moments import soften
from training.projected import STAGE_WIDTHS
from training.read_back import QUESTIONS, Question

WIDTH = sum(STAGE_WIDTHS[2:])
CLEAR = 1.3
"""Cross-entropy in nats below which a cover is clear enough: real ones are hardly clearer."""
PENALTY = 0.02
"""Of the squared weights, beside the mean cross-entropy over standardised features."""
IMPOSSIBLE = -1e4
"""Logit of an answer of which there is no example."""


class Reading(nn.Module):
    """Maps to logits of genres and of decades, by two linear layers that are fitted once.

    ``known`` says whether it has been fitted; before that it has no opinion.
    """

    def __init__(self) -> None:
        super().__init__()
        answers = sum(len(question.answers) for question in QUESTIONS)
        for name, shape in {
            "centre": (WIDTH,),
            "spread": (WIDTH,),
            "weight": (answers, WIDTH),
            "bias": (answers,),
            "known": (),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        self.centre: Tensor
        self.spread: Tensor
        self.weight: Tensor
        self.bias: Tensor
        self.known: Tensor
        self.spread.fill_(1)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """What :class:`LiteFeatures` saw to logits, one ``(n, answers)`` per question."""
        standard = (pooled(maps) - self.centre) / self.spread
        logits = standard @ self.weight.T + self.bias
        return list(torch.split(logits, [len(question.answers) for question in QUESTIONS], 1))

    def unclear(self, maps: list[Tensor], labels: Tensor) -> Tensor:
        """Cross-entropy in nats above ``CLEAR``, a scalar: the sum over questions, the mean over covers.

        Args:
            labels: genre and decade, int64, ``(n, 2)``; 0 stands for no wish, which is always met.
        """
        total = torch.zeros((), device=labels.device)
        for logits, wanted in zip(self(maps), labels.unbind(1), strict=True):
            lost = cross_entropy(logits.float(), wanted - 1, ignore_index=-1, reduction="none")
            total = total + (lost - CLEAR).relu().sum() / len(labels)
        return total

    @torch.no_grad()
    def learn(self, features: LiteFeatures, covers: CoverSet, batch: int = 64) -> None:
        """Fit both layers to all covers with a label; classes count the same however large they are."""
        labelled = [i for i, entry in enumerate(covers.entries) if entry.genres or entry.decade]
        device = self.weight.device
        seen = []
        for start in tqdm(range(0, len(labelled), batch), desc="reader", leave=False, disable=None):
            pictures = torch.from_numpy(covers.pixels[labelled[start : start + batch]]).to(device)
            real = pictures.float().div_(127.5).sub_(1)
            seen.append(pooled(features(soften(real))).float().cpu())
        if seen:
            found = torch.cat(seen).double()
            self.fit(found.numpy(), [covers.entries[i] for i in labelled])
        self.known.fill_(1)

    @torch.no_grad()
    def fit(self, features: NDArray[np.float64], entries: Sequence[CoverEntry]) -> None:
        """Fit to pooled features ``(n, WIDTH)`` of n covers; of several genres each counts."""
        centre, spread = features.mean(0), features.std(0) + 1e-3
        standard = torch.from_numpy((features - centre) / spread)
        layers = [_regress(standard, entries, question) for question in QUESTIONS]
        self.centre.copy_(torch.from_numpy(centre))
        self.spread.copy_(torch.from_numpy(spread))
        self.weight.copy_(torch.cat([weight for weight, _ in layers]))
        self.bias.copy_(torch.cat([bias for _, bias in layers]))


def pooled(maps: list[Tensor]) -> Tensor:
    """The deepest two maps, averaged over the picture: ``(n, WIDTH)``."""
    return torch.cat([each.mean((2, 3)) for each in maps[2:]], 1)


def _regress(standard: Tensor, entries: Sequence[CoverEntry], question: Question) -> tuple[Tensor, Tensor]:
    """Weights ``(answers, WIDTH)`` and biases of a penalised multinomial regression with balanced classes."""
    pairs = [
        (i, question.answers.index(answer)) for i, e in enumerate(entries) for answer in question.right(e)
    ]
    weight = torch.zeros(len(question.answers), standard.shape[1], dtype=torch.double)
    bias = torch.full((len(question.answers),), IMPOSSIBLE, dtype=torch.double)
    if not pairs:
        return weight, torch.zeros_like(bias)
    rows, answers = torch.tensor(pairs).T
    counts = torch.bincount(answers, minlength=len(bias))
    some = counts > 0
    bias[some] = 0
    each = (some / counts.clamp(min=1) / some.sum())[answers]
    found = (weight.requires_grad_(True), torch.zeros_like(bias).requires_grad_(True))
    given = standard[rows]
    optimiser = torch.optim.LBFGS(found, max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = given @ found[0].T + found[1] + bias
        lost = (cross_entropy(logits, answers, reduction="none") * each).sum()
        total = lost + PENALTY * found[0].square().sum() / 2
        total.backward()  # type: ignore[no-untyped-call]
        return total

    with torch.enable_grad():
        optimiser.step(loss)  # type: ignore[no-untyped-call]
    return found[0].detach(), found[1].detach() + bias
