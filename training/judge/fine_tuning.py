"""Fine-tuning the last blocks of VGG16 under a linear head for eight emotions."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import interpolate, one_hot
from tqdm import tqdm

from albumjudge.domain.emotions import NAMES
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.data.abstract import PaintingSet
from training.metrics.distributions import kl


@dataclass(frozen=True)
class JudgeConfig:
    """Everything that decides a fit, together with the data.

    Attributes:
        labels: ``distribution`` learns the shares of all votes; ``argmax`` only the emotion with most votes.
            Ties (51 of the 280 paintings) then go to the emotion that stands first in the data set's order,
            which is what ``argmax`` returns.
        size: side in pixels to which pictures are resized.
        first_tuned_block: first of the five blocks that is fine-tuned.
        epochs: passes through the paintings in fine-tuning.
        batch: paintings per step.
        block_rate, head_rate: peaks of Adam's learning rates in a one-cycle schedule.
        ridge: weight of the head's sum of squares in the loss.
        views: different views of each painting, the first two being itself and its mirror image.
        crop: smallest side of a random crop, as a share of the whole.
        folds: of the cross-validation.
        seed: of the split, the crops, the mirroring and the order.
    """

    labels: str = "distribution"
    size: int = 64
    first_tuned_block: int = 5
    epochs: int = 3
    batch: int = 16
    block_rate: float = 1e-5
    head_rate: float = 1e-6
    ridge: float = 1.0
    views: int = 4
    crop: float = 0.85
    folds: int = 5
    seed: int = 2010

    def __post_init__(self) -> None:
        if self.labels not in ("distribution", "argmax"):
            raise ValueError(f"Labels are 'distribution' or 'argmax', not {self.labels!r}.")
        if not 1 <= self.first_tuned_block <= 5 or self.views < 2 or self.folds < 2:
            raise ValueError("first_tuned_block is 1 to 5, views at least 2, folds at least 2.")


PRESETS: dict[str, JudgeConfig] = {
    "distribution": JudgeConfig(),
    "seed": JudgeConfig(labels="argmax"),
    "tiny": JudgeConfig(size=32, epochs=1, views=2, folds=2, batch=4),
}


@dataclass(frozen=True)
class Views:
    """Outputs of the frozen blocks for all views.

    Attributes:
        maps: input of the first tuned block, float, shape ``(n, views, channels, h, w)``.
        features: pooled features of the frozen blocks, float, shape ``(n, views, ...)``; width 0 if none is
        frozen.
    """

    maps: Tensor
    features: Tensor


def targets(paintings: PaintingSet, labels: str) -> Tensor:
    """Labels: float32 shares of shape ``(n, 8)``; for ``argmax`` all on one emotion."""
    shares = torch.from_numpy(paintings.shares).float()
    return one_hot(shares.argmax(1), len(NAMES)).float() if labels == "argmax" else shares


def make_views(images: Tensor, config: JudgeConfig) -> Tensor:
    """Views of each image: itself, its mirror image, then random crops, every second one mirrored.

    Args:
        images: float, shape ``(n, 3, h, w)``.

    Returns:
        float, shape ``(n, views, 3, size, size)``.
    """
    chance = np.random.default_rng([config.seed, 7])
    side = images.shape[-1]
    whole = interpolate(images, (config.size, config.size), mode="bilinear", antialias=True)
    views = [whole, whole.flip(3)]
    for number in range(2, config.views):
        crops = []
        for image in images:
            kept = int(chance.integers(round(config.crop * side), side + 1))
            top, left = chance.integers(0, side - kept + 1, 2)
            crop = image[None, :, top : top + kept, left : left + kept]
            crops.append(interpolate(crop, (config.size, config.size), mode="bilinear", antialias=True))
        view = torch.cat(crops)
        views.append(view.flip(3) if number % 2 else view)
    return torch.stack(views, 1)


@torch.no_grad()
def compute_views(network: VGG16EmotionClassifier, paintings: PaintingSet, config: JudgeConfig) -> Views:
    """Run the frozen blocks over all views, once for the whole run."""
    images = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255
    flat = make_views(images, config).flatten(0, 1)
    maps, features = [], []
    for part in tqdm(torch.split(flat, 32), desc="frozen blocks", mininterval=10):
        outputs, pooled = network.normalise(part), [torch.empty(len(part), 0)]
        for number in range(1, config.first_tuned_block):
            outputs, block_features = network.block(number, outputs)
            pooled.append(block_features)
        maps.append(outputs)
        features.append(torch.cat(pooled, 1))
    return Views(_by_painting(torch.cat(maps), config), _by_painting(torch.cat(features), config))


def _by_painting(flat: Tensor, config: JudgeConfig) -> Tensor:
    return flat.reshape(-1, config.views, *flat.shape[1:])


def logits_of(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, view: Tensor | int, config: JudgeConfig
) -> Tensor:
    """Logits, shape ``(len(rows), 8)``, of the given paintings, each in the given view."""
    tuned = network.pooled_features(views.maps[rows, view], first=config.first_tuned_block)
    return network.logits(torch.cat([views.features[rows, view], tuned], 1))


def loss_of(network: VGG16EmotionClassifier, logits: Tensor, target: Tensor, ridge: float) -> Tensor:
    """Cross-entropy with the target shares (KL divergence up to a constant), plus the ridge on the head."""
    cross_entropy = -(target * logits.log_softmax(1)).sum(1).mean()
    return cross_entropy + ridge * network.head.weight.square().sum()


def fit_head(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, target: Tensor, config: JudgeConfig
) -> None:
    """Standardise the features of the paintings in ``rows`` and solve for the head on the blocks as they are."""
    with torch.no_grad():
        features = torch.cat(
            [
                torch.cat(
                    [
                        views.features[part, v],
                        network.pooled_features(views.maps[part, v], config.first_tuned_block),
                    ],
                    1,
                )
                for v in range(2)
                for part in torch.split(rows, 32)
            ]
        )
        network.feature_mean.copy_(features.mean(0))
        network.feature_sd.copy_(features.std(0) + 1e-3)
        network.head.weight.zero_()
        network.head.bias.zero_()
    both = target[rows].repeat(2, 1)
    solver = torch.optim.LBFGS(
        network.head.parameters(), max_iter=60, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        solver.zero_grad()
        loss = loss_of(network, network.logits(features), both, config.ridge)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    solver.step(closure)  # type: ignore[no-untyped-call]


@torch.no_grad()
def shares_of(
    network: VGG16EmotionClassifier, views: Views, rows: Tensor, config: JudgeConfig
) -> NDArray[np.float64]:
    """The network's distributions for whole, unmirrored paintings, shape ``(len(rows), 8)``."""
    network.eval()
    logits = [logits_of(network, views, part, 0, config) for part in torch.split(rows, 32)]
    shares: NDArray[np.float64] = torch.cat(logits).double().softmax(1).numpy()
    return shares


