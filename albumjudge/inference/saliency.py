"""Where in a cover a feeling comes from: cover a place up and see how much of the feeling goes.

Occlusion (Zeiler & Fergus 2014, https://doi.org/10.1007/978-3-319-10590-1_53): windows that overlap are painted
over, one after the other, with the picture's mean colour. A place matters as much as the feeling's share fades,
on average, under the windows that hide it. No slope is followed and no layer is chosen, so the map says what
the jury itself does when it sees less. All jurors look at the same covered pictures.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from albumjudge.domain.cover import HasPixels, as_png
from albumjudge.domain.emotions import NAMES
from albumjudge.models.jury import Jury
from albumjudge.models.vgg16 import EmotionVGG

ACROSS = 5
"""Windows in a row, and rows of them."""
WINDOW = 4
"""A window's side is this part of the picture's: a quarter."""
BATCH = 32
DARKEST = 0.15


def windows(height: int, width: int) -> Tensor:
    """Which places each window hides: float, 0 or 1, shape ``(25, height, width)``, no place left out."""
    down, along = (
        torch.stack(
            [
                (torch.arange(side) >= start) & (torch.arange(side) < start + side // WINDOW)
                for start in starts
            ]
        )
        for side, starts in (
            (side, [round(step * (side - side // WINDOW) / (ACROSS - 1)) for step in range(ACROSS)])
            for side in (height, width)
        )
    )
    return (down[:, None, :, None] & along[None, :, None, :]).flatten(0, 1).float()


@torch.no_grad()
def look_covered(network: Jury | EmotionVGG, images: Tensor) -> Tensor:
    """What the trunk reports of each image, whole at first and then behind each window.

    Args:
        images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].

    Returns:
        shape ``(n, 26, d)``.
    """
    hidden = windows(*images.shape[-2:])
    masks = torch.cat([torch.zeros_like(hidden[:1]), hidden])[:, None]
    seen = []
    for image in images:
        covered = image * (1 - masks) + image.mean((1, 2), keepdim=True) * masks
        seen.append(
            torch.cat([network.reports(network.normalise(part)) for part in torch.split(covered, BATCH)])
        )
    return torch.stack(seen)


@torch.no_grad()
def heat(
    network: Jury | EmotionVGG,
    seen: Tensor,
    size: tuple[int, int],
    emotions: Tensor,
    juror: int | None = None,
) -> Tensor:
    """What :func:`saliency` returns, from what the trunk reported.

    Args:
        seen: see :func:`look_covered`, shape ``(n, 26, d)``.
        size: height and width of the images.
    """
    heard = network.hear_reports(seen.flatten(0, 1)).reshape(-1, *seen.shape[:2], len(NAMES))
    shares = heard.mean(0) if juror is None else heard[juror]
    return _spread(shares[torch.arange(len(seen)), :, emotions], size)


def saliency(
    network: Jury | EmotionVGG, images: Tensor, emotions: Tensor, juror: int | None = None
) -> Tensor:
    """Where each image's share of an emotion comes from.

    Args:
        images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(n,)``, places in the fixed order.
        juror: look through this one's eyes; None through the whole jury's.

    Returns:
        float, shape ``(n, h, w)``, from 0 to 1, where 1 is the most salient place and 0 one without which the
        emotion would be as strong, or stronger; all 0 where no place differs from another.
    """
    height, width = images.shape[-2:]
    return heat(network, look_covered(network, images), (height, width), emotions, juror)


@torch.no_grad()
def saliency_by_juror(network: Jury | EmotionVGG, image: Tensor, emotions: Tensor) -> Tensor:
    """Where each juror's share of an emotion comes from in one image, which is looked at only once for all.

    Args:
        image: float, shape ``(3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(jurors,)``, places in the fixed order.

    Returns:
        float, shape ``(jurors, h, w)``, as :func:`saliency` gives it.
    """
    heard = network.hear_reports(look_covered(network, image[None])[0])
    height, width = image.shape[-2:]
    return _spread(heard[torch.arange(len(heard)), :, emotions], (height, width))


def _spread(shares: Tensor, size: tuple[int, int]) -> Tensor:
    """Shares ``(n, 26)`` of the whole picture and behind each window, to maps ``(n, *size)`` in [0, 1]."""
    hidden = windows(*size)
    fades = shares[:, :1].clamp(min=1e-12).log() - shares[:, 1:].clamp(min=1e-12).log()
    total = torch.einsum("nw,whv->nhv", fades, hidden) / hidden.sum(0)
    # Where hiding any place only strengthens the feeling, the places are ranked all the same.
    most, least = total.amax((1, 2), keepdim=True), total.amin((1, 2), keepdim=True)
    total = (total - torch.where(most > 0, 0.0, least)).clamp(min=0)
    return total / total.amax((1, 2), keepdim=True).clamp(min=1e-12)


def spotlight(cover: HasPixels, heat: NDArray[np.float32], enlarge: int = 1) -> bytes:
    """The cover as PNG, dimmed where it does not matter.

    Args:
        heat: shape ``(size, size)``, 0 to 1, see :func:`saliency`.
        enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.
    """
    light = DARKEST + (1 - DARKEST) * np.sqrt(heat)[:, :, None]
    return as_png(np.rint(cover.pixels * light).astype(np.uint8), enlarge)
