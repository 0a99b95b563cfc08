"""LPIPS: how different two pictures look (Zhang et al. 2018, https://arxiv.org/abs/1801.03924), version 0.1.

Maps of five depths of VGG16, each scaled to length one across channels, are compared point by point; weights
fitted to what people call similar say which channels count. VGG16's convolutions are the ImageNet ones that all
of training uses. The fitted weights (BSD licence) come with torchmetrics, whose own class would download the
convolutions anew.
"""

from __future__ import annotations

from importlib.resources import as_file, files

import torch
from torch import Tensor, nn

from training.data.covers import DataError
from training.metrics.imagenet import DEVIATION, MEAN

DEPTHS = (4, 9, 16, 23, 30)
"""Layers of VGG16 after whose ReLU a map is taken: conv1_2, 2_2, 3_3, 4_3 and 5_3."""


class Perceptual(nn.Module):
    """Pictures to maps that are compared by plain squares: the LPIPS of two is :meth:`between` their maps.

    Args:
        trunk: VGG16's convolutions, see :func:`training.metrics.imagenet.vgg16_features`.
        weights: one vector per depth, not negative, as many numbers as the map has channels.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, trunk: nn.Sequential, weights: list[Tensor]) -> None:
        super().__init__()
        starts = (0, *DEPTHS)
        self.slices = nn.ModuleList(trunk[a:b] for a, b in zip(starts, DEPTHS, strict=False))
        self.weights = nn.ParameterList(nn.Parameter(w, requires_grad=False) for w in weights)
        # LPIPS names its own constants for pictures in [-1, 1]; in [0, 1] they are ImageNet's.
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> list[Tensor]:
        """uint8 ``(n, 3, h, w)`` RGB to five maps, float32, of length one across channels."""
        maps = (pictures.to(self.mean.device).float() / 255 - self.mean) / self.deviation
        found = []
        for part in self.slices:
            maps = part(maps)
            found.append(maps / (maps.square().sum(1, keepdim=True) + 1e-8).sqrt())
        return found

    @torch.inference_mode()
    def between(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        """LPIPS of the pictures that maps were made of, pair by pair: float32, shape ``(n,)``, 0 for the same."""
        total = torch.zeros(len(one[0]), device=one[0].device)
        for a, b, weights in zip(one, other, self.weights, strict=True):
            total += torch.einsum("nchw,c->nhw", (a - b).square(), weights).mean((1, 2))
        return total

    def ring(self, pictures: Tensor, batch: int = 32) -> Tensor:
        """LPIPS of each picture to the next and of the last to the first, shape ``(n,)``.

        In random order these are random pairs, and every picture is looked at once only.

        Args:
            pictures: uint8, shape ``(n, 3, h, w)``.
        """
        found, first, before = [], None, None
        for part in torch.split(pictures, batch):
            maps = self(part)
            if before is None:
                first = [m[:1] for m in maps]
                joined = maps
            else:
                joined = [torch.cat(pair) for pair in zip(before, maps, strict=True)]
            found.append(self.between([m[:-1] for m in joined], [m[1:] for m in joined]))
            before = [m[-1:] for m in maps]
        assert before is not None and first is not None
        found.append(self.between(before, first))
        return torch.cat(found).cpu()


def fitted_weights() -> list[Tensor]:
    """The weights of LPIPS 0.1 for VGG16, from the installed torchmetrics.

    Raises:
        DataError: if they are not there.
    """
    place = files("torchmetrics") / "functional" / "image" / "lpips_models" / "vgg.pth"
    try:
        with as_file(place) as path:
            kept = torch.load(path, map_location="cpu", weights_only=True)
        return [kept[f"lin{k}.model.1.weight"].flatten().float() for k in range(len(DEPTHS))]
    except (OSError, KeyError, RuntimeError) as error:
        raise DataError(
            f"The weights of LPIPS are not in torchmetrics ({error}). Install requirements-dev.txt."
        ) from error
