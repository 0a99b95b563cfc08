"""Jury of kernel classifiers on one VGG16, fitted to several data sets of labelled pictures at once.

Each juror is a kernel multinomial regression (Zhu & Hastie 2005, https://doi.org/10.1198/106186005X25619) with
a rational quadratic kernel between a picture and landmarks, the pictures of the training sets. Landmarks of two
domains (abstract paintings with votes, other paintings with other scales) share a kernel and have one of their
own each (coregionalisation: Alvarez, Rosasco & Lawrence 2012, https://doi.org/10.1561/2200000036), weighed by
a classifier that says which domain a picture resembles. Predicted scales of the other paintings are inputs of
the kernel beside the features (stacking). The jury's verdict is a mixture of the jurors (Jacobs et al. 1991,
https://doi.org/10.1162/neco.1991.3.1.79) with one set of weights for each domain.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from albumjudge.domain.emotions import EMOTIONS, NAMES
from albumjudge.models.layers import HubModule
from albumjudge.models.vgg16 import BLOCK_WIDTHS, VGG16Features, pooled_dtype

LIGHTNESS = (0.0, 25.0, 50.0, 75.0, 100.0)
CHROMA = (-60.0, -20.0, -6.0, 6.0, 20.0, 60.0)
FEATURE_WIDTHS = (*(3 * width for width in BLOCK_WIDTHS), len(LIGHTNESS) * len(CHROMA) ** 2)
"""Numbers of each group of features: mean, maximum and activation share of every map of the five blocks, then
the colour histogram."""
_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.089)


def to_lab(images: Tensor) -> Tensor:
    """SRGB in [0, 1] to CIE Lab under D65, both of shape ``(n, 3, h, w)``."""
    linear = torch.where(
        images > 0.04045, ((images.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, images / 12.92
    )
    matrix = torch.tensor(_TO_XYZ, device=images.device) / torch.tensor(_WHITE, device=images.device)[:, None]
    ratio = torch.einsum("ij,njhw->nihw", matrix, linear)
    root = torch.where(ratio > 0.008856, ratio.clamp(min=0.008856) ** (1 / 3), 7.787 * ratio + 16 / 116)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def memberships(values: Tensor, knots: Sequence[float]) -> Tensor:
    """Triangular membership of each value in the bins around the knots, shape ``(*values.shape, len(knots))``."""
    places = torch.tensor(knots, device=values.device)
    widths = places.diff()
    inner = values.clamp(knots[0], knots[-1]).unsqueeze(-1)
    rising = (inner - places[:-1]) / widths
    first, last = torch.ones_like(inner), torch.ones_like(inner)
    return torch.minimum(torch.cat([first, rising], -1), torch.cat([1 - rising, last], -1)).clamp(min=0)


def colour_histogram(images: Tensor) -> Tensor:
    """Roots of the shares of a picture's colours, in bins of CIE Lab, ``(n, 3, h, w)`` to ``(n, 180)``."""
    lab = to_lab(images.clamp(0, 1)).flatten(2)
    bins = [memberships(lab[:, i], knots) for i, knots in enumerate((LIGHTNESS, CHROMA, CHROMA))]
    chroma = torch.einsum("npj,npk->npjk", bins[1], bins[2]).flatten(2)
    counts = (bins[0].transpose(1, 2) @ chroma).flatten(1)
    return (counts / lab.shape[-1] + 1e-6).sqrt()


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Squared Euclidean distances between rows, shape ``(len(left), len(right))``."""
    distances = left.square().sum(1)[:, None] + right.square().sum(1) - 2 * left @ right.T
    return distances.clamp(min=0)


def activation_share(maps: Tensor) -> Tensor:
    """Share of positions where each map is above zero, ``(n, c, h, w)`` to ``(n, c)``.

    Its gradient is that of ``x / (1 + x)`` (straight-through estimator).
    """
    share = (maps > 0).to(maps.dtype).mean((2, 3), dtype=pooled_dtype(maps))
    if not maps.requires_grad:
        return share
    smooth = (maps / (maps + 1)).mean((2, 3), dtype=share.dtype)
    return smooth + (share - smooth).detach()


class ColourFeatures(VGG16Features):
    """The five blocks' features with the activation share of every map, and a histogram of colours."""

    @staticmethod
    def pool(maps: Tensor) -> Tensor:
        """Maps ``(n, c, h, w)`` to roots of means and maxima, and activation shares, ``(n, 3 c)``."""
        return torch.cat([VGG16Features.pool(maps), activation_share(maps)], 1)

    def pooled_features(self, maps: Tensor, first: int = 1) -> Tensor:
        """Features of normalised pictures, ``(n, 3, size, size)`` to ``(n, sum(FEATURE_WIDTHS))``."""
        return torch.cat(
            [super().pooled_features(maps, first), colour_histogram(maps * self.sd + self.mean)], 1
        )


