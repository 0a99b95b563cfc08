"""The network of juries before 2026-11-28: shares, prior correction, pooling."""

from __future__ import annotations

import pytest
import torch

from albumjudge.models.jury import Jury, JuryFeatures, activation_share
from albumjudge.models.vgg16 import VGG16Features


@pytest.fixture(scope="module")
def jury() -> Jury:
    """Three jurors on six paintings, with random content."""
    torch.manual_seed(1)
    network = Jury(32, ("one", "two", "three"), 6, 2)
    for name, buffer in network.named_buffers():
        if name not in ("mean", "sd", "prior_correction"):
            buffer.copy_(torch.rand_like(buffer) / 80)
    network.feature_sd.fill_(1.0)
    network.dual_coefficients.normal_()
    return network.eval()


@torch.no_grad()
def test_each_juror_their_mean_and_the_prior_correction(jury: Jury) -> None:
    images = torch.rand(2, 3, 32, 32)
    shares = jury.juror_probabilities(images)
    assert shares.shape == (3, 2, 8) and jury.juror_names == ("one", "two", "three")
    torch.testing.assert_close(shares.sum(2), torch.ones(3, 2))
    torch.testing.assert_close(jury(images).softmax(1), shares.mean(0))
    assert (shares[0] - shares[1]).abs().max() > 1e-3
    jury.prior_correction[3] = 1.0
    corrected = jury.juror_probabilities(images)
    jury.prior_correction.zero_()
    shifted = shares.log()
    shifted[:, :, 3] += 1
    torch.testing.assert_close(corrected, shifted.softmax(2))


@torch.no_grad()
def test_activation_shares_stand_beside_means_and_maxima() -> None:
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0, :, 0] = 5.0
    maps[0, 1, 1:3, 1:3] = 0.1
    torch.testing.assert_close(activation_share(maps), torch.tensor([[0.25, 0.25]]))
    pooled = JuryFeatures.pool(maps)
    torch.testing.assert_close(pooled[:, :4], VGG16Features.pool(maps))
    torch.testing.assert_close(pooled[:, 4:], activation_share(maps))


def test_an_activation_share_has_the_gradient_of_a_smooth_one() -> None:
    maps = torch.rand(2, 3, 4, 4, requires_grad=True)
    found = activation_share(maps)
    torch.testing.assert_close(found, torch.ones(2, 3))
    (slope,) = torch.autograd.grad(found.sum(), maps)
    torch.testing.assert_close(slope, (1 + maps.detach()) ** -2 / 16)


@pytest.mark.parametrize("names", [(), "alone", (1, 2)])
def test_a_jury_needs_names(names: object) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        Jury(juror_names=names)  # type: ignore[arg-type]
