"""The public API, as the package's docstring shows it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import albumjudge
from albumjudge.domain.emotions import NAMES


def test_bundled_painters_paint_and_the_jury_judges() -> None:
    names = albumjudge.painters()
    assert {"dcgan-seed", "dcgan-plain"} < set(names)
    for name in (None, names[-1]):
        painter = albumjudge.load_painter(name)
        covers = painter.paint([4711, 17])
        assert [cover.identity.painter for cover in covers] == [name or names[0]] * 2
        assert all(c.pixels.shape == (64, 64, 3) and c.pixels.dtype == np.uint8 for c in covers)
    verdicts = albumjudge.load_judge().judge([*covers, covers[0].pixels])
    assert all(len(verdict.probabilities) == len(NAMES) for verdict in verdicts)
    assert sum(verdicts[0].probabilities) == pytest.approx(1)
    assert verdicts[2].probabilities == pytest.approx(verdicts[0].probabilities, abs=1e-4)


def test_an_unknown_painter_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"no painter 'rembrandt'. Bundled are .*dcgan-seed"):
        albumjudge.load_painter("rembrandt")


def test_names_come_without_pytorch() -> None:
    code = "import sys, albumjudge.domain.settings; albumjudge.painters(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
