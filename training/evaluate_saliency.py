"""Check that saliency maps depend on what the judge was trained on, and show what changes its shares.

    python -m training.evaluate_saliency --write

Two tests over painted covers. *Randomised weights* (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292):
the map for the same emotion from a network with random convolutions (over the first forty covers), and from one
with votes shuffled among the paintings, must differ from the true one. *Deletion*
(Petsiuk et al. 2018, https://arxiv.org/abs/1806.07421): painting over the most salient quarter of the
picture with its mean colour must lower the emotion's share more than painting over random squares, or over what
is salient in another cover.
"""

from __future__ import annotations

import copy
import sys

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from albumjudge.inference.judge import JudgeNetwork, as_images
from albumjudge.inference.saliency import occluded_features, saliency_of
from albumjudge.models.multitask_jury import MultitaskJury
from training.data.command import exit_status
from training.judge.evaluation import Rows, finite, paired_interval
from training.judge.script import add_judge, open_painter, parser_of, report, table

CELL = 8
RANDOM_COVERS = 40
"""Covers that the network with random convolutions is asked about: features are what takes long."""
DELETED = 0.25


def cells(heat: Tensor) -> Tensor:
    """Mean heat of squares of 8x8 pixels: ``(n, h, w)`` to ``(n, h / 8, w / 8)``."""
    return avg_pool2d(heat[:, None], CELL)[:, 0]


def paint_over(images: Tensor, order: Tensor, share: float = DELETED) -> Tensor:
    """Paint over the squares that come first in ``order`` with each image's mean colour.

    Args:
        images: shape ``(n, 3, h, w)``.
        order: numbers by which squares are ranked, highest first, shape ``(n, h / 8, w / 8)``.
        share: of the squares painted over.
    """
    flat = order.flatten(1)
    count = round(share * flat.shape[1])
    mask = torch.zeros_like(flat).scatter_(1, flat.topk(count, 1).indices, 1.0).view_as(order)
    large = interpolate(mask[:, None], scale_factor=CELL, mode="nearest")
    return images * (1 - large) + images.mean((2, 3), keepdim=True) * large


def randomised_network(network: JudgeNetwork, seed: int) -> JudgeNetwork:
    """A copy whose convolutions are drawn at random, as large as the trained ones."""
    other = copy.deepcopy(network)
    chance = torch.Generator().manual_seed(seed)
    for module in other.features:
        if isinstance(module, nn.Conv2d):
            noise = torch.randn(module.weight.shape, generator=chance)
            module.weight.copy_(noise * module.weight.std())
    return other


def shuffled_votes(network: JudgeNetwork, seed: int) -> JudgeNetwork:
    """A copy with the votes of one painting at another (or, of a single head, emotions in another order)."""
    other = copy.deepcopy(network)
    name, axis = ("weights", 1) if isinstance(other, MultitaskJury) else ("head.weight", 0)
    votes = other.state_dict()[name]
    order = torch.randperm(votes.shape[axis], generator=torch.Generator().manual_seed(seed))
    votes.copy_(votes.index_select(axis, order))
    return other


def similarity(maps: Tensor, others: Tensor) -> float:
    """Mean rank correlation of maps, ``(n, h, w)``, one by one; 0 where one is the same everywhere."""
    each = [
        spearmanr(one.flatten(), two.flatten()).statistic if one.std() > 0 and two.std() > 0 else 0.0
        for one, two in zip(maps.numpy(), others.numpy(), strict=True)
    ]
    return float(np.mean(each))


@torch.no_grad()
def evaluate(network: JudgeNetwork, images: Tensor, seed: int) -> Rows:
    """Rows of both tests.

    Args:
        images: shape ``(n, 3, h, w)``, RGB in [0, 1].
    """
    chance = torch.Generator().manual_seed(seed)

    def shares(pictures: Tensor) -> Tensor:
        return torch.cat([network.verdicts_of(network.extract(p))[1] for p in torch.split(pictures, 16)])

    height, width = images.shape[-2:]
    before = shares(images)
    emotions = before.argmax(1)

    def maps(asked: JudgeNetwork, features: Tensor) -> Tensor:
        return cells(saliency_of(asked, features, (height, width), emotions[: len(features)]))

    features = occluded_features(network, images)
    true_maps = maps(network, features)
    random_network = randomised_network(network, seed)
    random_features = occluded_features(random_network, images[:RANDOM_COVERS])
    unlike = {
        "map of random convolutions": maps(random_network, random_features),
        # Other votes change shares, not features.
        "map after shuffled votes": maps(shuffled_votes(network, seed), features),
    }
    rows: Rows = {
        name: {"map_correlation": similarity(true_maps[: len(theirs)], theirs), "pictures": len(theirs)}
        for name, theirs in unlike.items()
    }
    orders = {
        "the most salient quarter": true_maps,
        "random squares": torch.rand(true_maps.shape, generator=chance),
        "what is salient in another cover": true_maps.roll(1, 0),
    }
    chosen = before.gather(1, emotions[:, None])[:, 0]
    drops = {
        name: (chosen - shares(paint_over(images, order)).gather(1, emotions[:, None])[:, 0]).numpy()
        for name, order in orders.items()
    }
    true = drops["the most salient quarter"]
    for name, drop in drops.items():
        line = {"share_lost": float(drop.mean()), "pictures": len(images)}
        if drop is not true:
            line |= zip(("share_lost_less", "low", "high"), paired_interval(true - drop, seed), strict=True)
        rows[f"painted over: {name}"] = line
    return {name: finite(row) for name, row in rows.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("training.evaluate_saliency", __doc__)
    add_judge(parser)
    parser.add_argument("--count", type=int, default=200, help="covers, seeds 0 onwards")
    parser.add_argument("--seed", type=int, default=2010)
    given = parser.parse_args(arguments)

    def body() -> None:
        network = load_judge(read_checkpoint(given.judge, "judge", "directory"))
        painter = open_painter(given.generator)
        found = table(
            f"Saliency of the strongest emotion on {given.count} covers by {painter.revision}: rank "
            "correlation, over squares of 8x8 pixels, with maps that should know nothing; and the share that "
            "the emotion loses when a quarter of the picture is painted over, with 95 % bootstrap intervals of "
            "the difference.",
            evaluate(network, as_images(painter.paint(range(given.count))), given.seed),
            given.seed,
        )
        report({"saliency": found}, given.judge if given.write else None)

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
