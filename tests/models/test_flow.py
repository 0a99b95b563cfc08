"""The flow painter and the one-step painter: expansion, integration, guidance, conditions, checkpoints."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.autoencoder import DOWNSAMPLING
from albumjudge.models.flow import LENGTH_POWER, FlowGenerator, FourierExpansion, VelocityUNet
from albumjudge.models.one_step import OneStepGenerator
from tests.models.networks import differ, random_latents, randomised
from training.engine.state import save_checkpoint


def tiny(size: int = 64) -> FlowGenerator:
    return FlowGenerator(5, 3, 8, size, decoder_width=2, steps=3, autoguidance_width=8)


def labels(*numbers: int) -> Tensor:
    return torch.tensor(numbers)


@pytest.fixture(params=[tiny, lambda: OneStepGenerator(5, 3, 8, decoder_width=2)], ids=["flow", "one step"])
def generator(request: pytest.FixtureRequest) -> FlowGenerator | OneStepGenerator:
    network: FlowGenerator | OneStepGenerator = randomised(request.param())
    return network


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("kind", [FlowGenerator, OneStepGenerator])
def test_covers_are_decoded_from_latent_images_an_eighth_as_large(
    size: int, kind: type[FlowGenerator | OneStepGenerator]
) -> None:
    generator = kind(5, 3, 8, size, decoder_width=2)
    given = torch.randn(3, 5), labels(0, 1, len(GENRES)), labels(len(DECADES), 0, 1)
    latent_images = generator.latent_images(*given)
    assert latent_images.shape == (3, 3, size // DOWNSAMPLING, size // DOWNSAMPLING)
    covers = generator(*given)
    assert torch.equal(covers, generator.decoder(latent_images))
    assert covers.shape == (3, 3, size, size) and covers.abs().max() <= 1


def test_what_cannot_be_built_is_refused_in_a_sentence() -> None:
    for size in (0, 8, 32, 68, 96, 100):
        with pytest.raises(ValueError, match=r"paints squares of .* not \d+\."):
            FlowGenerator(size=size)
    for width, side in ((8, 0), (8, 7), (0, 8), (12, 8)):
        with pytest.raises(ValueError, match=rf"needs an even side .* not {side} and {width}\."):
            VelocityUNet(3, width, side)
    with pytest.raises(ValueError, match=r"takes at least one step, not 0\."):
        FlowGenerator(steps=0)
    with pytest.raises(ValueError, match=r"61 numbers cannot be expanded to 60\."):
        FourierExpansion(61, 60)


def test_latents_genre_and_decade_each_change_the_cover(generator: FlowGenerator | OneStepGenerator) -> None:
    given = random_latents(2)
    plain = generator(given)
    assert differ(plain, generator(given.flip(0)))
    for label in range(1, len(GENRES) + 1):
        assert differ(plain, generator(given, labels(label, label)))
    for label in range(1, len(DECADES) + 1):
        assert differ(plain, generator(given, None, labels(label, label)))
    assert differ(generator(given, labels(1, 1)), generator(given, None, labels(1, 1)))
    assert torch.equal(generator(given, labels(0, 0), labels(0, 0)), plain)


def test_a_condition_does_not_change_the_rest_of_a_batch(generator: FlowGenerator | OneStepGenerator) -> None:
    given, none = random_latents(3), labels(0, 0, 0)
    plain, mixed = generator(given, none, none), generator(given, labels(0, 2, 0), none)
    assert torch.allclose(mixed[[0, 2]], plain[[0, 2]], atol=1e-12)
    assert differ(mixed[1], plain[1])
    assert torch.allclose(mixed[1:2], generator(given[1:2], labels(2), labels(0)), atol=1e-12)


def test_one_step_is_noise_plus_velocity_which_changes_in_time() -> None:
    generator = randomised(OneStepGenerator(5, 3, 8, decoder_width=2))
    latents = random_latents(2)
    noise = generator.expansion(latents).view(2, 3, 8, 8)
    velocity = generator.unet(noise, torch.zeros(2).double(), labels(1, 0), labels(0, 2))
    assert torch.allclose(generator.latent_images(latents, labels(1, 0), labels(0, 2)), noise + velocity)
    unet, x = randomised(VelocityUNet(3, 8, 8)), torch.randn(2, 3, 8, 8, dtype=torch.double)
    early, late = (unet(x, torch.full((2,), t).double(), labels(0, 0), labels(0, 0)) for t in (0.1, 0.11))
    assert differ(early, late)


def expansion(latent_size: int = 20, noise_size: int = 60) -> FourierExpansion:
    return FourierExpansion(latent_size, noise_size).double()


def test_expanded_noise_is_normal_in_every_direction_close_for_close_latents_and_else_unrelated() -> None:
    noise = expansion()(random_latents(20_000, 20))
    assert noise.shape == (20_000, 60)
    assert noise.mean(0).abs().max() < 0.1
    assert (torch.cov(noise.T) - torch.eye(60)).abs().max() < 0.15
    kurtosis = (noise - noise.mean(0)).pow(4).mean(0) / noise.var(0).square()
    assert kurtosis.sub(3).abs().max() < 0.5
    network = expansion(100, 300)
    one, other = random_latents(200, 100).chunk(2)
    length = 10 / one.norm(dim=1, keepdim=True)
    fine = [(network(each) @ network.basis)[:, 100:] for each in (one * length, one + 0.05 * other, other)]
    close, strange = [torch.cosine_similarity(fine[0], each).mean().item() for each in fine[1:]]
    assert close > 0.95 and abs(strange) < 0.1


def test_the_basis_is_that_of_the_principal_components_and_the_first_take_the_latent_vector() -> None:
    network, given = expansion(), random_latents(4, 20)
    given = given * (20**0.5 / given.norm(dim=1, keepdim=True))
    rows = torch.randn(500, 60, generator=torch.Generator().manual_seed(3)) * torch.linspace(1, 3, 60)
    network.fit_basis(rows + 7)
    assert torch.allclose((network(given) @ network.basis)[:, :20], given, atol=1e-6)
    assert torch.allclose(network.basis.T @ network.basis, torch.eye(60).double(), atol=1e-5)
    centred = (rows - rows.mean(0)).double()
    assert torch.allclose((centred @ network.basis).norm(dim=0), torch.linalg.svdvals(centred), rtol=1e-4)


@pytest.mark.parametrize("times", [0.5, 1.7])
def test_a_longer_latent_vector_gives_hardly_longer_noise(times: float) -> None:
    network, given = expansion(), random_latents(4, 20)
    assert torch.allclose(network(times * given), times**LENGTH_POWER * network(given), atol=1e-9)
    assert not network(0 * given)[:, :20].any() and network(0 * given).isfinite().all()


class Towards(nn.Module):
    """The exact velocity to one latent image ``c``, ``(c - x) / (1 - t)``; ``c`` is the genre plus ``offset``."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__()
        self.offset, self.times = offset, list[float]()

    def forward(self, x: Tensor, t: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        self.times += t[:1].tolist()
        return ((genre + self.offset)[:, None, None, None] - x) / (1 - t[:, None, None, None])


def led_by(unet: nn.Module, autoguidance: nn.Module | None = None) -> FlowGenerator:
    generator = randomised(tiny())
    generator.unet, generator.autoguidance_unet = unet, autoguidance  # type: ignore[assignment]
    return generator


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_straight_ways_are_followed_to_their_end_in_any_number_of_steps(steps: int) -> None:
    generator = led_by(unet := Towards())
    generator.guidance_scale, generator.steps = 1.0, steps
    found = generator.latent_images(random_latents(3), labels(0, 1, 2), labels(0, 0, 0))
    assert torch.allclose(found, torch.tensor([0.0, 1, 2]).double().view(3, 1, 1, 1).expand_as(found))
    assert unet.times == [step / steps for step in range(steps) for _ in range(2)]


@pytest.mark.parametrize("autoguidance", [1.0, 1.5])
@pytest.mark.parametrize("guidance", [0.5, 1.0, 3.0])
def test_guidance_extrapolates_from_no_condition_and_from_the_smaller_network(
    autoguidance: float, guidance: float
) -> None:
    """The network leads to the genre's number, 0 without, the smaller one to -1."""
    generator = led_by(Towards(), Towards(-1))
    generator.autoguidance_scale, generator.guidance_scale = autoguidance, guidance
    generator.autoguidance_start = 0.0
    found = generator.latent_images(random_latents(3), labels(0, 4, 0), labels(0, 0, 2))
    for row, genre in zip(found, (0, 4, 0), strict=True):
        assert torch.allclose(row, torch.full_like(row, -1 + autoguidance + guidance * genre), atol=1e-6)


def test_autoguidance_begins_late() -> None:
    generator = led_by(Towards(), smaller := Towards(-1))
    generator.steps, generator.autoguidance_start = 4, 0.5
    generator.latent_images(random_latents(2), labels(0, 0), labels(0, 0))
    assert smaller.times == [0.5, 0.75]


def test_the_error_of_integration_falls_as_the_square_of_a_step() -> None:
    """On dx/dt = x, whose solution is known."""

    class Growth(nn.Module):
        def forward(self, x: Tensor, *_: Tensor) -> Tensor:
            return x

    generator, given = led_by(Growth()), random_latents(1)
    end = generator.expansion(given) * torch.tensor(1.0).exp()
    errors = []
    for generator.steps in (50, 100):
        found = generator.latent_images(given, labels(0), labels(0)).flatten(1)
        errors.append((found - end).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("kind", [FlowGenerator, OneStepGenerator])
def test_a_checkpoint_gives_the_network_back(
    tmp_path: Path, kind: type[FlowGenerator | OneStepGenerator]
) -> None:
    network = randomised(kind(5, 3, 8, decoder_width=2)).float()
    save_checkpoint(network, tmp_path, {"kind": "generator", "network": kind.__name__, "name": "latent-64"})
    checkpoint = read_checkpoint(tmp_path, "generator")
    assert checkpoint.network == kind.__name__ and checkpoint.config["latent_channels"] == 3
    loaded = load_generator(checkpoint)
    assert isinstance(loaded, kind) and not loaded.training
    expected, found = deepcopy(network).half().float().state_dict(), loaded.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
