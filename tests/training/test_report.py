"""README's figures are those of the bundled checkpoints, and nobody typed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.covers import DataError
from training.engine.state import write_json
from training.reports import report

ROOT = Path(__file__).parents[2]
MARKS = f"before\n{report.BEGIN} -->\nold\n{report.END}\nafter\n"


def bundle(folder: Path) -> None:
    for kind in report.HEADINGS:
        write_json(folder / kind / "training.json", {"name": f"a-{kind}", "kind": kind, "epochs_done": 2})
        table = {"what": f"What {kind}s do.", "seed": 7, "date": "2026-01-02", "rows": {"ours": {"KL": 0.25}}}
        write_json(folder / kind / "metrics.json", {"table": table})


def test_the_readme_says_what_the_checkpoints_say() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert report.insert(readme, report.measured(ROOT / "checkpoints")) == readme


def test_tables_go_between_the_marks(tmp_path: Path) -> None:
    bundle(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(MARKS)
    assert report.main(["--readme", str(readme), "--checkpoints", str(tmp_path)]) == 0
    once = readme.read_text()
    assert once.startswith("before\n") and once.endswith("after\n") and "old" not in once
    assert "0.2500" in once and "(seed 7, date 2026-01-02)" in once and "a-judge" in once
    assert report.main(["--readme", str(readme), "--checkpoints", str(tmp_path)]) == 0
    assert readme.read_text() == once


@pytest.mark.parametrize("text", ["no marks", f"{report.END}\n{report.BEGIN} -->\n", f"{report.BEGIN} -->\n"])
def test_a_readme_without_marks_is_left_alone(text: str) -> None:
    with pytest.raises(DataError, match="needs the marks"):
        report.insert(text, "tables")


def test_a_checkpoint_without_metrics_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main(["--checkpoints", str(tmp_path), "--readme", str(ROOT / "README.md")]) == 1
    assert "cannot be reported" in capsys.readouterr().err
