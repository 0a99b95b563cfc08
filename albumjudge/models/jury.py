"""The jury: several judges with different lives who look through one trunk.

Every juror remembers paintings. What it feels before a picture depends on how much the picture resembles each
of them, as far as that juror looks: a rational quadratic kernel on the trunk's reports, weighted by the juror,
and a softmax (kernel multinomial regression; Zhu & Hastie 2005, https://doi.org/10.1198/106186005X25619).
That kernel is a mixture of Gaussian ones of all widths, so that near and far paintings both speak. Beside the
reports stands what people would have felt before *other* paintings of the same kind, as a linear reading
of the reports that was learnt from other data sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from albumjudge.domain.emotions import NAMES
from albumjudge.models.vgg16 import BLOCK_WIDTHS, Backbone

JURY_WIDTHS = tuple(3 * width for width in BLOCK_WIDTHS)
"""How many numbers each block reports to a jury: those of a plain trunk, then how far each map is awake."""


class JuryBackbone(Backbone):
    """The trunk as a jury hears it: each block also says in how much of the picture each of its maps is awake.

    How strongly a map answers and how widely are different things: a red dot is no red wall. These 4,416 numbers
    are a mean and a maximum, as :class:`~albumjudge.models.vgg16.Backbone` gives them, and a share for every map.
    """

    @staticmethod
    def report(maps: Tensor) -> Tensor:
        """Maps ``(n, c, h, w)`` to means, maxima and shares of places that are awake, ``(n, 3 c)``."""
        return torch.cat([Backbone.report(maps), awake(maps)], 1)


def awake(maps: Tensor) -> Tensor:
    """Share of the places where each map is above zero, ``(n, c, h, w)`` to ``(n, c)``.

    A count has no slope. Who follows a feeling back into the picture is given that of ``x / (1 + x)`` instead,
    which is near to it where maps answer strongly.
    """
    share = (maps > 0).to(maps.dtype).mean((2, 3))
    if not maps.requires_grad:
        return share
    soft = (maps / (maps + 1)).mean((2, 3))
    return soft + (share - soft).detach()


class Jury(
    JuryBackbone,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="image-classification",
    license="mit",
    tags=["vgg16", "emotion", "label-distribution-learning", "ensemble"],
):
    """Covers to what each juror feels. The trunk runs once for all.

    Args:
        size: see :class:`~albumjudge.models.vgg16.Backbone`.
        lives: name of each juror, in a word or two.
        remembered: how many paintings they remember.
        others: how many readings from other paintings stand beside the reports.

    Raises:
        ValueError: if there is no juror.
    """

    def __init__(
        self, size: int = 64, lives: Sequence[str] = ("alone",), remembered: int = 280, others: int = 25
    ) -> None:
        super().__init__(size)
        if isinstance(lives, str) or not lives or not all(isinstance(life, str) for life in lives):
            raise ValueError("A jury needs a list of at least one name in `lives`.")
        self.lives = tuple(lives)
        reports = sum(JURY_WIDTHS)
        self.elsewhere = nn.Linear(reports, others)
        for name, shape in {
            "centre": (reports,),
            "spread": (reports,),
            "paintings": (remembered, reports + others),
            "attention": (len(lives), reports + others),
            "memory": (len(lives), remembered, len(NAMES)),
            "leaning": (len(lives), len(NAMES)),
            "setting": (len(NAMES),),
        }.items():
            self.register_buffer(name, torch.zeros(shape))
        self.centre: Tensor
        self.spread: Tensor
        self.paintings: Tensor
        self.attention: Tensor
        self.memory: Tensor
        self.leaning: Tensor
        self.setting: Tensor

    def standardise(self, reports: Tensor) -> Tensor:
        """The trunk's reports, ``(n, 4416)``, as jurors take them: ``(n, 4416 + others)``."""
        plain = (reports - self.centre) / self.spread
        return torch.cat([plain, self.elsewhere(plain)], 1)

    def juror_logits(self, read: Tensor) -> Tensor:
        """What :meth:`standardise` gives to each juror's logits on paintings, shape ``(jurors, n, 8)``."""
        heard = []
        for attention, memory, leaning in zip(self.attention, self.memory, self.leaning, strict=True):
            here, there = read * attention, self.paintings * attention
            distance = here.square().sum(1)[:, None] + there.square().sum(1) - 2 * here @ there.T
            heard.append((1 + distance.clamp(min=0)).reciprocal() @ memory + leaning)
        return torch.stack(heard)

    def hear(self, images: Tensor) -> Tensor:
        """What each juror feels before covers.

        Args:
            images: float, shape ``(n, 3, h, w)``, RGB in [0, 1]. Normalisation happens inside.

        Returns:
            float, shape ``(jurors, n, 8)``, shares. ``setting`` is added to the logits: the jury learned from
            paintings and now sits among covers, see :mod:`training.fit_prior_correction`.
        """
        return self.hear_reports(self.reports(self.normalise(images)))

    def hear_reports(self, reports: Tensor) -> Tensor:
        """The same from the trunk's reports, ``(n, 4416)``."""
        return (self.juror_logits(self.standardise(reports)) + self.setting).softmax(2)

    def forward(self, images: Tensor) -> Tensor:
        """Logarithm of the jury's mean, shape ``(n, 8)``: its softmax is what the jury feels before covers."""
        return self.hear(images).mean(0).log()
