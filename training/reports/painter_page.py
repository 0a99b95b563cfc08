"""The page of a benchmark of painters: tables, where rows come from, what columns mean, and power spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from albumjudge import metrics
from training.metrics.features import SIDE
from training.metrics.precision_recall import K
from training.metrics.spectrum import Spectrum
from training.reports.tables import labelled, markdown_table, number

TABLES: dict[str, tuple[str, ...]] = {
    "painter_distance": (
        *("covers_seen", "frechet_vgg16_pooled", "kernel_vgg16_pooled", "kernel_vgg16_pooled_sd"),
        *("frechet_vgg16_relu", "frechet_vgg16_conv", "frechet_lite0", "kernel_lite0"),
    ),
    "painter_fidelity": (
        *(
            "precision",
            "recall",
            "density",
            "coverage",
            "diversity_lpips",
            "step_lpips",
            "largest_step_lpips",
        ),
        *("repeats", "copies", "nearest_training", "very_close", "reference_learned"),
    ),
    "painter_spectrum": (
        *("spectrum_1_2", "spectrum_2_4", "spectrum_4_8", "spectrum_8_16", "spectrum_16_24"),
        *("spectrum_24_32", "spectrum_32_46", "grid_32_0", "grid_0_32", "grid_32_32"),
    ),
    "painter_conditioning": ("genre_accuracy", "genre_chance", "decade_accuracy", "decade_chance"),
}
"""Metric ids in the order of columns."""
METHOD = f"""\
All rows have equally many covers, because a Frechet distance falls with their number. The reference are covers
that training holds out, less those of which a training cover is a near-duplicate; the row of other real covers is
what painters can hope for. VGG16 and EfficientNet-lite0 are ImageNet's and see covers enlarged to {SIDE} pixels;
VGG16's features are means over the picture of its last convolution, conv5_3. Frechet (Heusel et al. 2017) and
kernel distance (Binkowski et al. 2018) are the ideas of FID and KID in other networks, so their values must not
be compared with published ones. Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et
al. 2020) take {K} neighbours; precision and density alone also praise dull covers, so read them with the other
two. LPIPS (Zhang et al. 2018) is version 0.1 with VGG16. Genre and decade are recognised by a logistic regression
on both networks' features, fitted to training covers; decades often come from re-issues.
"""
_MAP_SIDE, _MARGIN, _PER_LINE = 192, 18, 4
_FULL_SCALE = 2.0
"""Powers of two at which the colours of a spectrum's map end."""


def as_metrics(found: Mapping[str, Any]) -> dict[str, object]:
    """Tables for ``metrics.json``, by id."""
    shared = {key: found[key] for key in ("seed", "date", "count", "reference", "precision")}
    return {
        id: {
            "what": f"{metrics.table(id).title}, {found['count']:,} covers in each row.",
            **shared,
            "rows": rows,
        }
        for id in TABLES
        if (rows := _rows(found, id))
    }


def _rows(found: Mapping[str, Any], table: str) -> dict[str, dict[str, float]]:
    rows = {name: {id: row[id] for id in TABLES[table] if id in row} for name, row in found["rows"].items()}
    return {name: row for name, row in rows.items() if row and set(row) != {"covers_seen"}}


def as_markdown(found: Mapping[str, Any]) -> str:
    """The page."""
    lines = [
        "# Painters side by side",
        f"{found['date']}, seed {found['seed']}, {found['count']:,} covers in each row. Reference: "
        f"{found['reference']}. Measured on {found['hardware']}, VGG16 in {found['precision']}.",
    ]
    used: dict[str, None] = {}
    for table, columns in TABLES.items():
        if rows := _rows(found, table):
            used |= dict.fromkeys(id for id in columns if any(id in row for row in rows.values()))
            lines += [f"## {metrics.table(table).title}", markdown_table(labelled(rows))]
    lines += ["![Power spectra](spectrum.png)", "## Where the rows come from"]
    origins = []
    for name, origin in found["checkpoints"].items():
        facts = [
            f"{key.replace('_', ' ')} {number(value) if key == 'covers_seen' else value}"
            for key, value in origin.items()
            if value is not None
        ]
        origins.append(f"- `{name}`: {', '.join(facts)}")
    lines += ["\n".join(origins), "## What the columns mean", METHOD]
    lines.append("\n".join(f"- **{m.label}**: {m.meaning}" for m in map(metrics.get, used) if m.meaning))
    return "\n\n".join(lines) + "\n"


def spectrum_picture(real: Spectrum, painted: Mapping[str, Spectrum]) -> Image.Image:
    """Power over that of real covers at each frequency: white is equal, red four times, blue a quarter.

    Frequency zero is in the middle of each map, the finest grids at its left and upper edges.
    """
    lines = -(-len(painted) // _PER_LINE)
    width, height = _MAP_SIDE + _MARGIN, _MAP_SIDE + 2 * _MARGIN
    page = Image.new("RGB", (_PER_LINE * width, lines * height), "white")
    draw = ImageDraw.Draw(page)
    for place, (name, spectrum) in enumerate(painted.items()):
        left, top = place % _PER_LINE * width, place // _PER_LINE * height
        # Where there is nothing, as at frequency zero, the two are equal.
        powers = np.log2(np.maximum(spectrum, 1e-12) / np.maximum(real, 1e-12))
        share = np.clip(powers / _FULL_SCALE, -1, 1)[..., None]
        red, blue, white = (np.array(colour) for colour in ((178, 24, 43), (33, 102, 172), (247, 247, 247)))
        colours = white + np.abs(share) * (np.where(share > 0, red, blue) - white)
        tile = Image.fromarray(colours.round().astype(np.uint8))
        page.paste(tile.resize((_MAP_SIDE, _MAP_SIDE), Image.Resampling.NEAREST), (left, top + _MARGIN))
        draw.text((left, top + 2), name, fill="black")
    return page
