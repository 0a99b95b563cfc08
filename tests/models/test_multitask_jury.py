"""The multi-task jury's network: colours, shares, gradients, saving."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from albumjudge.models.multitask_jury import (
    ColourFeatures,
    MultitaskJury,
    activation_share,
    colour_histogram,
    memberships,
    to_lab,
)
from albumjudge.models.vgg16 import VGG16Features
from tests.checkpoint_fixtures import random_jury


@pytest.fixture(scope="module")
def jury() -> MultitaskJury:
    network = random_jury("one", "two", size=32)
    network.juror_weights.copy_(torch.tensor([[0.25, 0.75], [1.0, 0.0]]))
    return network


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((1, 0, 0), (53.2, 80.1, 67.2)),
        ((0, 0, 1), (32.3, 79.2, -107.9)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_lab_is_that_of_the_books(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    found = to_lab(torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(lab, dtype=torch.float32), atol=0.3, rtol=0)


def test_a_histogram_counts_every_pixel_once_in_neighbouring_bins() -> None:
    found = memberships(torch.tensor([-5.0, 0.0, 2.5, 30.0, 99.0]), (0.0, 10.0, 40.0))
    wanted = [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0], [0, 1 / 3, 2 / 3], [0, 0, 1]]
    torch.testing.assert_close(found, torch.tensor(wanted))
    found = colour_histogram(torch.rand(2, 3, 8, 8)).square()
    torch.testing.assert_close(found.sum(1), torch.ones(2), atol=1e-3, rtol=0)


def test_activation_shares_stand_beside_means_and_maxima_and_have_the_gradient_of_a_smooth_one() -> None:
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0, :, 0], maps[0, 1, 1:3, 1:3] = 5.0, 0.1
    torch.testing.assert_close(activation_share(maps), torch.tensor([[0.25, 0.25]]))
    pooled = ColourFeatures.pool(maps)
    torch.testing.assert_close(pooled, torch.cat([VGG16Features.pool(maps), activation_share(maps)], 1))
    maps = torch.rand(2, 3, 4, 4, requires_grad=True)
    found = activation_share(maps)
    torch.testing.assert_close(found, torch.ones(2, 3))
    (slope,) = torch.autograd.grad(found.sum(), maps)
    torch.testing.assert_close(slope, (1 + maps.detach()) ** -2 / 16)


def test_shares_follow_the_prior_correction_and_have_a_gradient(jury: MultitaskJury) -> None:
    images = torch.rand(4, 3, 64, 64)
    shares = jury.juror_probabilities(images)
    assert shares.shape == (2, 4, 8) and jury.juror_names == ("one", "two")
    torch.testing.assert_close(shares.sum(2), torch.ones(2, 4))
    jury.prior_correction[2] = 1.0
    corrected = jury.juror_probabilities(images)
    jury.prior_correction.zero_()
    odds = corrected[..., 2] / (1 - corrected[..., 2]) / (shares[..., 2] / (1 - shares[..., 2]))
    torch.testing.assert_close(odds, torch.full_like(odds, torch.e), rtol=1e-3, atol=0)
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    jury.juror_probabilities(images)[0, 0, 3].backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.isfinite().all() and images.grad.abs().max() > 0


def test_jurors_weigh_by_the_kind_of_picture(jury: MultitaskJury) -> None:
    features = jury.extract(torch.rand(4, 3, 64, 64))
    jurors, verdict = jury.verdicts_of(features)
    domain = jury.domain(jury.distances(jury.coordinates(features)))
    expected = domain * (0.25 * jurors[0] + 0.75 * jurors[1]) + (1 - domain) * jurors[0]
    torch.testing.assert_close(verdict, expected)
    shift = jury.valence_shift.clone()
    before = jury.juror_logits(jury.distances(jury.coordinates(features)))
    jury.valence_shift.zero_()
    after = jury.juror_logits(jury.distances(jury.coordinates(features)))
    jury.valence_shift.copy_(shift)
    valence = (1 - domain) * jury.scales(jury.distances(jury.coordinates(features)))[:, -1:]
    torch.testing.assert_close((before - after)[:, :, 0], shift[:, None] * valence[:, 0] / 2)
    torch.testing.assert_close((before - after)[:, :, 1], -shift[:, None] * valence[:, 0] / 2)


def test_it_can_be_carried_away(jury: MultitaskJury, tmp_path: Path) -> None:
    jury.save_pretrained(tmp_path)
    back = MultitaskJury.from_pretrained(tmp_path).eval()
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(back(images), jury(images))
    assert back.juror_names == jury.juror_names


@pytest.mark.parametrize(
    ("names", "components"), [((), (1,) * 6), ("one", (1,) * 6), ((1,), (1,) * 6), (("one",), (1,))]
)
def test_impossible_juries_are_refused(names: object, components: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        MultitaskJury(juror_names=names, components=components)  # type: ignore[arg-type]
