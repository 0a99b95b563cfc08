"""The 2019 project's judge: VGG16's last block fine-tuned under a linear head, on the first emotion alone.

The head alone is a convex problem, solved first. From there the last block is fine-tuned together with it, on
mirrored and slightly cropped views of unchanged colours. Then the head is solved for anew. The frozen blocks see
every view just once.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from tqdm import tqdm

from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training.data.abstract import PaintingSet

TUNED_BLOCK = 5


@dataclass(frozen=True)
class RecipeConfig:
    """Everything that decides a fit, together with the data.

    Attributes:
        size: side in pixels to which pictures are resized.
        epochs: passes through the paintings in fine-tuning.
        batch: paintings per step.
        block_rate, head_rate: peaks of Adam's learning rates in a one-cycle schedule.
        ridge: weight of the head's sum of squares in the loss.
        views: different views of each painting, the first two being itself and its mirror image.
        crop: smallest side of a random crop, as a share of the whole.
        seed: of the crops, the mirroring and the order.
    """

    size: int = 64
    epochs: int = 3
    batch: int = 16
    block_rate: float = 1e-5
    head_rate: float = 1e-6
    ridge: float = 1.0
    views: int = 4
    crop: float = 0.85
    seed: int = 2010


def make_views(images: Tensor, config: RecipeConfig) -> Tensor:
    """Each image, ``(n, 3, h, w)``, its mirror image, then random crops, every second one mirrored.

    Returns:
        float, shape ``(n, views, 3, size, size)``.
    """
    chance, side = np.random.default_rng([config.seed, 7]), images.shape[-1]

    def resized(part: Tensor) -> Tensor:
        return interpolate(part, (config.size, config.size), mode="bilinear", antialias=True)

    views = [resized(images), resized(images).flip(3)]
    for number in range(2, config.views):
        crops = []
        for image in images:
            kept = int(chance.integers(round(config.crop * side), side + 1))
            top, left = chance.integers(0, side - kept + 1, 2)
            crops.append(resized(image[None, :, top : top + kept, left : left + kept]))
        view = torch.cat(crops)
        views.append(view.flip(3) if number % 2 else view)
    return torch.stack(views, 1)


class SeedRecipe:
    """Fits networks to rows of paintings, and predicts others.

    Args:
        features: ImageNet's convolutions.
        paintings: all that are trained or tested on.
    """

    def __init__(
        self, features: nn.Module, paintings: PaintingSet, config: RecipeConfig = RecipeConfig()
    ) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        self.start = VGG16EmotionClassifier(size=config.size).eval()
        self.start.features.load_state_dict(features.state_dict())
        # argmax gives ties (51 of the 280 paintings) to the emotion that stands first.
        self.target = torch.from_numpy(paintings.votes.argmax(1))
        self.paintings = paintings

    @cached_property
    @torch.no_grad()
    def frozen(self) -> tuple[Tensor, Tensor]:
        """Output of the frozen blocks and their pooled features for all views, ``(n, views, ...)`` each."""
        images = torch.from_numpy(self.paintings.pixels).permute(0, 3, 1, 2).float() / 255
        views, maps, features = make_views(images, self.config), [], []
        for part in tqdm(torch.split(views.flatten(0, 1), 32), desc="frozen blocks", mininterval=10):
            outputs, pooled = self.start.normalise(part), []
            for number in range(1, TUNED_BLOCK):
                outputs, block_features = self.start.block(number, outputs)
                pooled.append(block_features)
            maps.append(outputs)
            features.append(torch.cat(pooled, 1))
        shape = views.shape[:2]
        pooled_all = torch.cat(features).view(*shape, -1)
        return torch.cat(maps).view(*shape, *maps[0].shape[1:]), pooled_all

    def _features(self, network: VGG16EmotionClassifier, rows: Tensor, view: Tensor | int) -> Tensor:
        maps, features = self.frozen
        tuned = network.pooled_features(maps[rows, view], first=TUNED_BLOCK)
        return torch.cat([features[rows, view], tuned], 1)

    def _loss(self, network: VGG16EmotionClassifier, features: Tensor, target: Tensor) -> Tensor:
        penalty = self.config.ridge * network.head.weight.square().sum()
        return cross_entropy(network.logits(features), target) + penalty

    def _solve_head(self, network: VGG16EmotionClassifier, rows: Tensor) -> None:
        """Standardise the features of the paintings in ``rows`` and solve for the head alone."""
        with torch.no_grad():
            parts = [
                self._features(network, part, view) for view in range(2) for part in torch.split(rows, 32)
            ]
            features = torch.cat(parts)
            network.feature_mean.copy_(features.mean(0))
            network.feature_sd.copy_(features.std(0) + 1e-3)
            network.head.weight.zero_()
            network.head.bias.zero_()
        solver = torch.optim.LBFGS(
            network.head.parameters(), max_iter=60, history_size=10, line_search_fn="strong_wolfe"
        )

        def closure() -> float:
            solver.zero_grad()
            loss = self._loss(network, features, self.target[rows].repeat(2))
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item()

        solver.step(closure)  # type: ignore[no-untyped-call]

    def fit(self, rows: Tensor) -> VGG16EmotionClassifier:
        """Fit one network to the paintings in ``rows``."""
        config, network = self.config, copy.deepcopy(self.start)
        self._solve_head(network, rows)
        network.requires_grad_(False)
        block, head = (
            network.block_layers(TUNED_BLOCK).requires_grad_(True),
            network.head.requires_grad_(True),
        )
        rates = [config.block_rate, config.head_rate]
        groups = [
            {"params": part.parameters(), "lr": r} for part, r in zip((block, head), rates, strict=True)
        ]
        optimiser = torch.optim.Adam(groups)
        steps = -(-len(rows) // config.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rates, epochs=config.epochs, steps_per_epoch=steps
        )
        chance = torch.Generator().manual_seed(config.seed)
        network.train()
        for _ in range(config.epochs):
            for part in torch.split(rows[torch.randperm(len(rows), generator=chance)], config.batch):
                view = torch.randint(config.views, (len(part),), generator=chance)
                loss = self._loss(network, self._features(network, part, view), self.target[part])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
        self._solve_head(network, rows)
        return network.eval()

    def __call__(self, train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shares of whole, unmirrored paintings by a network that was fitted to others, ``(1, tests, 8)``."""
        network = self.fit(torch.from_numpy(train))
        with torch.no_grad():
            logits = [
                network.logits(self._features(network, part, 0))
                for part in torch.split(torch.from_numpy(test), 32)
            ]
        shares: NDArray[np.float64] = torch.cat(logits).double().softmax(1).numpy()
        return shares[None]