def trained_parameters(
    network: VGG16EmotionClassifier, config: JudgeConfig
) -> tuple[list[Parameter], list[Parameter]]:
    """Parameters of the blocks that are fine-tuned, and of the head; all others are frozen."""
    blocks = [
        parameter
        for number in range(config.first_tuned_block, 6)
        for parameter in network.block_layers(number).parameters()
    ]
    head = list(network.head.parameters())
    network.requires_grad_(False)
    for parameter in (*blocks, *head):
        parameter.requires_grad_(True)
    return blocks, head


def fit(
    start: VGG16EmotionClassifier,
    views: Views,
    paintings: PaintingSet,
    config: JudgeConfig,
    rows: Tensor,
    held_out: Tensor,
    title: str,
) -> tuple[VGG16EmotionClassifier, list[dict[str, float]], NDArray[np.float64]]:
    """Fit one network.

    Args:
        start: ImageNet's blocks under any head; left as it was.
        rows, held_out: paintings to train on, and to judge afterwards (may be empty).

    Returns:
        the network; a line per epoch (0: the head alone) with training loss and held-out KL, that of the last
        with the head solved anew; the shares of the held-out paintings, shape ``(len(held_out), 8)``.
    """
    network = copy.deepcopy(start)
    target = targets(paintings, config.labels)
    fit_head(network, views, rows, target, config)
    blocks, head = trained_parameters(network, config)
    rates = [config.block_rate, config.head_rate]
    optimiser = torch.optim.Adam([{"params": p, "lr": r} for p, r in zip((blocks, head), rates, strict=True)])
    steps = -(-len(rows) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, epochs=config.epochs, steps_per_epoch=steps
    )
    chance = torch.Generator().manual_seed(config.seed)
    true = paintings.shares[held_out.numpy()]
    history: list[dict[str, float]] = []
    shares = np.empty((0, len(NAMES)))
    for epoch in range(config.epochs + 1):
        line = {"epoch": float(epoch)}
        if epoch:
            network.train()
            order, losses = rows[torch.randperm(len(rows), generator=chance)], []
            for part in tqdm(
                torch.split(order, config.batch), desc=f"{title}, epoch {epoch}", mininterval=10
            ):
                view = torch.randint(config.views, (len(part),), generator=chance)
                logits = logits_of(network, views, part, view, config)
                loss = loss_of(network, logits, target[part], config.ridge)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
            line["loss"] = round(float(np.mean(losses)), 5)
        if epoch == config.epochs:
            fit_head(network, views, rows, target, config)
        if len(held_out):
            shares = shares_of(network, views, held_out, config)
            line["held_out_KL"] = round(float(kl(true, shares).mean()), 5)
        history.append(line)
    return network.eval(), history, shares
