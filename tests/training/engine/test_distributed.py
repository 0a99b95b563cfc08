"""Several processes against one: what they see, learn and leave, and what becomes of them when one is stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from training.engine.sync_batchnorm import SharedBatchNorm2d, share_norms

from tests.cover_folders import cover_folder
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.distributed import Processes, join_processes
from training.engine.state import read_state
from training.generator.dcgan_trainer import DcganTrainer
from training.generator.presets import GeneratorConfig

ROOT = Path(__file__).parents[3]
STEPS = 6
"""Three epochs of two steps: 37 covers in batches of 16."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 37)


@pytest.fixture(scope="module")
def covers(folder: Path) -> CoverSet:
    return load_covers(folder, size=16)


@pytest.mark.parametrize("size", [2, 4])
def test_a_crew_sees_the_covers_of_one_process_in_the_same_order(covers: CoverSet, size: int) -> None:
    config = GeneratorConfig(source=None, size=16, epochs=2, batch=8, latent_size=4, width=2)

    def seen(crew: Processes) -> list[Tensor]:
        trainer = DcganTrainer(config, covers, crew=crew)
        batches = []
        for batch, _ in trainer.batches():
            batches.append(batch)
            trainer.step += 1
        return batches

    whole = seen(Processes())
    parts = [seen(Processes(rank, size)) for rank in range(size)]
    assert len(whole) == 2 * 4
    for step, batch in enumerate(whole):
        own = [part[step] for part in parts]
        assert [len(rows) for rows in own] == [8 // size] * size
        assert torch.equal(torch.stack(own, 1).flatten(0, 1), batch)


def test_all_of_a_crew_draw_the_same_and_keep_different_rows(covers: CoverSet) -> None:
    config = GeneratorConfig(source=None, size=16, batch=8, latent_size=4, width=2)
    alone, *crew = (
        DcganTrainer(config, covers, crew=c) for c in (Processes(), Processes(0, 2), Processes(1, 2))
    )
    whole, first, second = (trainer.latents() for trainer in (alone, *crew))
    assert torch.equal(whole[0::2], first)
    assert torch.equal(whole[1::2], second)
    for trainer in crew:
        assert torch.equal(trainer.chance.get_state(), alone.chance.get_state())


def test_a_batch_that_cannot_be_shared_evenly_is_refused(covers: CoverSet) -> None:
    with pytest.raises(DataError, match=r"A batch of 8 covers cannot be shared evenly among 3 processes\."):
        DcganTrainer(GeneratorConfig(source=None, size=16, batch=8, width=2), covers, crew=Processes(0, 3))


def test_a_crew_of_one_needs_no_engine_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    crew = join_processes("cpu")
    assert crew == Processes(0, 1, torch.device("cpu"))
    slope = torch.tensor([0.1, 0.2])
    crew.average([slope])
    assert slope.tolist() == pytest.approx([0.1, 0.2])
    assert crew.any(True) and not crew.any(False)
    assert crew.largest(3.5) == 3.5
    assert crew.from_first(lambda: "made") == "made"
    crew.agree("anything", "nothing")
    network = nn.Sequential(nn.BatchNorm2d(2))
    share_norms(network, crew)
    assert type(network[0]) is nn.BatchNorm2d


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DataError, match="This machine has 1 GPUs, too few"):
        join_processes("cuda")


def test_an_error_of_our_own_is_not_taken_for_a_lost_process() -> None:
    with pytest.raises(RuntimeError, match="shapes"), Processes(0, 2).together():
        raise RuntimeError("shapes do not fit")
    with pytest.raises(DataError, match="goes on from the last saved state"), Processes(0, 2).together():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:12345")
    with pytest.raises(RuntimeError, match="NCCL"), Processes(0, 1).together():
        raise RuntimeError("NCCL")


