"""How long a walk towards a feeling takes, and whether it gets there, on the bundled weights.

    python -m benchmarks.dialogue
    python -m benchmarks.dialogue --covers 8 --threads 2 --emotions awe sadness

Each walk is timed in turns with painting and judging twelve covers, as a wall of them is shown: the ratio means
something on another machine, too. Processor seconds are those of all threads together; wall seconds are what a
visitor waits, and grow if others use the machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import BUNDLED, CheckpointError
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter
from albumjudge.inference.steering import STEPS, SteeringTarget, steer
from training.data.command import command_parser
from training.reports.tables import markdown_table

FIRST_SEED = 100


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("benchmarks.dialogue", __doc__)
    parser.add_argument("--generator", type=Path, default=BUNDLED["generator"])
    parser.add_argument("--judge", type=Path, default=BUNDLED["judge"])
    parser.add_argument("--covers", type=int, default=8)
    parser.add_argument("--emotions", nargs="+", default=list(emotions.NAMES), choices=emotions.NAMES)
    parser.add_argument("--strength", type=float, default=SteeringTarget("awe").strength)
    parser.add_argument("--radius", type=float, default=SteeringTarget("awe").radius)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        painted_by = read_checkpoint(given.generator, "generator", "directory")
        judged_by = read_checkpoint(given.judge, "judge", "directory")
        painter = Painter(load_generator(painted_by), painted_by.revision)
        judge = Judge(load_judge(judged_by), judged_by.revision)
        wishes = [SteeringTarget(name, given.strength, given.radius) for name in given.emotions]
    except (CheckpointError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    size = painter.network.latent_size
    rows: dict[str, dict[str, float]] = {}
    # The first of all calls warms up and does not count.
    list(steer(painter, judge, CoverIdentity(painter.revision, 0), wishes[0], 1))
    ratios, waits, worked, efforts = [], [], [], []
    for wish in wishes:
        place, before, after, away = emotions.index(wish.emotion), [], [], []
        for seed in range(FIRST_SEED, FIRST_SEED + given.covers):
            began, busy = time.perf_counter(), time.process_time()
            judge.judge(painter.paint(range(12)))
            wall, wall_worked = time.perf_counter() - began, time.process_time() - busy
            start = CoverIdentity(painter.revision, seed)
            began, busy = time.perf_counter(), time.process_time()
            frames = list(steer(painter, judge, start, wish))
            waits.append(time.perf_counter() - began)
            worked.append(time.process_time() - busy)
            ratios.append(waits[-1] / wall)
            efforts.append(worked[-1] / wall_worked)
            before.append(judge.judge(painter.paint([seed]))[0].probabilities[place])
            after.append(frames[-1].verdict.probabilities[place] if frames else before[-1])
            end = frames[-1].cover.identity if frames else start
            away.append(float(np.linalg.norm(end.latents(size) - start.latents(size))))
        rows[wish.emotion] = {
            "before": round(float(np.mean(before)), 3),
            "after": round(float(np.mean(after)), 3),
            "rose": int(np.sum(np.array(after) > before)),
            "distance": round(float(np.mean(away)), 2),
        }
    print(
        f"{painter.revision} and {judge.revision}, strength {given.strength:g}, radius {given.radius:g}, "
        f"{STEPS} steps: mean share before and after, and how many of {given.covers} rose."
        f"\n\n{markdown_table(rows)}\n\n"
        f"A walk takes {np.median(waits):.2f} s ({np.min(waits):.2f} to {np.max(waits):.2f}), "
        f"{np.median(worked):.2f} processor seconds. That is {np.median(ratios):.2f} times as long as painting "
        f"and judging 12 covers, and {np.median(efforts):.2f} times the processor seconds; medians of "
        f"{len(waits)}, {given.threads} threads."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
