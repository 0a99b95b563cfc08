"""A step repeated from a recording is the step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from training.engine.cuda_graphs import REHEARSALS, Replay, adam, set_rate

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def lesson(device: torch.device, record: bool) -> tuple[nn.Linear, list[float]]:
    """A line fitted in ten steps, at a falling rate."""
    torch.manual_seed(0)
    line = nn.Linear(2, 1).to(device)
    optimiser = adam(line.parameters(), 0.1, (0.9, 0.99), device)

    def step(given: Tensor, wanted: Tensor) -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        loss: Tensor = (line(given) - wanted).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return loss.detach()

    replay, chance, losses = Replay(step, device, record=record), torch.Generator().manual_seed(1), []
    for number in range(10):
        given = torch.randn(8, 2, generator=chance)
        for group in optimiser.param_groups:
            set_rate(group, 0.1 * (1 - number / 10))
        losses.append(float(replay(given, given.sum(1, keepdim=True))))
    return line, losses


def test_without_a_gpu_a_step_is_just_taken() -> None:
    line, losses = lesson(CPU, True)
    expected, told = lesson(CPU, False)
    assert losses == told and len(set(losses)) == 10
    assert torch.equal(line.weight, expected.weight)


def test_rates_are_set_group_by_group() -> None:
    one, other = nn.Linear(1, 1), nn.Linear(1, 1)
    groups = [{"params": one.parameters()}, {"params": other.parameters()}]
    optimiser = adam(groups, 0.5, (0.0, 0.9), CPU)
    set_rate(optimiser.param_groups[0], 0.25)
    assert [group["lr"] for group in optimiser.param_groups] == [0.25, 0.5]


@needs_gpu
def test_a_recording_learns_what_the_steps_themselves_would() -> None:
    device = torch.device("cuda")
    line, losses = lesson(device, True)
    expected, told = lesson(device, False)
    assert len(losses) > REHEARSALS + 2
    assert losses == pytest.approx(told, rel=1e-5)
    assert torch.allclose(line.weight, expected.weight, rtol=1e-5)


@needs_gpu
def test_rates_of_a_recording_are_of_each_group_its_own() -> None:
    device = torch.device("cuda")
    one, other = nn.Linear(1, 1, device=device), nn.Linear(1, 1, device=device)
    groups = [{"params": one.parameters()}, {"params": other.parameters()}]
    optimiser = adam(groups, 0.5, (0.0, 0.9), device)
    set_rate(optimiser.param_groups[0], 0.25)
    assert [float(group["lr"]) for group in optimiser.param_groups] == [0.25, 0.5]
