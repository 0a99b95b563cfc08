"""Critics, augmentation, and what the one-step painter is held to."""

from __future__ import annotations

import pytest
import torch

from tests.training.trainers import small_networks
from training.generator.critics import FeatureCritic, PatchCritic, augment
from training.generator.one_step_trainer import local_contrast, log_spectrum


def pictures(count: int = 2, size: int = 32, seed: int = 0) -> torch.Tensor:
    return 2 * torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) - 1


def test_the_patch_critic_judges_patches_at_two_scales_and_knows_what_was_asked_for() -> None:
    torch.manual_seed(0)
    critic, covers = PatchCritic(2), pictures()
    plain = critic(covers, torch.zeros(2, 2, dtype=torch.long))
    assert plain.shape == (2, 8 * 8 + 4 * 4)
    changed = covers.clone()
    changed[:, :, 16:, 16:] = 0
    difference = (critic(changed, torch.zeros(2, 2, dtype=torch.long)) - plain)[0, :64].view(8, 8)
    assert difference[0, 0] == 0 and difference[7, 7] != 0
    asked = critic(covers, torch.tensor([[1, 0], [0, 2]]))
    assert torch.equal(asked[:, :64], plain[:, :64]) and not torch.equal(asked[:, 64:], plain[:, 64:])


def test_frozen_features_and_augmentation_hand_gradients_on(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)
    critic, covers = FeatureCritic(None, 4), pictures().requires_grad_()
    logits = critic(covers)
    assert logits.shape == (2, 2)
    assert all(name.startswith("heads.") for name in critic.state_dict())
    assert all(name.startswith("heads.") for name, _ in critic.named_parameters())
    (gradient,) = torch.autograd.grad(logits.sum(), covers)
    assert gradient.abs().sum() > 0
    covers = pictures(4).requires_grad_()
    first, again, other = (augment(covers, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert first.shape == covers.shape
    assert torch.equal(first, again) and not torch.equal(first, other)
    holes = (first == 0).all(1).float().mean((1, 2))
    assert (holes > 0.02).all() and (holes < 0.5).all()
    (gradient,) = torch.autograd.grad(first.sum(), covers)
    assert gradient.abs().sum() > 0


def test_local_contrast_and_log_spectrum_of_known_pictures() -> None:
    covers = torch.zeros(1, 3, 32, 32)
    covers[..., 16:, :] = torch.tensor([0.5, -0.5]).repeat(16)
    contrast = local_contrast(covers)
    assert contrast[..., :13, :].max() < 2e-3
    assert contrast[..., 20:-4, 4:-4].mean().item() == pytest.approx(0.49, abs=0.01)
    columns = torch.arange(32)
    wave = torch.cos(2 * torch.pi * 4 * columns / 32).expand(2, 3, 32, 32)
    spectrum = log_spectrum(wave)
    assert spectrum.shape == (32, 17)
    assert spectrum.argmax().item() == 4
    assert spectrum[0, 4].exp().item() == pytest.approx((32 * 32 / 2) ** 2, rel=1e-3)