def test_processes_that_were_given_different_data_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for answers, fits in ((["same", "same"], True), (["same", "other"], False)):
        monkeypatch.setattr(Processes, "_gathered", lambda _, __, answers=answers: answers)
        if fits:
            Processes(0, 2).agree("same", "covers")
            continue
        with pytest.raises(DataError, match=r"The 2 processes differ in covers\. Start them by the same"):
            Processes(0, 2).agree("same", "covers")


@pytest.mark.parametrize("affine", [True, False])
def test_a_shared_norm_is_the_common_one_outside_training_and_for_one_process_within(
    monkeypatch: pytest.MonkeyPatch, affine: bool
) -> None:
    monkeypatch.setattr("training.engine.sync_batchnorm.all_reduce", lambda tensor: tensor)
    torch.manual_seed(0)
    common = nn.BatchNorm2d(3, affine=affine, dtype=torch.float64)
    for parameter in common.parameters():
        nn.init.normal_(parameter)
    network = nn.Sequential(nn.BatchNorm2d(3, affine=affine, dtype=torch.float64))
    network.load_state_dict({f"0.{name}": value for name, value in common.state_dict().items()})
    shared = SharedBatchNorm2d(network[0], Processes())  # type: ignore[arg-type]
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    for training in (True, False):
        maps = torch.randn(4, 3, 5, 5, dtype=torch.float64)
        for norm in (common, shared):
            norm.train(training)
        assert torch.allclose(shared(maps), common(maps), rtol=1e-12)
    assert shared.state_dict().keys() == common.state_dict().keys()
    for name, value in common.state_dict().items():
        assert torch.allclose(shared.state_dict()[name], value, rtol=1e-12), name
    # What learns is what learnt before, not a copy.
    assert shared.weight is network[0].weight
    assert len(list(shared.parameters())) == 2 * affine


@dataclass
class Launched:
    """A run in a folder of its own."""

    out: Path
    status: int = 0
    said: str = ""
    notes: Path = field(init=False)

    def __post_init__(self) -> None:
        self.notes = self.out / "notes"
        self.notes.mkdir(parents=True, exist_ok=True)

    @property
    def state(self) -> dict[str, Tensor]:
        return read_state(self.out / "state.safetensors")[0]

    @property
    def step(self) -> object:
        return read_state(self.out / "state.safetensors")[1]["step"]

    @property
    def painted(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.out / "samples").iterdir()}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def launch(
    folder: Path,
    out: Path,
    *,
    processes: int = 2,
    recipe: str = "projected",
    sent: tuple[signal.Signals, int, str] | None = None,
    epochs: int = 3,
) -> Launched:
    """Train in processes of their own until they end."""
    run = Launched(out)
    if processes == 1:
        command = [sys.executable]
    else:
        options: dict[str, object] = {
            "num_processes": processes,
            "num_machines": 1,
            "main_process_port": free_port(),
        }
        options |= {"mixed_precision": "no", "dynamo_backend": "no"}
        command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
        command += [part for key, value in options.items() for part in (f"--{key}", str(value))]
    number, step, whom = sent or (signal.SIGTERM, 0, "0")
    command += ["-m", "tests.crew_member", str(run.notes), number.name, str(step), whom]
    given: dict[str, object] = {
        "data": folder,
        "preset": f"small-{recipe}",
        "out": out,
        "device": "cpu",
        "precision": "fp32",
    }
    given |= {"threads": 1, "epochs": epochs}
    command += [part for key, value in given.items() for part in (f"--{key}", str(value))]
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | loopback,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    run.status, run.said = done.returncode, done.stdout
    return run


