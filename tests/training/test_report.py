"""The figures of docs/measured.md are those of the bundled checkpoints, and nobody typed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.images import DataError
from training.engine.state import write_json
from training.reports import report

ROOT = Path(__file__).parents[2]
MARKS = f"before\n{report.BEGIN} -->\nold\n{report.END}\nafter\n"


def bundle(folder: Path) -> None:
    for kind in report.HEADINGS:
        write_json(folder / kind / "training.json", {"name": f"a-{kind}", "kind": kind, "epochs_done": 2})
        table = {"what": f"What {kind}s do.", "seed": 7, "date": "2026-01-02", "rows": {"ours": {"KL": 0.25}}}
        write_json(folder / kind / "metrics.json", {"table": table})


def test_the_page_says_what_the_checkpoints_say() -> None:
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    assert report.insert(page, report.report(ROOT / "checkpoints")) == page


def test_tables_go_between_the_marks(tmp_path: Path) -> None:
    bundle(tmp_path)
    page = tmp_path / "measured.md"
    page.write_text(MARKS)
    for _ in range(2):
        assert report.main(["--page", str(page), "--checkpoints", str(tmp_path)]) == 0
        text = page.read_text()
        assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
        assert "0.2500" in text and "seed 7; date 2026-01-02" in text and text.count("a-judge") == 1


@pytest.mark.parametrize("text", ["no marks", f"{report.END}\n{report.BEGIN} -->\n", f"{report.BEGIN} -->\n"])
def test_a_readme_without_marks_is_left_alone(text: str) -> None:
    with pytest.raises(DataError, match="needs the marks"):
        report.insert(text, "tables")


def test_a_checkpoint_without_metrics_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main(["--checkpoints", str(tmp_path), "--page", str(ROOT / "docs" / "measured.md")]) == 1
    assert "cannot be reported" in capsys.readouterr().err
