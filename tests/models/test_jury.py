"""The jury's network says what its jurors' fits say, also after saving and loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from albumjudge.models.jury import JURY_FEATURE_WIDTHS, Jury, JuryFeatures, activation_share
from albumjudge.models.vgg16 import VGG16Features
from training.judge.jurors import Choice, FittedJuror, JurorConfig
from training.train_jury import build, standardised, with_readings

WIDTH = sum(JURY_FEATURE_WIDTHS)
LIVES = (JurorConfig("one", "First."), JurorConfig("two", "Second."), JurorConfig("three", "Third."))


@pytest.fixture(scope="module")
def parts() -> tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray]:
    """A jury of three on six paintings, built by the training code from fits made up here."""
    torch.manual_seed(1)
    chance = np.random.default_rng(2)
    reports = np.abs(chance.normal(size=(6, WIDTH)))
    weights, offsets = chance.normal(size=(WIDTH, 2)) / 50, chance.normal(size=2)
    choice = Choice(((1e-3, 1.0),), 1.0, 2.0)
    fitted = [
        FittedJuror(
            np.abs(chance.normal(size=WIDTH + 2)) / 80,
            chance.normal(size=(6, 8)),
            chance.normal(size=8),
            choice,
        )
        for _ in LIVES
    ]
    jury = build(32, VGG16Features(32).features, LIVES, fitted, reports, weights, offsets)
    return jury, fitted, reports, weights, offsets


@torch.no_grad()
def test_the_network_says_what_the_fits_say(
    parts: tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray],
) -> None:
    jury, fitted, reports, weights, offsets = parts
    asked = np.abs(np.random.default_rng(9).normal(size=(4, WIDTH)))
    learnt, others = standardised(
        with_readings(reports, weights, offsets), with_readings(asked, weights, offsets)
    )
    expected = np.stack([softmax(juror.logits(others, learnt), axis=1) for juror in fitted])
    heard = jury.probabilities_of(torch.from_numpy(asked).float()).numpy()
    np.testing.assert_allclose(heard, expected, atol=2e-4)


@torch.no_grad()
def test_each_juror_and_their_mean(
    parts: tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray],
) -> None:
    jury = parts[0]
    images = torch.rand(2, 3, 32, 32)
    heard = jury.juror_probabilities(images)
    assert heard.shape == (3, 2, 8) and jury.juror_names == ("one", "two", "three")
    torch.testing.assert_close(heard.sum(2), torch.ones(3, 2))
    torch.testing.assert_close(jury(images).softmax(1), heard.mean(0))
    assert (heard[0] - heard[1]).abs().max() > 1e-3


@torch.no_grad()
def test_the_prior_correction_shifts_logits(
    parts: tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray],
) -> None:
    jury = parts[0]
    images = torch.rand(2, 3, 32, 32)
    before = jury.juror_probabilities(images)
    jury.prior_correction[3] = 1.0
    after = jury.juror_probabilities(images)
    jury.prior_correction.zero_()
    shifted = before.log()
    shifted[:, :, 3] += 1
    torch.testing.assert_close(after, shifted.softmax(2))


def test_probabilities_have_a_gradient_in_the_picture(
    parts: tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray],
) -> None:
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    parts[0].juror_probabilities(images)[:, 0, 2].mean().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.abs().sum() > 0


@torch.no_grad()
def test_saved_and_loaded_it_says_the_same(
    parts: tuple[Jury, list[FittedJuror], np.ndarray, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    jury = parts[0]
    jury.save_pretrained(tmp_path)
    back = Jury.from_pretrained(str(tmp_path)).eval()
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(back.juror_probabilities(images), jury.juror_probabilities(images))
    assert back.juror_names == jury.juror_names


@torch.no_grad()
def test_activation_shares_stand_beside_means_and_maxima() -> None:
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0, :, 0] = 5.0
    maps[0, 1, 1:3, 1:3] = 0.1
    torch.testing.assert_close(activation_share(maps), torch.tensor([[0.25, 0.25]]))
    report = JuryFeatures.pool(maps)
    torch.testing.assert_close(report[:, :4], VGG16Features.pool(maps))
    torch.testing.assert_close(report[:, 4:], activation_share(maps))


def test_the_activation_share_has_a_smooth_gradient() -> None:
    maps = torch.rand(2, 3, 4, 4, requires_grad=True)
    found = activation_share(maps)
    torch.testing.assert_close(found, torch.ones(2, 3))
    (slope,) = torch.autograd.grad(found.sum(), maps)
    torch.testing.assert_close(slope, (1 + maps.detach()) ** -2 / 16)


@pytest.mark.parametrize("names", [(), "alone", (1, 2)])
def test_a_jury_needs_names(names: object) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        Jury(juror_names=names)  # type: ignore[arg-type]
