"""Where in a cover a feeling comes from, by occlusion (Zeiler & Fergus 2014,
https://doi.org/10.1007/978-3-319-10590-1_53).

Overlapping windows are painted over, one after the other, with the picture's mean colour. A place is as
salient as the emotion's log share falls, on average, under the windows that cover it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from albumjudge.domain.cover import HasPixels, as_png
from albumjudge.domain.emotions import NAMES, top
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.judge import JudgeNetwork, as_images

ACROSS = 5
"""Windows in a row, and rows of them."""
WINDOW = 4
"""A window's side is this part of the picture's: a quarter."""
BATCH = 32
DARKEST = 0.15


def windows(height: int, width: int) -> Tensor:
    """Masks of the windows: float, 0 or 1, shape ``(25, height, width)``; together they cover all."""
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
def occluded_features(network: JudgeNetwork, images: Tensor) -> Tensor:
    """Pooled features of each image, whole at first and then behind each window, ``(n, 26, d)``.

    Args:
        images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].
    """
    hidden = windows(*images.shape[-2:])
    masks = torch.cat([torch.zeros_like(hidden[:1]), hidden])[:, None]
    features = []
    for image in images:
        occluded = image * (1 - masks) + image.mean((1, 2), keepdim=True) * masks
        features.append(torch.cat([network.extract(part) for part in torch.split(occluded, BATCH)]))
    return torch.stack(features)


@torch.no_grad()
def saliency_of(
    network: JudgeNetwork,
    features: Tensor,
    size: tuple[int, int],
    emotions: Tensor,
    juror: int | None = None,
) -> Tensor:
    """What :func:`saliency` returns, from what :func:`occluded_features` gave.

    Args:
        features: shape ``(n, 26, d)``.
        size: height and width of the images.
    """
    jurors, jury = network.verdicts_of(features.flatten(0, 1))
    shares = (jury if juror is None else jurors[juror]).reshape(*features.shape[:2], len(NAMES))
    return _maps(shares[torch.arange(len(features)), :, emotions], size)


def saliency(network: JudgeNetwork, images: Tensor, emotions: Tensor, juror: int | None = None) -> Tensor:
    """Where each image's share of an emotion comes from.

    Args:
        images: float, shape ``(n, 3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(n,)``, places in the fixed order.
        juror: number of one juror; None for the jury.

    Returns:
        float, shape ``(n, h, w)``, from 0 to 1, where 1 is the most salient place and 0 one without which the
        emotion would be as strong, or stronger; all 0 where no place differs from another.
    """
    height, width = images.shape[-2:]
    return saliency_of(network, occluded_features(network, images), (height, width), emotions, juror)


@torch.no_grad()
def saliency_by_juror(network: JudgeNetwork, image: Tensor, emotions: Tensor) -> Tensor:
    """Where each juror's share of an emotion comes from in one image.

    Args:
        image: float, shape ``(3, h, w)``, RGB in [0, 1].
        emotions: int64, shape ``(jurors,)``, places in the fixed order.

    Returns:
        float, shape ``(jurors, h, w)``, as :func:`saliency` gives it.
    """
    probabilities = network.probabilities_of(occluded_features(network, image[None])[0])
    height, width = image.shape[-2:]
    return _maps(probabilities[torch.arange(len(probabilities)), :, emotions], (height, width))


def _maps(shares: Tensor, size: tuple[int, int]) -> Tensor:
    """Shares ``(n, 26)`` of the whole picture and behind each window, to maps ``(n, *size)`` in [0, 1]."""
    hidden = windows(*size)
    falls = shares[:, :1].clamp(min=1e-12).log() - shares[:, 1:].clamp(min=1e-12).log()
    total = torch.einsum("nw,whv->nhv", falls, hidden) / hidden.sum(0)
    # Where hiding any place only strengthens the emotion, the places are ranked all the same.
    most, least = total.amax((1, 2), keepdim=True), total.amin((1, 2), keepdim=True)
    total = (total - torch.where(most > 0, 0.0, least)).clamp(min=0)
    return total / total.amax((1, 2), keepdim=True).clamp(min=1e-12)


def spotlight(cover: HasPixels, salience: NDArray[np.float32], enlarge: int = 1) -> bytes:
    """The cover as PNG, dimmed where it does not matter.

    Args:
        salience: shape ``(size, size)``, 0 to 1, see :func:`saliency`.
        enlarge: as for :meth:`albumjudge.domain.cover.Cover.png`.
    """
    light = DARKEST + (1 - DARKEST) * np.sqrt(salience)[:, :, None]
    return as_png(np.rint(cover.pixels * light).astype(np.uint8), enlarge)


def picture_png(network: JudgeNetwork, picture: HasPixels, emotion: str, enlarge: int) -> bytes:
    """A picture as PNG, dimmed where it does not speak for an emotion."""
    salience = saliency(network, as_images([picture]), torch.tensor([NAMES.index(emotion)]))
    return spotlight(picture, salience[0].numpy(), enlarge)


def juror_pngs(network: JudgeNetwork, judged: JudgedCover, enlarge: int) -> list[bytes]:
    """The cover as PNG once for each juror, dimmed where it does not speak for that one's first emotion."""
    firsts = [NAMES.index(top(juror.probabilities)) for juror in judged.verdict.jurors]
    salience = saliency_by_juror(network, as_images([judged.cover])[0], torch.tensor(firsts))
    return [spotlight(judged.cover, one.numpy(), enlarge) for one in salience]
