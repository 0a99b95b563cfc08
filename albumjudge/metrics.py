"""Registry of measured numbers and of the tables they stand in, by exact id.

A ``metrics.json`` holds ``{table id: {"what": ..., "rows": {row id: {metric id: number}}}}``. Files that were
written before there were ids are read through :func:`with_ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from albumjudge.domain.emotions import NAMES
from albumjudge.legacy_metrics import LEGACY_METRICS, LEGACY_TABLES

Direction = Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Metric:
    """How to show and explain one number.

    Attributes:
        id: key in ``metrics.json``.
        label: heading of a column, with the network or unit.
        meaning: one plain sentence; empty where the label says it all.
        direction: which is better.
        share: whether it is shown as a percentage.
    """

    id: str
    label: str
    meaning: str = ""
    direction: Direction = "none"
    share: bool = False


@dataclass(frozen=True)
class Table:
    """A table of ``metrics.json``.

    Attributes:
        id: key in ``metrics.json``.
        title: heading.
        ranked: whether the best number of a column may be marked; differences have no best one.
    """

    id: str
    title: str
    ranked: bool = True


_FRECHET = "How far painted covers as a whole are from real ones, seen through {}. 0 is no distance."
_KERNEL = "The same question, asked so that it depends less on how many covers are compared, through {}."
_POOLED = "VGG16’s last convolution after its maximum over 2x2 squares"
_RELU = "VGG16’s last convolution after its ReLU"
_LITE = "EfficientNet-lite0, another network"

METRICS: tuple[Metric, ...] = (
    Metric(
        "kl",
        "KL (nats)",
        "Kullback-Leibler divergence: how surprised one would be by people’s votes, had one believed the "
        "machine. 0 is perfect.",
        "lower",
    ),
    Metric("jsd", "JSD (nats)", "Jensen-Shannon divergence: how far apart the two are, 0 to 0.69.", "lower"),
    Metric(
        "cosine", "Cosine", "1 if both distributions point the same way, 0 if they share nothing.", "higher"
    ),
    Metric("chebyshev", "Chebyshev", "The largest error in a single emotion’s share.", "lower"),
    Metric(
        "clark", "Clark", "A distance that counts small shares as much as large ones. 0 is perfect.", "lower"
    ),
    Metric("canberra", "Canberra", "Canberra metric: much the same, added up in another way.", "lower"),
    Metric("intersection", "Intersection", "How much of the two distributions is the same.", "higher", True),
    Metric(
        "spearman",
        "Spearman, emotions",
        "1 if the eight emotions stand in the same order for people and machine.",
        "higher",
    ),
    Metric(
        "top1",
        "Top 1",
        "How often the machine’s first emotion is what most people felt, on pictures where people clearly agree.",
        "higher",
        True,
    ),
    Metric("top2", "Top 2", "How often it is among the machine’s first two.", "higher", True),
    Metric(
        "balanced_accuracy", "Balanced accuracy", "As Top 1, each emotion counting the same.", "higher", True
    ),
    Metric("polarity", "Polarity", "How often it is right about pleasant or not.", "higher", True),
    Metric(
        "entropy_correlation",
        "Spearman, entropy",
        "Whether it is undecided where people are divided (rank correlation over pictures): 1 if so, 0 if it has "
        "no idea.",
        "higher",
    ),
    Metric(
        "ece",
        "ECE",
        "Expected calibration error: how far its percentages are from how often it is right. 0 is honest.",
        "lower",
    ),
    Metric(
        "ece_tempered",
        "ECE, tempered",
        "The same once its confidence has been turned up or down by one number.",
        "lower",
    ),
    Metric(
        "valence_correlation",
        "Spearman, pleasant share",
        "Whether pictures stand in the same order by the machine’s pleasant share and by how pleasant people "
        "found them: 1 if so, 0 if it has no idea.",
        "higher",
    ),
    Metric(
        "valence_sign",
        "Sign of valence",
        "How often the machine is right about whether most people found a picture pleasant.",
        "higher",
        True,
    ),
    Metric("frechet_vgg16_pooled", "Fréchet, VGG16 pooled", _FRECHET.format(_POOLED), "lower"),
    Metric("frechet_vgg16_relu", "Fréchet, VGG16 after ReLU", _FRECHET.format(_RELU), "lower"),
    Metric(
        "frechet_vgg16_conv",
        "Fréchet, VGG16 before ReLU",
        _FRECHET.format("VGG16’s last convolution before its ReLU"),
        "lower",
    ),
    Metric("frechet_lite0", "Fréchet, EfficientNet-lite0", _FRECHET.format(_LITE), "lower"),
    Metric("frechet_inception", "FID, Inception-v3", _FRECHET.format("Inception-v3, as published"), "lower"),
    Metric("kernel_vgg16_pooled", "Kernel, VGG16 pooled", _KERNEL.format(_POOLED), "lower"),
    Metric(
        "kernel_vgg16_pooled_sd", "± Kernel, VGG16 pooled", "Its deviation over random subsets of covers."
    ),
    Metric("kernel_vgg16_relu", "Kernel, VGG16 after ReLU", _KERNEL.format(_RELU), "lower"),
    Metric(
        "kernel_vgg16_relu_sd", "± Kernel, VGG16 after ReLU", "Its deviation over random subsets of covers."
    ),
    Metric("kernel_lite0", "Kernel, EfficientNet-lite0", _KERNEL.format(_LITE), "lower"),
    Metric(
        "covers_seen", "Covers shown", "How many covers it was shown in training, the same one many times."
    ),
    Metric("precision", "Precision", "Painted covers that lie where real ones do, to VGG16.", "higher", True),
    Metric("recall", "Recall", "Real covers that lie where painted ones do, to VGG16.", "higher", True),
    Metric("density", "Density", "How many real covers lie around a painted one, 1 for real ones.", "higher"),
    Metric("coverage", "Coverage", "Real covers that have a painted one near them.", "higher", True),
    Metric(
        "diversity_lpips",
        "LPIPS between covers",
        "How different two covers look to VGG16; as varied as real ones is good.",
    ),
    Metric(
        "step_lpips",
        "LPIPS of a step",
        "How much a cover changes when its latent vector goes a tenth of the way to another, to VGG16.",
    ),
    Metric(
        "largest_step_lpips",
        "LPIPS of the largest step",
        "The largest of such ten steps, the mean over ways: far above the mean step, a cover jumps.",
        "lower",
    ),
    *(
        Metric(
            f"spectrum_{low}_{high}",
            f"{low} to {high} cycles",
            "Power of details of that size, in cycles per 64 pixels, over that of real covers: 1 is equal.",
        )
        for low, high in ((1, 2), (2, 4), (4, 8), (8, 16), (16, 24), (24, 32), (32, 46))
    ),
    *(
        Metric(
            f"grid_{across}_{down}",
            f"Grid ({across}, {down})",
            "Power of the finest grid, so many cycles across and down, over that "
            "of real covers: above 1 it shows.",
        )
        for across, down in ((32, 0), (0, 32), (32, 32))
    ),
    Metric("repeats", "Repeats", "Covers that have a near-duplicate in the row.", "lower", True),
    Metric("copies", "Copies", "Covers that are near-duplicates of a training cover.", "lower", True),
    Metric(
        "nearest_training",
        "Distance to nearest training cover",
        "To VGG16, of what it is for real covers held out: well below 1 means copying.",
    ),
    Metric(
        "very_close",
        "Very close to one",
        "Nearer to a training cover than 99 in 100 real ones.",
        "lower",
        True,
    ),
    Metric(
        "reference_learned",
        "Reference covers learned from",
        "Covers it is compared with and was trained on; 0 is fair.",
        "lower",
    ),
    Metric(
        "genre_accuracy",
        "Genre recognised",
        "How often a network that knows real covers recognises the genre that was asked for.",
        "higher",
        True,
    ),
    Metric("genre_chance", "Genre, by chance", "How often it would if it guessed.", share=True),
    Metric(
        "decade_accuracy",
        "Decade recognised",
        "How often a network that knows real covers recognises the decade that was asked for.",
        "higher",
        True,
    ),
    Metric("decade_chance", "Decade, by chance", "How often it would if it guessed.", share=True),
    *(
        Metric(
            f"{source}_{emotion}",
            f"Spearman, {emotion} ({title})",
            f"Whether the machine’s {'contentment' if emotion == 'happiness' else emotion} puts pictures in "
            f"the order of "
            f"the {emotion} that {title}’s people found in them.",
            "higher",
        )
        for source, title in (("wikiart", "WikiArt-Emotions"), ("feelingblue", "FeelingBlue"))
        for emotion in ("anger", "disgust", "fear", "sadness", "happiness")
    ),
    Metric(
        "stands_out",
        "Stands out",
        "How often the emotion furthest above its mean is the same for people and machine.",
        "higher",
        True,
    ),
    *(Metric(f"stands_out_{name}", f"Stands out: {name}", share=True) for name in NAMES),
    *(Metric(f"share_{name}", f"Mean {name}", share=True) for name in (*NAMES, "pleasant")),
    *(Metric(f"first_{name}", f"First: {name}", share=True) for name in NAMES),
    Metric("largest_share", "Mean largest share", "How much the emotion that comes first gets, on average."),
    Metric("juror_disagreement", "Disagreement of jurors (bits)", "0 if all jurors say the same, 3 at most."),
    Metric("rank_correlation", "Rank correlation", "1 if the two go together, 0 if not at all."),
    Metric(
        "map_correlation", "Rank correlation with the true map", "1 if both maps are the same, 0 if unlike."
    ),
    Metric("share_lost", "Share lost", "What the emotion loses when that part is painted over.", share=True),
    Metric(
        "share_lost_less",
        "Less than the salient quarter by",
        "The difference from the first row.",
        share=True,
    ),
    Metric("time_ratio", "Time, of one VGG16", "Processor time, in that of one plain VGG16.", "lower"),
    Metric("share_change", "Largest change", "Largest change of any emotion’s share.", "lower"),
    Metric("mean_change", "Mean change", "Mean change of an emotion’s share.", "lower"),
    Metric("cross_entropy", "Cross-entropy (nats)", "How surprising each vote was to it.", "lower"),
    Metric("votes", "Votes", "How many votes the row was measured on."),
    Metric("gain", "Gain", "By how much the juror raised by visitors is less surprised.", "higher"),
    Metric("low", "Lower end", "Lower end of the 95 % interval."),
    Metric("high", "Upper end", "Upper end of the 95 % interval."),
    Metric("lowest", "Lowest", "Lowest of all turns."),
    Metric("highest", "Highest", "Highest of all turns."),
    Metric("pictures", "Pictures", "How many pictures the row was measured on."),
)

TABLES: tuple[Table, ...] = (
    Table("painter_vgg16_distance", "Distance from real covers, one network"),
    Table("painter_distance", "Distance from real covers"),
    Table("painter_fidelity", "Fidelity, variety and copying"),
    Table("painter_spectrum", "Fine detail: power spectrum", ranked=False),
    Table("painter_conditioning", "Does it paint what it is asked for?"),
    Table("cross_validation", "Cross-validation"),
    Table("fit", "Fit to its own paintings"),
    Table("benchmark", "Benchmark, 5 x 5 folds"),
    Table("benchmark_differences", "Benchmark, 5 x 5 folds: differences", ranked=False),
    Table("other_paintings", "Other paintings"),
    Table("benchmark_70_30", "Benchmark, 70/30"),
    Table("benchmark_70_30_differences", "Benchmark, 70/30: differences", ranked=False),
    Table("benchmark_scaled", "Benchmark, scaled shares"),
    Table("benchmark_scaled_differences", "Benchmark, scaled shares: differences", ranked=False),
    Table("disagreement", "Disagreement of jurors and of people"),
    Table("on_covers", "From paintings to covers", ranked=False),
    Table("covers_by_genre", "Covers by genre and decade", ranked=False),
    Table("saliency", "Saliency"),
    Table("visitor_juror", "The juror raised by visitors", ranked=False),
    Table("time", "Time"),
)

ROWS: dict[str, str] = {
    "real_covers": "other real covers",
    "held_out_covers": "held-out covers",
    "untrained": "before training",
    "mean_prediction": "predict the mean",
    "seed_recipe": "seed’s recipe (argmax, fine-tuned)",
    "linear_probe": "linear probe on five blocks",
    "best_juror": "juror: the well-read",
    "jury": "our jury",
    "vote_noise": "a perfect judge (vote noise)",
    "valence_regression": "taught valence alone (support vector regression)",
}
"""Rows that code looks up, by id, and their labels; other rows are called what their label says."""

LEGACY_ROWS = {label: id for id, label in ROWS.items()}

_METRIC = {metric.id: metric for metric in METRICS}
_TABLE = {table.id: table for table in TABLES}
_ENDS = {"low": "lower", "high": "upper"}


def get(id: str) -> Metric:
    """The metric with an id; ``<id>_low`` and ``<id>_high`` are the ends of its interval.

    Raises:
        KeyError: if there is none.
    """
    if id in _METRIC:
        return _METRIC[id]
    whole, _, end = id.rpartition("_")
    if whole in _METRIC and end in _ENDS:
        return replace(
            _METRIC[whole],
            id=id,
            label=f"{_METRIC[whole].label}, {_ENDS[end]} end",
            meaning="",
            direction="none",
        )
    raise KeyError(f"No metric is called {id!r}; see albumjudge.metrics.METRICS.")


def table(id: str) -> Table:
    """The table with an id.

    Raises:
        KeyError: if there is none.
    """
    if id in _TABLE:
        return _TABLE[id]
    raise KeyError(f"No table is called {id!r}; see albumjudge.metrics.TABLES.")


def column(name: str) -> Metric:
    """The metric of a column in any file; one that is unknown here is called what the file calls it."""
    try:
        return get(id_of(name))
    except KeyError:
        return Metric(name, name.replace("_", " "))


def table_named(name: str) -> Table:
    """The table with a name in any file; one that is unknown here is called what the file calls it."""
    known = LEGACY_TABLES.get(name, name)
    return _TABLE.get(known) or Table(name, name.replace("_", " "))


def row_label(id: str) -> str:
    """What a row is called on a page."""
    return ROWS.get(id, id.replace("_", " "))


def id_of(legacy_name: str) -> str:
    """The id of a metric by its exact older name; a name that is an id, or unknown, stays as it is."""
    for end in _ENDS:
        if legacy_name.endswith(f", {end}"):
            return f"{id_of(legacy_name.removesuffix(f', {end}'))}_{end}"
    return LEGACY_METRICS.get(legacy_name, legacy_name)


def with_ids(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a ``metrics.json`` with older names of tables, rows and metrics turned into ids."""
    return {LEGACY_TABLES.get(name, name): _table_with_ids(content) for name, content in tables.items()}


def _table_with_ids(content: Any) -> Any:
    if not isinstance(content, Mapping) or not isinstance(content.get("rows"), Mapping):
        return content
    rows = {
        LEGACY_ROWS.get(name, name): {id_of(key): value for key, value in row.items()}
        if isinstance(row, Mapping)
        else row
        for name, row in content["rows"].items()
    }
    return {**content, "rows": rows}