class MultitaskJury(
    ColourFeatures,
    HubModule,
    pipeline_tag="image-classification",
    tags=["vgg16", "emotion", "label-distribution-learning", "multi-task", "ensemble"],
):
    """Pictures to each juror's shares of the eight emotions. The convolutions run once for all.

    Args:
        size: side in pixels to which pictures are resized.
        juror_names: of each juror, in a word or two.
        landmarks: number of pictures that kernels compare with.
        scales: number of predicted scales of other paintings.
        components: principal components kept of each group of features.

    Raises:
        ValueError: if there is no juror, or not one number of components per group.
    """

    centre: Tensor
    landmarks: Tensor
    landmark_scales: Tensor
    is_abstract: Tensor
    scale_attention: Tensor
    scale_weights: Tensor
    scale_bias: Tensor
    domain_weights: Tensor
    domain_bias: Tensor
    attention: Tensor
    separation: Tensor
    weights: Tensor
    bias: Tensor
    prior_correction: Tensor
    juror_weights: Tensor
    domain_attention: Tensor
    valence_shift: Tensor
    signs: Tensor

    def __init__(
        self,
        size: int = 64,
        juror_names: Sequence[str] = ("alone",),
        landmarks: int = 1,
        scales: int = 1,
        components: Sequence[int] = (1,) * len(FEATURE_WIDTHS),
    ) -> None:
        super().__init__(size)
        if (
            isinstance(juror_names, str)
            or not juror_names
            or not all(isinstance(name, str) for name in juror_names)
        ):
            raise ValueError("A jury needs a list of at least one name in `juror_names`.")
        if len(components) != len(FEATURE_WIDTHS):
            raise ValueError(f"A jury needs {len(FEATURE_WIDTHS)} numbers of components.")
        self.juror_names, self.components = tuple(juror_names), tuple(components)
        groups, count = len(FEATURE_WIDTHS), len(juror_names)
        shapes = {
            "centre": (sum(FEATURE_WIDTHS),),
            **{f"basis{i}": pair for i, pair in enumerate(zip(FEATURE_WIDTHS, components, strict=True))},
            "landmarks": (landmarks, sum(components)),
            "landmark_scales": (landmarks, scales),
            "is_abstract": (landmarks,),
            "scale_attention": (groups,),
            "scale_weights": (landmarks, scales),
            "scale_bias": (scales,),
            "domain_weights": (landmarks, 1),
            "domain_bias": (1,),
            "attention": (count, groups + 1),
            "separation": (count,),
            "weights": (count, landmarks, len(NAMES)),
            "bias": (count, len(NAMES)),
            "prior_correction": (len(NAMES),),
            "juror_weights": (2, count),
            "domain_attention": (groups,),
            "valence_shift": (count,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))
        signs = torch.tensor([0.5 if emotion.positive else -0.5 for emotion in EMOTIONS])
        self.register_buffer("signs", signs, persistent=False)

    def coordinates(self, features: Tensor) -> Tensor:
        """Principal components of features, ``(n, sum(FEATURE_WIDTHS))`` to ``(n, sum(components))``."""
        groups = torch.split(features - self.centre, list(FEATURE_WIDTHS), 1)
        return torch.cat([group @ self.get_buffer(f"basis{i}") for i, group in enumerate(groups)], 1)

    def distances(self, coordinates: Tensor) -> Tensor:
        """Squared distances to the landmarks by group of features, shape ``(groups, n, landmarks)``."""
        pairs = zip(
            torch.split(coordinates, list(self.components), 1),
            torch.split(self.landmarks, list(self.components), 1),
            strict=True,
        )
        return torch.stack([squared_distances(here, there) for here, there in pairs])

    def domain(self, distances: Tensor) -> Tensor:
        """Probability that a picture is one of the abstract paintings' kind, shape ``(n, 1)``."""
        kernel = self._kernel(self.domain_attention, distances)
        return (kernel @ self.domain_weights + self.domain_bias).sigmoid()

    def scales(self, distances: Tensor) -> Tensor:
        """Predicted scales of other paintings, standardised, shape ``(n, scales)``."""
        return self._kernel(self.scale_attention, distances) @ self.scale_weights + self.scale_bias

    def kernels(self, distances: Tensor) -> Tensor:
        """Each juror's kernel between pictures and landmarks, shape ``(jurors, n, landmarks)``."""
        beside = squared_distances(self.scales(distances), self.landmark_scales)
        kernel = self._kernel(self.attention, torch.cat([distances, beside[None]]))
        domain = self.domain(distances)
        same = domain * self.is_abstract + (1 - domain) * (1 - self.is_abstract)
        apart = self.separation[:, None, None]
        return kernel * (1 + apart * same) / (1 + apart)

    @staticmethod
    def _kernel(attention: Tensor, distances: Tensor) -> Tensor:
        return (1 + torch.einsum("...g,gnl->...nl", attention, distances)).reciprocal()

    def juror_logits(self, distances: Tensor) -> Tensor:
        """Each juror's logits without the prior correction, shape ``(jurors, n, 8)``.

        Predicted valence, the last of the scales, shifts them before pictures of the other domain.
        """
        logits = self.kernels(distances) @ self.weights + self.bias[:, None]
        pleasant = (1 - self.domain(distances)) * self.scales(distances)[:, -1:]
        return logits + self.valence_shift[:, None, None] * pleasant * self.signs

    def weights_of(self, distances: Tensor) -> Tensor:
        """How much each juror counts in the verdict on each picture, shape ``(jurors, n)``, 1 in all."""
        # Divided by their sum, which half precision moves away from one.
        weights = self.juror_weights / self.juror_weights.sum(1, keepdim=True)
        domain = self.domain(distances)
        return (domain * weights[0] + (1 - domain) * weights[1]).T

    def verdicts_of(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`albumjudge.models.vgg16.VGG16Features.verdicts_of`."""
        distances = self.distances(self.coordinates(features))
        jurors = (self.juror_logits(distances) + self.prior_correction).softmax(2)
        return jurors, (self.weights_of(distances)[:, :, None] * jurors).sum(0)

    def probabilities_of(self, features: Tensor) -> Tensor:
        """Each juror's shares from features, ``(n, sum(FEATURE_WIDTHS))``, shape ``(jurors, n, 8)``."""
        return self.verdicts_of(features)[0]
