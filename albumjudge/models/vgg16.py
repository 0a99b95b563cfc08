"""VGG16 (Simonyan & Zisserman 2014) as a feature extractor, and a linear head on it for eight emotions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albumjudge.domain.emotions import NAMES
from albumjudge.models.layers import HubModule

BLOCK_STARTS = (0, 5, 10, 17, 24, 31)
"""Where the five blocks of torchvision's ``features`` begin, each a few convolutions and a max-pool."""
BLOCK_WIDTHS = (64, 128, 256, 512, 512)
FEATURE_WIDTHS = tuple(2 * width for width in BLOCK_WIDTHS)
"""Pooled features of each block: mean and maximum of every map."""
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_SD = (0.229, 0.224, 0.225)


def pooled_dtype(maps: Tensor) -> torch.dtype:
    """Of what is pooled from maps: at least float32."""
    return torch.promote_types(maps.dtype, torch.float32)


def vgg16_features() -> nn.Sequential:
    """``features`` of torchvision's ``vgg16()``, whose import would make the start a second longer."""
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in zip(BLOCK_WIDTHS, (2, 2, 3, 3, 3), strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


class VGG16Features(nn.Module):
    """torchvision's ``vgg16().features``, pooled after every block.

    The square roots of mean and maximum of every map, before each block's max-pool, are 2,944 features.

    Args:
        size: images of another size are resized to this side first, in pixels.
    """

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        self.size = size
        self.features = vgg16_features()
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(_IMAGENET_SD).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.sd: Tensor

    def normalise(self, images: Tensor) -> Tensor:
        """RGB in [0, 1], shape ``(n, 3, h, w)``, to standardised ``(n, 3, size, size)``, channels last."""
        if images.shape[-2:] != (self.size, self.size):
            images = nn.functional.interpolate(
                images, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False
            )
        return ((images - self.mean) / self.sd).contiguous(memory_format=torch.channels_last)

    def block_layers(self, number: int) -> nn.Sequential:
        """Layers of block ``number`` (1 to 5), the max-pool last."""
        start, end = BLOCK_STARTS[number - 1 : number + 1]
        return self.features[start:end]

    def block(self, number: int, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Run block ``number`` (1 to 5).

        Returns:
            its output, and its pooled features, ``(n, FEATURE_WIDTHS[number - 1])``.
        """
        *layers, max_pool = self.block_layers(number)
        for layer in layers:
            maps = layer(maps)
        pooled: Tensor = max_pool(maps)
        return pooled, self.pool(maps)

    @staticmethod
    def pool(maps: Tensor) -> Tensor:
        """Maps ``(n, c, h, w)`` to square roots of their means and maxima, ``(n, 2 c)``."""
        means = maps.mean((2, 3), dtype=pooled_dtype(maps))
        # The small constant keeps the gradient of the root finite where a map is zero.
        return torch.cat([means, maps.amax((2, 3)).to(means.dtype)], 1).add(1e-3).sqrt()

    def pooled_features(self, maps: Tensor, first: int = 1) -> Tensor:
        """Pooled features of the blocks from ``first`` on, side by side, given that block's input."""
        pooled, maps = [], maps.to(next(self.features.parameters()).dtype)
        for number in range(first, 6):
            maps, features = self.block(number, maps)
            pooled.append(features)
        return torch.cat(pooled, 1)

    def extract(self, images: Tensor) -> Tensor:
        """Pooled features of all blocks; ``images`` are RGB in [0, 1], ``(n, 3, h, w)``."""
        return self.pooled_features(self.normalise(images))

    def probabilities_of(self, features: Tensor) -> Tensor:
        """Each juror's probabilities from pooled features, ``(n, d)``, shape ``(jurors, n, 8)``."""
        raise NotImplementedError

    def verdicts_of(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Each juror's probabilities, ``(jurors, n, 8)``, and the jury's, ``(n, 8)``, from pooled features."""
        jurors = self.probabilities_of(features)
        return jurors, jurors.mean(0)

    def juror_probabilities(self, images: Tensor) -> Tensor:
        """Each juror's probabilities, ``(jurors, n, 8)``; images as for :meth:`forward`."""
        return self.probabilities_of(self.extract(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logarithm of the jury's probabilities, ``(n, 8)``, in the order of the eight emotions.

        Args:
            images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].
        """
        return self.verdicts_of(self.extract(images))[1].log()


class VGG16EmotionClassifier(
    VGG16Features,
    HubModule,
    pipeline_tag="image-classification",
    tags=["vgg16", "emotion", "label-distribution-learning"],
):
    """A linear head on standardised features; the blocks may be fine-tuned.

    Args:
        size: see :class:`VGG16Features`.
    """

    juror_names = ("alone",)

    def __init__(self, size: int = 64) -> None:
        super().__init__(size)
        width = sum(FEATURE_WIDTHS)
        self.head = nn.Linear(width, len(NAMES))
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_sd", torch.ones(width))
        self.feature_mean: Tensor
        self.feature_sd: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Pooled features, ``(n, 2944)``, to logits, ``(n, 8)``."""
        logits: Tensor = self.head((features - self.feature_mean) / self.feature_sd)
        return logits

    def probabilities_of(self, features: Tensor) -> Tensor:
        """Probabilities of a jury of one from pooled features, ``(n, 2944)``, shape ``(1, n, 8)``."""
        return self.logits(features).softmax(1)[None]