@pytest.fixture(scope="module")
def two(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    """A run of two processes that nothing interrupted."""
    run = launch(folder, tmp_path_factory.mktemp("two"))
    assert run.status == 0, run.said
    return run


def assert_same_run(one: Launched, other: Launched) -> None:
    a, b = one.state, other.state
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
    assert one.painted == other.painted


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["projected", "dcgan", "aided", "styled"])
def test_two_processes_train_what_one_does(
    folder: Path, tmp_path: Path, recipe: str, request: pytest.FixtureRequest
) -> None:
    one = launch(folder, tmp_path / "one", processes=1, recipe=recipe)
    both = launch(folder, tmp_path / "two", recipe=recipe)
    for run in (one, both):
        assert run.status == 0, run.said
    # Only the first speaks and writes.
    assert both.said.count("Done in") == both.said.count("Wrote") == 1
    for step in range(STEPS):
        whole = load_file(one.notes / f"{step}-0.safetensors")
        first, second = (load_file(both.notes / f"{step}-{rank}.safetensors") for rank in (0, 1))
        assert whole.keys() == first.keys() == second.keys()
        # In the first step the generator only watches.
        assert any("Generator/" in name for name in whole) == (step > 0)
        assert any("Discriminator/" in name for name in whole)
        for name, expected in whole.items():
            if name in ("batch", "labels"):
                assert torch.equal(torch.stack([first[name], second[name]], 1).flatten(0, 1), expected)
                continue
            assert torch.equal(first[name], second[name]), name
            assert torch.allclose(first[name], expected, rtol=1e-6, atol=1e-12), (step, name)
    a, b = one.state, both.state
    assert a.keys() == b.keys()
    # Networks, their average, the optimisers' moments, running statistics, losses.
    for name, value in a.items():
        assert torch.allclose(value.double(), b[name].double(), rtol=1e-6, atol=1e-9), name
    assert torch.equal(a["chance"], b["chance"])
    assert one.painted.keys() == both.painted.keys()


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["1", "launcher"])
def test_a_polite_signal_to_any_of_them_stops_all_and_the_same_command_goes_on(
    folder: Path, two: Launched, tmp_path: Path, whom: str
) -> None:
    stopped = launch(folder, tmp_path / "run", sent=(signal.SIGTERM, 3, whom))
    assert stopped.said.count("Stopped after 48 covers" if whom == "1" else "Stopped after ") == 1
    assert "Another process" not in stopped.said
    if whom == "1":
        assert stopped.status == 0, stopped.said
        assert stopped.step == 3
    assert not (stopped.out / "checkpoint").exists()
    resumed = launch(folder, stopped.out)
    assert resumed.status == 0, resumed.said
    assert resumed.said.count("Going on after") == 1
    assert_same_run(resumed, two)


@pytest.mark.slow
def test_killing_one_of_them_costs_nothing_but_time(folder: Path, two: Launched, tmp_path: Path) -> None:
    killed = launch(folder, tmp_path / "run", sent=(signal.SIGKILL, 3, "1"))
    assert killed.status != 0
    assert "pair.cc" not in killed.said and "RuntimeError" not in killed.said
    # Saved at the end of the first epoch.
    assert killed.step == 2
    resumed = launch(folder, killed.out)
    assert resumed.status == 0, resumed.said
    assert_same_run(resumed, two)


@pytest.mark.slow
def test_two_go_on_where_one_was_stopped(folder: Path, two: Launched, tmp_path: Path) -> None:
    stopped = launch(folder, tmp_path / "run", processes=1, sent=(signal.SIGTERM, 3, "0"))
    assert stopped.step == 3
    resumed = launch(folder, stopped.out)
    assert resumed.status == 0, resumed.said
    for name, value in two.state.items():
        assert torch.allclose(resumed.state[name].double(), value.double(), rtol=1e-6, atol=1e-9), name


@pytest.mark.slow
def test_a_broken_state_is_said_once_per_process_and_nobody_waits_for_ever(
    folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "state.safetensors").write_bytes(b"no state")
    broken = launch(folder, run)
    assert broken.status != 0
    for rank in (0, 1):
        assert broken.said.count(f"Process {rank} of 2: The saved state") == 1
    assert (run / "state.safetensors").read_bytes() == b"no state"
