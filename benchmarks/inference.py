"""How long painting and judging takes, beside the way of 2019, all in one run.

    python -m benchmarks.inference --write

One row each: the DCGAN of 2019 and one plain VGG16 in float32, image by image and as one batch; the exhibit's own
painter and jury; the jury compiled by torch.compile, where there is a C++ compiler. They take turns, so that what
else the machine does meets all of them alike. The plain VGG16 has random weights, which take as long as any.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import vgg16

from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import CheckpointError
from albumjudge.inference.judge import Judge, as_images
from albumjudge.inference.painter import Painter
from benchmarks.results import section, table, write
from training.data.command import command_parser

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
IMAGE_BY_IMAGE = "2019, image by image"
Way = Callable[[Sequence[int]], object]


def the_2019_way(generator: Path) -> Callable[[Sequence[int]], Tensor]:
    """DCGAN and VGG16 in float32, as one batch."""
    painter = load_generator(read_checkpoint(generator, "generator", "directory")).float().eval()
    network = nn.Sequential(vgg16().features, nn.Flatten(), nn.LazyLinear(len(NAMES)), nn.Softmax(1)).eval()

    @torch.inference_mode()
    def work(seeds: Sequence[int]) -> Tensor:
        latents = [
            torch.randn(painter.latent_size, generator=torch.Generator().manual_seed(s)) for s in seeds
        ]
        shares: Tensor = network(painter(torch.stack(latents)).add(1).div(2))
        return shares

    return work


def ours(generator: Path, judge: Path) -> tuple[Painter, Judge]:
    """Painter and jury as the exhibit opens them."""
    painted_by = read_checkpoint(generator, "generator", "directory")
    judged_by = read_checkpoint(judge, "judge", "directory")
    return (
        Painter(load_generator(painted_by), painted_by.revision),
        Judge(load_judge(judged_by), judged_by.revision),
    )


def ways(compiled: bool) -> dict[str, Way]:
    """Everything that is compared: name -> what paints and judges the covers of these seeds."""
    seed_pair = the_2019_way(CHECKPOINTS / "generator-seed")
    painter, judge = ours(CHECKPOINTS / "generator", CHECKPOINTS / "judge")
    found: dict[str, Way] = {
        IMAGE_BY_IMAGE: lambda seeds: [seed_pair([seed]) for seed in seeds],
        "2019, one batch": seed_pair,
        "the exhibit": lambda seeds: judge.judge(painter.paint(seeds)),
        "the exhibit, painting alone": painter.paint,
    }
    if compiled:
        probabilities = torch.compile(judge.network.juror_probabilities, dynamic=True)

        @torch.inference_mode()
        def judged(seeds: Sequence[int]) -> object:
            return probabilities(as_images(painter.paint(seeds)))

        found["the exhibit, jury compiled"] = judged
    return found


def in_turns(found: dict[str, Way], seeds: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call; a first round warms up and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds + 1):
        for name, way in found.items():
            began = time.perf_counter()
            way(seeds)
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("benchmarks.inference", __doc__)
    parser.add_argument("--covers", type=int, nargs="+", default=[1, 12, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the table into docs/load.md")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        found = ways(compiled=shutil.which("g++") is not None)
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    rows: dict[str, dict[str, str]] = {name: {} for name in found}
    for covers in given.covers:
        seconds = in_turns(found, range(covers), given.rounds)
        first = np.array(seconds[IMAGE_BY_IMAGE])
        for name, taken in seconds.items():
            ratio = float(np.median(first / np.array(taken)))
            rows[name][f"{covers} covers"] = f"{np.median(taken) * 1000:,.0f} ms ({ratio:.2f}×)"
    text = (
        f"Milliseconds to paint and judge, median of {given.rounds} rounds in turns, {given.threads} threads; in "
        f"brackets how many times as fast as the first row, in the same rounds.\n\n{table(rows, 'way')}"
    )
    print(text)
    if given.write:
        write("inference", section("python -m benchmarks.inference", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
