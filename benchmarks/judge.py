"""How much more processor time the jury takes than one plain VGG16, and what its speed costs in exactness.

    python -m benchmarks.judge --write

Jury and plain VGG16 take turns in the same run. The plain one is torchvision's convolutions at the same 64
pixels with one linear layer; twelve covers, as a wall of them is judged. It runs as torchvision makes it, and
once more with its weights in the jury's own order and precision. Only the ratios mean anything on another
machine. Then painted covers are judged as the exhibit does it (weights in half precision as
they are kept, channels last, convolutions in bfloat16 where the processor multiplies that natively) and in plain
float32: the table has the largest change of any emotion's share.
"""

from __future__ import annotations

import copy
import platform
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from albumjudge.inference.judge import Judge, as_images, native_bfloat16
from albumjudge.inference.painter import Painter
from benchmarks.results import in_turns
from training.data.command import exit_status
from training.judge.evaluation import Rows, finite
from training.judge.script import add_judge, open_painter, parser_of, report, table


def plain(
    features: nn.Module, images: Tensor, order: torch.memory_format, precision: torch.dtype
) -> Callable[[], object]:
    """One plain VGG16 at work: convolutions, and a linear layer, in a memory order and precision."""
    network = nn.Sequential(copy.deepcopy(features).float(), nn.Flatten(), nn.LazyLinear(8)).eval()
    network(images)
    network = network.to(precision).to(memory_format=order)
    images = images.to(precision).contiguous(memory_format=order)
    return lambda: network(images)


@torch.inference_mode()
def time_rows(judge: Judge, covers: int, rounds: int) -> Rows:
    """The judge's time on so many covers over that of a plain VGG16: median and range."""
    images = torch.rand(covers, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pixels = list((images * 255).byte().permute(0, 2, 3, 1).numpy())
    features = judge.network.features
    own = torch.channels_last, next(features.parameters()).dtype
    found = in_turns(
        {
            "jury": lambda: judge.judge(pixels),
            "plain VGG16": plain(features, images, torch.contiguous_format, torch.float32),
            "plain VGG16 in its order and precision": plain(features, images, *own),
        },
        rounds,
        time.process_time,
    )
    jury = np.array(found.pop("jury"))
    ratios = {name: jury / np.array(seconds) for name, seconds in found.items()}
    return {
        f"jury / {name}": finite(
            {
                "time_ratio": float(np.median(each)),
                "lowest": float(each.min()),
                "highest": float(each.max()),
            }
        )
        for name, each in ratios.items()
    }


@torch.inference_mode()
def change_row(judge: Judge, network: nn.Module, painter: Painter, count: int) -> dict[str, float]:
    """Largest and mean change of any share of the judge's verdicts against those of the network in float32."""
    changes = []
    for start in range(0, count, 50):
        covers = painter.paint(range(start, min(start + 50, count)))
        exact = network(as_images(covers)).exp().numpy()
        changes.append(np.abs(np.array([v.probabilities for v in judge.judge(covers)]) - exact))
    found = np.concatenate(changes)
    return finite({"share_change": float(found.max()), "mean_change": float(found.mean()), "pictures": count})


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("benchmarks.judge", __doc__)
    add_judge(parser)
    parser.add_argument("--covers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=500, help="painted covers for the largest change")
    parser.set_defaults(threads=1)
    given = parser.parse_args(arguments)

    def body() -> None:
        checkpoint = read_checkpoint(given.judge, "judge", "directory")
        network, painter = load_judge(checkpoint), open_painter(given.generator)
        judge = Judge(load_judge(checkpoint), checkpoint.revision)
        rows = time_rows(judge, given.covers, given.rounds)
        rows["exhibit less float32"] = change_row(judge, network, painter, given.count)
        precision = "bfloat16" if native_bfloat16() else "float32"
        found = table(
            f"Processor time of the jury (convolutions in {precision}) on {given.covers} covers over that of "
            f"one plain VGG16 at the same 64 pixels: median and range of {given.rounds} turns, threads: "
            f"{given.threads}, {platform.machine()}. Below it the change of the shares of {given.count} covers "
            f"by {painter.revision} against the jury in plain float32: the largest of any emotion, and the mean.",
            rows,
            0,
        )
        report({"time": found}, given.judge if given.write else None)

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
