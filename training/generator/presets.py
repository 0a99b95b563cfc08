"""Settings of DCGAN runs, and those that have a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GeneratorConfig:
    """Settings of a run; with the data they decide its weights.

    Attributes:
        source: train on covers of this ``source`` only; None takes all.
        held_out: number of covers never trained on, see :func:`training.data.covers.load_covers`.
        size: side of a cover in pixels.
        epochs, batch: passes through the data, and covers per step, of all processes together. An incomplete
            last batch is left out.
        learning_rate, beta1: of both Adam optimisers.
        lr_decay: over this last share of the run the learning rate falls to zero.
        real_label: the discriminator's target for real covers (one-sided label smoothing).
        latent_size, width: of the networks, see :mod:`albumjudge.models.dcgan`.
        ema_half_life: covers after which the moving average of the weights halves what was before.
        flip: mirror half of the covers; off where lettering matters.
        start: revision of the checkpoint whose weights the generator begins with, see ``--start-from``.
        seed: of initialisation, data order and latents.
        recipe: name of the method in the film of a training.
    """

    source: str | None = "shawheen_wcd"
    held_out: int = 0
    size: int = 64
    epochs: int = 70
    batch: int = 16
    learning_rate: float = 2e-4
    beta1: float = 0.5
    lr_decay: float = 0.0
    real_label: float = 0.9
    latent_size: int = 100
    width: int = 64
    ema_half_life: int = 10_000
    flip: bool = False
    start: str | None = None
    seed: int = 2019
    recipe: str = "dcgan"


PRESETS: dict[str, GeneratorConfig] = {
    "seed": GeneratorConfig(),
    "plain": GeneratorConfig(source=None, held_out=1500, epochs=24),
    "tiny": GeneratorConfig(source=None, size=16, epochs=2, batch=8, latent_size=8, width=4),
}
