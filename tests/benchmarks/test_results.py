"""The benchmarks write their tables where they belong, and load no machine but this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.results import PAGE, section, table, write
from benchmarks.session import Session, SessionError


def test_a_section_is_replaced_and_the_rest_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--write"])
    page = tmp_path / "load.md"
    page.write_text(
        "before\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\nb\n<!-- b: end -->\n"
    )
    write("a", section("python -m x", "new"), page)
    text = page.read_text()
    assert "old" not in text and "new" in text and "(`python -m x --write`, 20" in text
    assert text.startswith("before\n") and text.endswith("<!-- b: begin -->\nb\n<!-- b: end -->\n")
    with pytest.raises(ValueError, match="needs the marks"):
        write("c", "x", page)


def test_the_page_has_the_marks_of_every_benchmark() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in ("visitors", "inference"):
        assert f"<!-- {name}: begin -->" in text and f"<!-- {name}: end -->" in text


def test_a_table_has_the_columns_of_its_first_row() -> None:
    made = table({"one": {"a": "1", "b": "2"}, "two": {"a": "3"}}, "row")
    assert made.splitlines() == ["| row | a | b |", "|---|---:|---:|", "| one | 1 | 2 |", "| two | 3 | - |"]


@pytest.mark.parametrize(
    "address", ["http://example.org", "http://10.0.0.1:8501", "https://127.0.0.1.example.org"]
)
def test_load_goes_to_this_machine_only(address: str) -> None:
    with pytest.raises(SessionError, match="this machine"):
        Session(address)
