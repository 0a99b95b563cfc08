"""Put the measured tables of the bundled checkpoints into docs/measured.md, between its two marks.

python -m training.reports.report
"""

from __future__ import annotations

import sys
from pathlib import Path

from training.data.command import command_parser, exit_status
from training.data.images import DataError
from training.engine.state import read_object, write_text
from training.reports.model_card import measured, progress

BEGIN, END = "<!-- measured: begin", "<!-- measured: end -->"
HEADINGS = {"generator": "The painter", "judge": "The judge"}


def report(checkpoints: Path) -> str:
    """Markdown of every table in the bundled checkpoints' ``metrics.json``.

    Raises:
        DataError: if a file is missing or broken.
    """
    parts = []
    for kind, heading in HEADINGS.items():
        record = read_object(checkpoints / kind / "training.json")
        if record is None:
            raise DataError(f"The bundled {kind} cannot be reported: it has no training.json.")
        tables = measured(read_object(checkpoints / kind / "metrics.json") or {})
        parts += [f"## {heading}: {record['name']}", progress(record), tables or "Not measured yet."]
    return "\n\n".join(parts)


def insert(page: str, content: str) -> str:
    """Replace what stands between the two marks.

    Raises:
        DataError: if a mark is missing.
    """
    begin, end = page.find(BEGIN), page.find(END)
    line_end = page.find("\n", begin)
    if begin < 0 or end < line_end:
        raise DataError(f"The page needs the marks {BEGIN!r} and {END!r}, in this order.")
    return f"{page[: line_end + 1]}\n{content}\n\n{page[end:]}"


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.reports.report", __doc__)
    parser.add_argument("--page", type=Path, default=Path("docs/measured.md"))
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    given = parser.parse_args(arguments)

    def body() -> str:
        text = given.page.read_text(encoding="utf-8")
        write_text(given.page, insert(text, report(given.checkpoints)))
        return f"Wrote the tables into {given.page}."

    return exit_status(body)


if __name__ == "__main__":
    sys.exit(main())
