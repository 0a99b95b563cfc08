"""Several processes: who sees what, and runs that are stopped or lose a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.cover_folders import cover_folder
from training.data.covers import DataError
from training.engine.distributed import Processes, join_processes
from training.engine.state import read_state
from training.engine.trainer import STATE

ROOT = Path(__file__).parents[3]


def test_processes_share_the_rows_of_a_batch() -> None:
    rows = torch.arange(8)
    parts = [Processes(rank, 2).local(rows) for rank in (0, 1)]
    assert torch.equal(torch.stack(parts, 1).flatten(), rows)


def test_a_single_process_needs_no_process_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    alone = join_processes("cpu")
    assert alone == Processes(0, 1, torch.device("cpu")) and alone.first
    gradient = torch.tensor([0.5, 0.25])
    alone.average([gradient])
    assert gradient.tolist() == [0.5, 0.25]
    assert alone.gather(3.5) == [3.5]
    assert alone.from_first(lambda: "made") == "made"
    alone.require_equal("anything", "nothing")
    network = nn.BatchNorm2d(2)
    assert alone.sync_batch_norm(network) is network


def test_on_gpus_batch_norm_is_over_all_processes() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2))
    synced = Processes(0, 2, torch.device("cuda", 0)).sync_batch_norm(network)
    assert isinstance(synced, nn.Sequential) and isinstance(synced[0], nn.SyncBatchNorm)
    assert Processes(0, 2).sync_batch_norm(network) is network


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DataError, match="This machine has 1 GPUs, too few"):
        join_processes("cuda")


def test_only_a_lost_connection_is_taken_for_a_lost_process() -> None:
    with pytest.raises(RuntimeError, match="shapes"), Processes(0, 2).together():
        raise RuntimeError("shapes do not fit")
    with pytest.raises(DataError, match="goes on from the last saved state"), Processes(0, 2).together():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:12345")
    with pytest.raises(RuntimeError, match="NCCL"), Processes(0, 1).together():
        raise RuntimeError("NCCL")


@pytest.mark.parametrize(("answers", "fits"), [(["same", "same"], True), (["same", "other"], False)])
def test_processes_with_different_data_are_refused(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], fits: bool
) -> None:
    monkeypatch.setattr(Processes, "gather", lambda _, __: answers)
    if fits:
        return Processes(0, 2).require_equal("same", "covers")
    with pytest.raises(DataError, match=r"The 2 processes differ in covers\. Start them by the same"):
        Processes(0, 2).require_equal("same", "covers")


def launch(
    folder: Path,
    out: Path,
    *,
    kind: str = "flow",
    processes: int = 2,
    sent: tuple[str, int, int] = ("SIGTERM", 0, 0),
) -> subprocess.CompletedProcess[str]:
    """Train in processes of their own until they end."""
    command = [sys.executable]
    if processes > 1:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            port = server.getsockname()[1]
        options = {"num_processes": processes, "num_machines": 1, "main_process_port": port}
        command += ["-m", "accelerate.commands.launch", "--multi_gpu", "--mixed_precision", "no"]
        command += [part for key, value in options.items() for part in (f"--{key}", str(value))]
    command += ["-m", "tests.training.process_member", kind, str(folder), str(out), *map(str, sent)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def state_of(out: Path) -> dict[str, Tensor]:
    return read_state(out / STATE)[0]


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.allclose(value.double(), other[name].double(), rtol=1e-6, atol=1e-9), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 9, size=64)


@pytest.fixture(scope="module")
def two(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes that nothing interrupted."""
    out = tmp_path_factory.mktemp("two")
    done = launch(folder, out)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Wrote") == 1
    return out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flow", "adversarial"])
def test_two_processes_learn_what_one_does(folder: Path, tmp_path: Path, kind: str) -> None:
    for processes in (1, 2):
        done = launch(folder, tmp_path / str(processes), kind=kind, processes=processes)
        assert done.returncode == 0, done.stdout
    if kind == "flow":
        assert_close(state_of(tmp_path / "1"), state_of(tmp_path / "2"))
    assert sorted(p.name for p in (tmp_path / "1/samples").iterdir()) == sorted(
        p.name for p in (tmp_path / "2/samples").iterdir()
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "step"), [("SIGTERM", 4), ("SIGKILL", 2)])
def test_losing_one_process_costs_nothing_but_time(
    folder: Path, two: Path, tmp_path: Path, number: str, step: int
) -> None:
    stopped = launch(folder, tmp_path, sent=(number, 3, 1))
    assert (stopped.returncode == 0) == (number == "SIGTERM"), stopped.stdout
    assert "RuntimeError" not in stopped.stdout
    assert read_state(tmp_path / STATE)[1]["step"] == step
    resumed = launch(folder, tmp_path)
    assert resumed.returncode == 0, resumed.stdout
    a, b = state_of(two), state_of(tmp_path)
    assert all(torch.equal(value, b[name]) for name, value in a.items())


@pytest.mark.slow
def test_two_processes_of_a_dcgan_go_on_where_they_were_stopped(folder: Path, tmp_path: Path) -> None:
    assert launch(folder, tmp_path / "whole", kind="dcgan").returncode == 0
    launch(folder, tmp_path / "cut", kind="dcgan", sent=("SIGTERM", 3, 0))
    assert launch(folder, tmp_path / "cut", kind="dcgan").returncode == 0
    a, b = state_of(tmp_path / "whole"), state_of(tmp_path / "cut")
    for name in (n for n in a if not any(word in n for word in ("running", "tracked"))):
        assert torch.equal(a[name], b[name]), name


@pytest.mark.slow
def test_a_broken_state_is_said_by_every_process_and_nobody_waits(folder: Path, tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"no state")
    broken = launch(folder, tmp_path)
    assert broken.returncode != 0
    for rank in (0, 1):
        assert broken.stdout.count(f"Process {rank} of 2: The saved state") == 1
    assert (tmp_path / STATE).read_bytes() == b"no state"
