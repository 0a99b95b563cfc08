"""Which checkpoints lie in the repository. Loads no PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

Kind = Literal["generator", "judge"]
KINDS: tuple[Kind, ...] = ("generator", "judge")
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
BUNDLED: dict[Kind, Path] = {kind: CHECKPOINTS / kind for kind in KINDS}
GUESTS = tuple(CHECKPOINTS / f"generator-{name}" for name in ("seed", "plain"))
"""Further generators, to compare."""


def painter_folders() -> dict[str, Path]:
    """Folders of the bundled painters by name, the default one first."""
    folders = [folder for folder in (BUNDLED["generator"], *GUESTS) if (folder / "training.json").is_file()]
    return {
        json.loads((folder / "training.json").read_text(encoding="utf-8"))["name"]: folder
        for folder in folders
    }
