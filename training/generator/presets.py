"""What decides a generator's weights, and the sets of such decisions that have a name."""

from __future__ import annotations

from dataclasses import dataclass

RECIPES = ("dcgan", "projected", "aided", "styled")


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything that decides the weights of a run, together with the data.

    Attributes:
        recipe: ``dcgan`` as in 2015, or ``projected``: a conditional generator with skip-layer excitation
            against discriminators on frozen features, see :mod:`training.projected`; or ``aided``: the same with
            a DCGAN's discriminator on the pixels and its loss, each of the two sides heard as loudly as
            ``features_say`` says (after Vision-aided GAN, Kumari et al. 2022). Best begun with a trained DCGAN:
            from scratch, features alone end in a few patterns that please them; or ``styled``: a DCGAN whose
            every layer hears the latent vector, against a DCGAN's discriminator, while features look at painted
            covers as a crowd (:mod:`training.moments`) and a reader looks for what was asked for
            (:mod:`training.reading`).
        source: train on covers of this ``source`` only; None takes all.
        held_out: so many covers are never trained on, see :func:`training.data.covers.load_covers`.
        size: side of a cover in pixels.
        epochs: passes through the data.
        batch: covers per step, of all processes together. Small, since on few thousand covers the number of
            steps counts for more than their smoothness. An incomplete last batch is left out: batch norm would
            suffer from it.
        learning_rate, beta1: of both Adam optimisers.
        generator_rate: the generator's own learning rate, where it differs.
        real_label: the discriminator's target for real covers; below one, so that it does not grow
            overconfident (one-sided label smoothing, Salimans et al. 2016).
        latent_size, width: of the networks, see :mod:`albumjudge.models.dcgan`.
        start: revision of the checkpoint whose weights the generator begins with, see ``--start-from``.
        watch_first: the generator learns nothing until its critics have seen so many covers.
        feature_side: side at which the frozen features of ``projected`` look at covers, in pixels.
        forget_label: share of known genres and decades that are passed as unknown, so that "unknown" means
            any cover and not only the unlabelled ones.
        average_half_life: the exponential moving average of the generator halves the weight of the past after
            so many covers (Karras et al. 2018).
        features_say: in ``aided`` and ``styled``, the length of the gradient that comes to a painted cover
            through the features, in lengths of the one that comes from its pixels.
        reading_say: in ``styled``, the same of the gradient that comes from the reader.
        settle: over so large a last share of the run all learning rates fall to zero, evenly.
        flip: mirror half of the covers; off where lettering matters.
        seed: of initialisation, data order and latents.
    """

    recipe: str = "dcgan"
    source: str | None = "shawheen_wcd"
    held_out: int = 0
    size: int = 64
    epochs: int = 70
    batch: int = 16
    learning_rate: float = 2e-4
    generator_rate: float | None = None
    beta1: float = 0.5
    real_label: float = 0.9
    latent_size: int = 100
    width: int = 64
    start: str | None = None
    watch_first: int = 0
    feature_side: int = 96
    forget_label: float = 0.1
    average_half_life: int = 10_000
    features_say: float = 1.0
    reading_say: float = 0.4
    settle: float = 0.0
    flip: bool = False
    seed: int = 2019

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ValueError(f"Recipes are {', '.join(map(repr, RECIPES))}, not {self.recipe!r}.")


PRESETS: dict[str, GeneratorConfig] = {
    "seed": GeneratorConfig(),
    "plain": GeneratorConfig(source=None, held_out=1500, epochs=24),
    "projected": GeneratorConfig(
        recipe="projected",
        source=None,
        held_out=1500,
        epochs=24,
        beta1=0.0,
        generator_rate=1e-4,
        watch_first=1600,
        average_half_life=5_000,
    ),
    "aided": GeneratorConfig(
        recipe="aided",
        source=None,
        held_out=1500,
        epochs=14,
        watch_first=3200,
        average_half_life=10_000,
        settle=0.4,
    ),
    "styled": GeneratorConfig(
        recipe="styled",
        source=None,
        held_out=1500,
        epochs=6,
        generator_rate=1e-4,
        watch_first=3200,
        average_half_life=10_000,
        settle=0.5,
    ),
    # Narrower, so that its weights stay below 25 MB in half precision; far more pixels per cover, so that the
    # batch is for a GPU. Channels are multiples of eight, as its matrix units want them.
    "projected-128": GeneratorConfig(
        recipe="projected",
        source=None,
        held_out=1500,
        size=128,
        epochs=48,
        batch=32,
        beta1=0.0,
        generator_rate=1e-4,
        width=40,
        watch_first=3200,
        feature_side=128,
        average_half_life=10_000,
    ),
    "tiny": GeneratorConfig(source=None, size=16, epochs=2, batch=8, latent_size=8, width=4),
}
