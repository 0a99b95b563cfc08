"""Where in a cover a feeling comes from.

LayerCAM (Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943): where a map is active and more of it
would strengthen the feeling, the place under it matters. Taken in the last three blocks, whose places are
neither single pixels nor half the picture, and added up. Libraries for Grad-CAM look at one layer and a plain
classifier; here three blocks and several jurors speak.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from albumjudge.covers import HasPixels, as_png
from albumjudge.jury import Jury
from albumjudge.vgg import EmotionVGG

BLOCKS = (3, 4, 5)
DARKEST = 0.15


def saliency(
    network: Jury | EmotionVGG, images: Tensor, emotions: Tensor, juror: int | None = None
) -> Tensor:
    """Where each image's share of an emotion comes from.

    Args:
        images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(n,)``, places in the fixed order.
        juror: look through this one's eyes; None through the whole jury's.

    Returns:
        float, shape ``(n, h, w)``, from 0 to 1, where 1 is the most salient place; all 0 where nothing in the
        picture speaks for the emotion.
    """
    with torch.enable_grad():
        looked_at, heard = _look(network, images)
        shares = heard.mean(0) if juror is None else heard[juror]
        chosen = shares.gather(1, emotions[:, None]).log().sum()
        slopes = torch.autograd.grad(chosen, looked_at)
    return _heat(looked_at, slopes, images.shape[-2:])


def saliency_by_juror(network: Jury | EmotionVGG, image: Tensor, emotions: Tensor) -> Tensor:
    """Where each juror's share of an emotion comes from in one image, which is looked at only once for all.

    Args:
        image: float, shape ``(3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(jurors,)``, places in the fixed order.

    Returns:
        float, shape ``(jurors, h, w)``, as :func:`saliency` gives it.
    """
    with torch.enable_grad():
        looked_at, heard = _look(network, image[None])
        chosen = heard[:, 0].gather(1, emotions[:, None])[:, 0].log()
        each = [torch.autograd.grad(one, looked_at, retain_graph=True) for one in chosen]
    slopes = [torch.cat(of_one_block) for of_one_block in zip(*each, strict=True)]
    return _heat(looked_at, slopes, image.shape[-2:])


def _look(network: Jury | EmotionVGG, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """The maps of ``BLOCKS``, and what each juror feels, ``(jurors, n, 8)``, which depends on them."""
    maps = network.normalise(images).detach().requires_grad_(True)
    seen, reports = [], []
    for number in range(1, 6):
        maps = network.look(number, maps)
        seen.append(maps)
        reports.append(network.report(maps))
        maps = network.block_layers(number)[-1](maps)
    return [seen[number - 1] for number in BLOCKS], network.hear_reports(torch.cat(reports, 1))


@torch.no_grad()
def _heat(looked_at: Sequence[Tensor], slopes: Sequence[Tensor], size: Sequence[int]) -> Tensor:
    """Maps ``(n or 1, c, h, w)`` and slopes ``(n, c, h, w)`` of each block to ``(n, *size)`` in [0, 1]."""
    total = torch.zeros(len(slopes[0]), *size)
    for there, slope in zip(looked_at, slopes, strict=True):
        heat = (slope.relu() * there).sum(1, keepdim=True)
        larger = interpolate(heat, tuple(size), mode="bilinear", align_corners=False)[:, 0]
        total += larger / larger.amax((1, 2), keepdim=True).clamp(min=1e-12)
    top = total.amax((1, 2), keepdim=True)
    return torch.where(top > 0, total / top.clamp(min=1e-12), torch.zeros_like(total))


def spotlight(cover: HasPixels, heat: NDArray[np.float32], enlarge: int = 1) -> bytes:
    """The cover as PNG, dimmed where it does not matter.

    Args:
        heat: shape ``(size, size)``, 0 to 1, see :func:`saliency`.
        enlarge: as for :meth:`albumjudge.covers.Cover.png`.
    """
    light = DARKEST + (1 - DARKEST) * np.sqrt(heat)[:, :, None]
    return as_png(np.rint(cover.pixels * light).astype(np.uint8), enlarge)
