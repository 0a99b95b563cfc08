"""Export the votes, from the exhibit's own database or another one.

python -m albumjudge.export votes.csv --painters painters.csv --dictionary columns.md
python -m albumjudge.export votes.csv --database-url sqlite:///data/votes.db
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from albumjudge.domain.settings import SettingsError
from albumjudge.export.tables import dictionary_as_markdown, write_csv, write_painters_csv
from albumjudge.voting.__main__ import opened
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.votes import VoteStore


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 after a sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m albumjudge.export", description="Write all votes as CSV, one line per vote."
    )
    parser.add_argument("file", type=Path, help="CSV file to write; replaced if it exists")
    parser.add_argument("--dictionary", type=Path, metavar="FILE.md", help="write what the columns mean, too")
    parser.add_argument("--database-url", metavar="URL", help="instead of the exhibit's own database")
    parser.add_argument("--painters", type=Path, metavar="FILE.csv", help="write votes between painters, too")
    options = parser.parse_args(arguments)
    try:
        count = export(options.file, options.dictionary, options.database_url, options.painters)
    except (VoteError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written ({error.strerror}). Name another file.", file=sys.stderr)
        return 1
    print(f"{options.file}: {count} {'vote' if count == 1 else 'votes'}.")
    return 0


def export(
    file: Path, dictionary: Path | None = None, database_url: str | None = None, painters: Path | None = None
) -> int:
    """Write the votes, replacing each file only when all of it is written, and return how many they are."""
    with opened(database_url) as engine:
        excluded = CurationStore(engine).left_out()
        with _replacing(file) as lines:
            count = VoteStore(engine).stream(lambda votes: write_csv(votes, lines, excluded))
        if painters is not None:
            with _replacing(painters) as lines:
                write_painters_csv(PainterDuelStore(engine).votes(counted=False), lines, excluded)
    if dictionary is not None:
        dictionary.write_text(dictionary_as_markdown(), encoding="utf-8")
    return count


@contextmanager
def _replacing(file: Path) -> Iterator[TextIO]:
    """Write a file that takes its place only when it is whole."""
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as lines:
            yield lines
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
