"""Verdicts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from albumjudge import load_judge, load_painter
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror, Verdict, mutual_information
from albumjudge.inference import judge as judge_module
from albumjudge.inference.judge import Judge
from albumjudge.models.vgg16 import VGG16EmotionClassifier

FEAR = (0.05, 0.05, 0.1, 0.1, 0.05, 0.05, 0.5, 0.1)


def cover(seed: int) -> Cover:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Cover(CoverIdentity("dcgan-seed-1a2b3c4d", seed), pixels)


@pytest.fixture(scope="module")
def network() -> VGG16EmotionClassifier:
    torch.manual_seed(2)
    return VGG16EmotionClassifier(size=32)


@pytest.mark.parametrize("shares", [(1.0,), (0.5,) * 8, (1.5, -0.5, 0, 0, 0, 0, 0, 0)])
def test_what_is_no_distribution_is_no_verdict(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="no distribution"):
        Verdict(shares, "vgg16-distribution-00000000")


@torch.no_grad()
def test_covers_are_judged_in_their_order_as_rgb_from_zero_to_one(network: VGG16EmotionClassifier) -> None:
    judge = Judge(network, "vgg16-distribution-1a2b3c4d")
    both = judge.judge([cover(1), cover(2)])
    assert both[1].probabilities == pytest.approx(judge.judge([cover(2)])[0].probabilities, abs=1e-5)
    assert both[0].revision == "vgg16-distribution-1a2b3c4d"
    assert judge.judge([]) == []
    one = cover(3)
    image = torch.from_numpy(one.pixels / 255).float().permute(2, 0, 1)[None]
    expected = network.eval()(image).softmax(1)[0].tolist()
    assert Judge(network, "x-00000000").judge([one])[0].probabilities == pytest.approx(expected, abs=1e-5)


def test_a_jury_of_one_agrees_with_itself(network: VGG16EmotionClassifier) -> None:
    verdict = Judge(network, "x-00000000").judge([cover(4)])[0]
    assert verdict.jurors == (Juror("alone", verdict.probabilities),)
    assert verdict.disagreement == pytest.approx(0, abs=1e-9)
    assert verdict.firsts == (verdict.top,) and verdict.top in verdict.words
    sure = {name: tuple(float(name == other) for other in NAMES) for name in ("anger", "fear")}
    said = (Juror("a", sure["fear"]), Juror("b", sure["anger"]), Juror("c", sure["fear"]))
    assert Verdict(FEAR, "x", said).firsts == ("anger", "fear")


def test_disagreement_in_bits() -> None:
    sure = [tuple(float(i == j) for j in range(8)) for i in range(4)]
    assert mutual_information(sure) == pytest.approx(2)
    assert mutual_information([sure[0]] * 5) == 0
    flat = tuple([1 / 8] * 8)
    assert mutual_information([flat, flat]) == pytest.approx(0, abs=1e-12)
    assert mutual_information([sure[0], flat]) == pytest.approx(
        -(9 / 16 * np.log2(9 / 16) + 7 / 16 * np.log2(1 / 16)) - 1.5
    )
    with pytest.raises(ValueError, match="Without jurors"):
        mutual_information([])


@pytest.mark.slow
def test_bfloat16_changes_no_share_by_more_than_a_hundredth(monkeypatch: pytest.MonkeyPatch) -> None:
    painter, found = load_painter("dcgan-plain"), []
    covers = [cover for first in range(0, 500, 50) for cover in painter.paint(range(first, first + 50))]
    for native in (False, True):
        monkeypatch.setattr(judge_module, "native_bfloat16", lambda native=native: native)
        judge = load_judge()
        assert (next(judge.network.features.parameters()).dtype == torch.bfloat16) is native
        found.append(np.array([verdict.probabilities for verdict in judge.judge(covers)]))
    assert np.abs(found[0] - found[1]).max() <= 0.01
