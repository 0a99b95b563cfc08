"""Export the votes, from the exhibit's own database or another one.

python -m albumjudge.export votes.csv --painters painters.csv --dictionary columns.md
python -m albumjudge.export votes.csv --database-url sqlite:///data/votes.db
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.export.tables import dictionary_as_markdown, write_csv, write_painters_csv
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError, open_engine
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
    environ = {**os.environ, "ALBUMJUDGE_DATABASE_URL": database_url} if database_url else os.environ
    engine = open_engine(Settings.from_environment(environ).database_url)
    where = engine.url.database
    if engine.dialect.name == "sqlite" and (not where or not Path(where).is_file()):
        raise VoteError(
            f"There is no database {where}, so there are no votes yet. See --database-url for another."
        )
    try:
        excluded = CurationStore(engine).left_out()
        with _replacing(file) as lines:
            count = VoteStore(engine).stream(lambda votes: write_csv(votes, lines, excluded))
        if painters is not None:
            with _replacing(painters) as lines:
                votes = PainterDuelStore(engine).votes(counted=False)
                write_painters_csv(votes, excluded, lines)
    finally:
        engine.dispose()
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
