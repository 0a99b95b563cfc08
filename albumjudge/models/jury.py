"""The jury: several kernel regressions on one VGG16, each with its own features, labels or training paintings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from albumjudge.domain.emotions import NAMES
from albumjudge.models.vgg16 import BLOCK_WIDTHS, VGG16Features, pooled_dtype

JURY_FEATURE_WIDTHS = tuple(3 * width for width in BLOCK_WIDTHS)
"""Pooled features of each block: mean, maximum and activation share of every map."""


class JuryFeatures(VGG16Features):
    """VGG16's features with the activation share of every map beside its mean and maximum: 4,416 features."""

    @staticmethod
    def pool(maps: Tensor) -> Tensor:
        """Maps ``(n, c, h, w)`` to means, maxima and activation shares, ``(n, 3 c)``."""
        return torch.cat([VGG16Features.pool(maps), activation_share(maps)], 1)


def activation_share(maps: Tensor) -> Tensor:
    """Share of positions where each map is above zero, ``(n, c, h, w)`` to ``(n, c)``.

    Its gradient is that of ``x / (1 + x)`` (straight-through estimator).
    """
    share = (maps > 0).to(maps.dtype).mean((2, 3), dtype=pooled_dtype(maps))
    if not maps.requires_grad:
        return share
    smooth = (maps / (maps + 1)).mean((2, 3), dtype=share.dtype)
    return smooth + (share - smooth).detach()


class Jury(
    JuryFeatures,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="image-classification",
    license="mit",
    tags=["vgg16", "emotion", "label-distribution-learning", "ensemble"],
):
    """Covers to each juror's distribution over the emotions.

    A juror is a kernel multinomial regression (Zhu & Hastie 2005, https://doi.org/10.1198/106186005X25619) on the
    training paintings with a rational quadratic kernel. Its inputs are the pooled features and predictions
    of other data sets' scales.

    Args:
        size: see :class:`~albumjudge.models.vgg16.VGG16Features`.
        juror_names: of each juror, in a word or two.
        paintings: how many training paintings there are.
        other_scales: how many predictions of other data sets' scales stand beside the pooled features.

    Raises:
        ValueError: if there is no juror.
    """

    def __init__(
        self,
        size: int = 64,
        juror_names: Sequence[str] = ("alone",),
        paintings: int = 280,
        other_scales: int = 25,
    ) -> None:
        super().__init__(size)
        named = not isinstance(juror_names, str) and all(isinstance(name, str) for name in juror_names)
        if not named or not juror_names:
            raise ValueError("A jury needs a list of at least one name in `juror_names`.")
        self.juror_names = tuple(juror_names)
        features, jurors = sum(JURY_FEATURE_WIDTHS), len(juror_names)
        self.scale_head = nn.Linear(features, other_scales)
        for name, shape in {
            "feature_mean": (features,),
            "feature_sd": (features,),
            "painting_features": (paintings, features + other_scales),
            "feature_weights": (jurors, features + other_scales),
            "dual_coefficients": (jurors, paintings, len(NAMES)),
            "bias": (jurors, len(NAMES)),
            "prior_correction": (len(NAMES),),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        self.feature_mean: Tensor
        self.feature_sd: Tensor
        self.painting_features: Tensor
        self.feature_weights: Tensor
        self.dual_coefficients: Tensor
        self.bias: Tensor
        self.prior_correction: Tensor

    def standardise(self, features: Tensor) -> Tensor:
        """Pooled features, ``(n, 4416)``, to the jurors' inputs, ``(n, 4416 + other_scales)``."""
        standardised = (features - self.feature_mean) / self.feature_sd
        return torch.cat([standardised, self.scale_head(standardised)], 1)

    def juror_logits(self, inputs: Tensor) -> Tensor:
        """What :meth:`standardise` gives to each juror's logits on paintings, ``(jurors, n, 8)``."""
        squared = self.feature_weights.square()
        # One product for all jurors, of which only the inputs are weighted: paintings are many, inputs few.
        cross = (inputs * squared[:, None]) @ self.painting_features.T
        own = inputs.square() @ squared.T
        theirs = squared @ self.painting_features.square().T
        distance = own.T[:, :, None] + theirs[:, None] - 2 * cross
        kernel = (1 + distance.clamp(min=0)).reciprocal()
        return kernel @ self.dual_coefficients + self.bias[:, None]

    def probabilities_of(self, features: Tensor) -> Tensor:
        """Each juror's shares from pooled features, ``(n, 4416)``, shape ``(jurors, n, 8)``.

        ``prior_correction`` is added to the logits, since covers are not paintings, see
        :mod:`training.fit_prior_correction`.
        """
        return (self.juror_logits(self.standardise(features)) + self.prior_correction).softmax(2)
