"""How long painting and judging takes, beside the way of 2019 and other engines, all in one run.

    pip install onnx onnxscript onnxruntime openvino
    python -m benchmarks.inference --write

One row each: the DCGAN of 2019 and one plain VGG16 in float32, image by image and as one batch; the exhibit's own
painter and jury; the same compiled by torch.compile, where there is a C++ compiler, in ONNX Runtime and in
OpenVINO, where the packages above are installed. They take turns, so that what else the machine does meets all of
them alike. The plain VGG16 has random weights, which take as long as any. Below the table stands how near the
exhibit comes to what a product of large matrices reaches in the same run: a roofline, as far as the library
multiplies matrices as well as it convolves.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import vgg16

from albumjudge.domain.cover import latent
from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.folders import CheckpointError, Kind
from albumjudge.inference.judge import Judge, JudgeNetwork, native_bfloat16
from albumjudge.inference.painter import GeneratorNetwork, Painter
from benchmarks.results import in_turns, section, table, write
from training.data.command import command_parser

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
IMAGE_BY_IMAGE = "2019, image by image"
OURS = "the exhibit"
MATRIX = 2048
Compared = Callable[[Sequence[int]], object]
Shares = Callable[[Sequence[int]], Any]
"""Seeds to the verdicts' shares, ``(n, 8)``."""


class PaintAndJudge(nn.Module):
    """Latent vectors, float32 ``(n, latent_size)``, to the jury's shares, ``(n, 8)``."""

    def __init__(self, painter: GeneratorNetwork, judge: JudgeNetwork) -> None:
        super().__init__()
        self.painter, self.judge = painter, judge

    def forward(self, latents: Tensor) -> Tensor:
        """Paint and judge."""
        shares: Tensor = self.judge.verdicts_of(self.judge.extract(self.painter(latents).add(1).div(2)))[1]
        return shares


def latents_of(seeds: Sequence[int], size: int) -> Tensor:
    """The latent vectors of these seeds."""
    return torch.from_numpy(np.stack([latent(seed, size) for seed in seeds])).float()


def the_2019_way(painter: GeneratorNetwork) -> Shares:
    """DCGAN and VGG16 in float32, as one batch."""
    network = nn.Sequential(vgg16().features, nn.Flatten(), nn.LazyLinear(len(NAMES)), nn.Softmax(1)).eval()

    @torch.inference_mode()
    def work(seeds: Sequence[int]) -> Tensor:
        shares: Tensor = network(painter(latents_of(seeds, painter.latent_size)).add(1).div(2))
        return shares

    return work


def engines(painter: Painter, judge: Judge, threads: int, folder: Path) -> dict[str, Shares]:
    """The exhibit's painter and jury in other engines, as far as these are installed."""
    size, found = painter.network.latent_size, dict[str, Shares]()
    if shutil.which("g++"):
        compiled = torch.compile(PaintAndJudge(painter.network, judge.network).eval(), dynamic=True)
        found["torch.compile"] = torch.inference_mode()(lambda seeds: compiled(latents_of(seeds, size)))
    network = PaintAndJudge(in_float32("generator"), in_float32("judge")).eval()
    try:
        runtime, openvino = import_module("onnxruntime"), import_module("openvino")
        import_module("onnxscript")
    except ImportError as error:
        print(f"{error.name} is missing, so there is no row for other engines: see --help.")
        return found
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}

    @cache
    def exported(count: int) -> Path:
        file = folder / f"{count}.onnx"
        torch.onnx.export(network, (torch.randn(count, size),), file, dynamo=True, verbose=False)
        return file

    @cache
    def session(count: int) -> Any:
        return runtime.InferenceSession(exported(count), options, providers=["CPUExecutionProvider"])

    @cache
    def compiled_model(count: int) -> Any:
        return openvino.Core().compile_model(openvino.Core().read_model(exported(count)), "CPU", settings)

    def in_runtime(seeds: Sequence[int]) -> Any:
        return session(len(seeds)).run(None, {"latents": latents_of(seeds, size).numpy()})[0]

    def in_openvino(seeds: Sequence[int]) -> Any:
        return compiled_model(len(seeds))([latents_of(seeds, size).numpy()])[0]

    return found | {"ONNX Runtime": in_runtime, "OpenVINO": in_openvino}


