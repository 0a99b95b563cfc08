"""How much longer a jury takes than one plain VGG16, both measured in turns in the same run.

    python -m benchmarks.judge --write

The plain VGG16 is torchvision's convolutions at the same 64 pixels with one linear layer; twelve covers, as a
wall of them is judged. It runs as torchvision makes it, and once more with its weights in the order in which the
jury keeps its own (channels last). Only the ratios mean anything on another machine.
"""

from __future__ import annotations

import argparse
import copy
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from albumjudge.inference.checkpoints import CheckpointError, load_judge, read_checkpoint
from training.data.images import DataError
from training.engine.state import merge_metrics
from training.judge.evaluation import as_text
from training.reports.model_card import write_card


def in_turns(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, the functions taking turns; a first round that warms up does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def plain(features: nn.Module, images: Tensor, order: torch.memory_format) -> Callable[[], object]:
    """One plain VGG16 at work: convolutions, and a linear layer, with weights and images in a memory order."""
    network = nn.Sequential(copy.deepcopy(features), nn.Flatten(), nn.LazyLinear(8)).eval()
    network(images)
    network, images = network.to(memory_format=order), images.contiguous(memory_format=order)
    return lambda: network(images)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--covers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="save the table in the judge's metrics and card")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        judge = load_judge(read_checkpoint(given.judge, "judge", "directory"))
        images = torch.rand(given.covers, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            found = in_turns(
                {
                    "jury": lambda: judge.juror_probabilities(images),
                    "plain VGG16": plain(judge.features, images, torch.contiguous_format),
                    "plain VGG16, channels last": plain(judge.features, images, torch.channels_last),
                },
                given.rounds,
            )
        jury = np.array(found.pop("jury"))
        table: dict[str, object] = {
            "what": f"Time of the jury on {given.covers} covers over that of one plain VGG16 at the same "
            f"64 pixels: median and range of {given.rounds} turns, {given.threads} threads, "
            f"{platform.machine()}.",
            "seed": 0,
            "date": datetime.now(UTC).date().isoformat(),
            "rows": {
                f"jury / {name}": {
                    "time_ratio": round(float(np.median(jury / seconds)), 3),
                    "lowest": round(float((jury / seconds).min()), 3),
                    "highest": round(float((jury / seconds).max()), 3),
                }
                for name, seconds in found.items()
            },
        }
        print(as_text(table))
        if given.write:
            merge_metrics(given.judge, {"time": table})
            write_card(given.judge)
    except (CheckpointError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
