"""Put the measured tables of the bundled checkpoints into README.md, between its two marks.

python -m training.reports.report
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from training.data.covers import DataError
from training.engine.state import write_text
from training.reports.model_card import progress
from training.reports.tables import markdown_table

BEGIN, END = "<!-- measured: begin", "<!-- measured: end -->"
HEADINGS = {"generator": "The painter", "judge": "The judge"}


def measured(checkpoints: Path) -> str:
    """Markdown of every table in the bundled checkpoints' ``metrics.json``.

    Raises:
        DataError: if a file is missing or broken.
    """
    parts = []
    for kind, heading in HEADINGS.items():
        try:
            record, metrics = (
                json.loads((checkpoints / kind / name).read_text(encoding="utf-8"))
                for name in ("training.json", "metrics.json")
            )
        except (OSError, ValueError) as error:
            raise DataError(f"The bundled {kind} cannot be reported ({error}). Evaluate it first.") from error
        parts.append(f"### {heading}: {record['name']}\n\n{progress(record)}")
        for table in metrics.values():
            facts = ", ".join(f"{key} {table[key]}" for key in ("seed", "date") if key in table)
            parts.append(f"{table['what']}\n\n{markdown_table(table['rows'])}\n\n({facts})")
    return "\n\n".join(parts)


def insert(readme: str, content: str) -> str:
    """Replace what stands between the two marks.

    Raises:
        DataError: if a mark is missing.
    """
    begin = readme.find(BEGIN)
    line_end, end = readme.find("\n", begin), readme.find(END)
    if begin < 0 or end < line_end:
        raise DataError(f"README.md needs the marks {BEGIN!r} and {END!r}, in this order.")
    return f"{readme[: line_end + 1]}\n{content}\n\n{readme[end:]}"


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.reports.report", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    given = parser.parse_args(arguments)
    try:
        text = given.readme.read_text(encoding="utf-8")
        write_text(given.readme, insert(text, measured(given.checkpoints)))
    except (OSError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote the tables into {given.readme}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