def in_float32(kind: Kind) -> Any:
    """The bundled network of a kind."""
    load = {"generator": load_generator, "judge": load_judge}[kind]
    return load(read_checkpoint(CHECKPOINTS / kind, kind)).float().eval().requires_grad_(False)


def peak(dtype: torch.dtype) -> float:
    """Floating point operations a second of a product of large matrices, the best of five."""
    left, right = torch.randn(2, MATRIX, MATRIX).to(dtype)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best


def roofline(painter: Painter, judge: Judge, seeds: Sequence[int], seconds: float) -> str:
    """How near painting and judging these covers in so many seconds comes to the speed of plain products."""
    with FlopCounterMode(display=False) as counted:
        judge.judge(painter.paint(seeds))
    operations, dtype = counted.get_total_flops(), torch.bfloat16 if native_bfloat16() else torch.float32
    return (
        f"{len(seeds)} covers are {operations / 1e9:.0f} GFLOP, which the exhibit does at "
        f"{operations / seconds / peak(dtype):.0%} of the speed of a product of two matrices of {MATRIX} rows in "
        f"{str(dtype).removeprefix('torch.')}."
    )


def difference(painter: Painter, judge: Judge, seeds: Sequence[int], others: Mapping[str, Shares]) -> str:
    """By how much the verdicts of other engines differ from the exhibit's."""
    ours = np.array([verdict.probabilities for verdict in judge.judge(painter.paint(seeds))])
    apart = [
        f"{name} {np.abs(np.asarray(shares(seeds)) - ours).max():.4f}" for name, shares in others.items()
    ]
    return f" Largest difference of a share from the exhibit's: {', '.join(apart)}." if apart else ""


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
        seed_pair = the_2019_way(load_generator(read_checkpoint(CHECKPOINTS / "generator-seed", "generator")))
        painter, judge = (
            Painter(in_float32("generator"), "ours-00000000"),
            Judge(in_float32("judge"), "ours-00000000"),
        )
    except CheckpointError as error:
        print(error, file=sys.stderr)
        return 1
    folder = tempfile.TemporaryDirectory()
    others = engines(painter, judge, given.threads, Path(folder.name))
    compared: dict[str, Compared] = {
        IMAGE_BY_IMAGE: lambda seeds: [seed_pair([seed]) for seed in seeds],
        "2019, one batch": seed_pair,
        OURS: lambda seeds: judge.judge(painter.paint(seeds)),
        f"{OURS}, painting alone": painter.paint,
        **{f"{OURS}, {name}": shares for name, shares in others.items()},
    }
    rows: dict[str, dict[str, str]] = {name: {} for name in compared}
    for covers in given.covers:
        calls = {name: partial(work, range(covers)) for name, work in compared.items()}
        seconds = in_turns(calls, given.rounds)
        first = np.array(seconds[IMAGE_BY_IMAGE])
        for name, taken in seconds.items():
            ratio = float(np.median(first / np.array(taken)))
            rows[name][f"{covers} covers"] = f"{np.median(taken) * 1000:,.0f} ms ({ratio:.2f}×)"
    text = (
        f"Milliseconds to paint and judge, median of {given.rounds} rounds in turns, {given.threads} threads; in "
        f"brackets how many times as fast as the first row, in the same rounds.\n\n{table(rows, 'way')}\n\n"
        + roofline(painter, judge, range(covers), float(np.median(seconds[OURS])))
        + difference(painter, judge, range(covers), others)
    )
    print(text)
    if given.write:
        write("inference", section("python -m benchmarks.inference", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
