"""The trunk that looks, VGG16 (Simonyan & Zisserman, 2014), and a plain head for eight emotions."""

from __future__ import annotations

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from albumjudge.domain.emotions import NAMES

BLOCK_STARTS = (0, 5, 10, 17, 24, 31)
"""Where the five blocks of torchvision's ``features`` begin, each a few convolutions closed by a max-pool."""
BLOCK_WIDTHS = (64, 128, 256, 512, 512)
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_SD = (0.229, 0.224, 0.225)


REPORT_WIDTHS = tuple(2 * width for width in BLOCK_WIDTHS)
"""How many numbers each block reports: a mean and a maximum for each of its feature maps."""


class Backbone(nn.Module):
    """torchvision's ``vgg16().features``, read out after every block.

    VGG16's own 25,088-wide classifier makes no sense here: a 64x64 image leaves a 2x2 map. Instead each of the
    five blocks reports, before its max-pool, the mean and the maximum of every feature map, so that colour and
    texture (early blocks) speak as loudly as objects (late ones), which is what feeling in abstract pictures
    hangs on. These 2,944 numbers are square-rooted, since pooled activations are heavy-tailed.

    Args:
        size: images of another size are resized to this side before the trunk sees them, in pixels.
    """

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        self.size = size
        # vgg16() itself would also build the classifier, seven times the size of all the rest.
        self.features: nn.Sequential = make_layers(cfgs["D"])
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(_IMAGENET_SD).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.sd: Tensor

    def normalise(self, images: Tensor) -> Tensor:
        """RGB in [0, 1], shape ``(n, 3, h, w)``, to what the trunk was trained on, ``(n, 3, size, size)``."""
        if images.shape[-2:] != (self.size, self.size):
            images = nn.functional.interpolate(
                images, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False
            )
        # Channels last: the same numbers in an order that convolutions on a processor work through faster.
        return ((images - self.mean) / self.sd).contiguous(memory_format=torch.channels_last)

    def block_layers(self, number: int) -> nn.Sequential:
        """Layers of block ``number`` (1 to 5), the max-pool last."""
        start, end = BLOCK_STARTS[number - 1 : number + 1]
        return self.features[start:end]

    def block(self, number: int, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Run block ``number`` (1 to 5).

        Returns:
            its output after the max-pool, and its report: shape ``(n, 2 * BLOCK_WIDTHS[number - 1])``.
        """
        maps = self.look(number, maps)
        pooled: Tensor = self.block_layers(number)[-1](maps)
        return pooled, self.report(maps)

    def look(self, number: int, maps: Tensor) -> Tensor:
        """Run block ``number`` up to its max-pool."""
        for layer in self.block_layers(number)[:-1]:
            maps = layer(maps)
        return maps

    @staticmethod
    def report(maps: Tensor) -> Tensor:
        """What a block says of its maps, ``(n, c, h, w)``: roots of their means and maxima, ``(n, 2 c)``."""
        # The small constant keeps the root's slope finite where a map is silent.
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1).add(1e-3).sqrt()

    def reports(self, maps: Tensor, first: int = 1) -> Tensor:
        """Reports of the blocks from ``first`` on, side by side, given that block's input."""
        said = []
        for number in range(first, 6):
            maps, report = self.block(number, maps)
            said.append(report)
        return torch.cat(said, 1)


class EmotionVGG(
    Backbone,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="image-classification",
    license="mit",
    tags=["vgg16", "emotion", "label-distribution-learning"],
):
    """One judge with one linear layer on the trunk's standardised reports; its trunk may be fine-tuned.

    Args:
        size: see :class:`Backbone`.
        temperature: divides the logits; fitted after training, so that shares are honest.
    """

    def __init__(self, size: int = 64, temperature: float = 1.0) -> None:
        super().__init__(size)
        self.temperature = temperature
        width = sum(REPORT_WIDTHS)
        self.head = nn.Linear(width, len(NAMES))
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.centre: Tensor
        self.spread: Tensor

    @property
    def lives(self) -> tuple[str, ...]:
        """A jury of one."""
        return ("alone",)

    def logits(self, reports: Tensor) -> Tensor:
        """All five blocks' reports, ``(n, 2944)``, to logits, ``(n, 8)``."""
        logits: Tensor = self.head((reports - self.centre) / self.spread)
        return logits / self.temperature

    def forward(self, images: Tensor) -> Tensor:
        """Feel.

        Args:
            images: float, shape ``(n, 3, h, w)``, RGB in [0, 1]. Normalisation happens inside.

        Returns:
            float, shape ``(n, 8)``, logits in the order of :data:`albumjudge.domain.emotions.NAMES`; their softmax
            is the distribution of what people would feel.
        """
        return self.logits(self.reports(self.normalise(images)))

    def hear(self, images: Tensor) -> Tensor:
        """What each juror feels: shares, shape ``(1, n, 8)``; images as for :meth:`forward`."""
        return self.hear_reports(self.reports(self.normalise(images)))

    def hear_reports(self, reports: Tensor) -> Tensor:
        """The same from all five blocks' reports, ``(n, 2944)``."""
        return self.logits(reports).softmax(1)[None]
