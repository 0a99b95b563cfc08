"""Export the votes, from the exhibit's own database or another one.

python -m albumjudge.export votes.csv --dictionary votes.md
python -m albumjudge.export votes.csv --database-url sqlite:///data/votes.db
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.export.tables import dictionary_as_markdown, write_csv
from albumjudge.voting.database import VoteError, open_engine
from albumjudge.voting.votes import VoteStore


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 after a sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m albumjudge.export", description="Write all votes as CSV, one line per vote."
    )
    parser.add_argument("file", type=Path, help="CSV file to write; replaced if it exists")
    parser.add_argument("--dictionary", type=Path, metavar="FILE.md", help="write what the columns mean, too")
    parser.add_argument("--database-url", metavar="URL", help="instead of the exhibit's own database")
    options = parser.parse_args(arguments)
    try:
        count = export(options.file, options.dictionary, options.database_url)
    except (VoteError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written ({error.strerror}). Name another file.", file=sys.stderr)
        return 1
    print(f"{options.file}: {count} {'vote' if count == 1 else 'votes'}.")
    return 0


def export(file: Path, dictionary: Path | None, database_url: str | None) -> int:
    """Write the votes, replacing ``file`` only when all are written, and return how many they are."""
    environ = {**os.environ, "ALBUMJUDGE_DATABASE_URL": database_url} if database_url else os.environ
    engine = open_engine(Settings.from_environment(environ).database_url)
    where = engine.url.database
    if engine.dialect.name == "sqlite" and (not where or not Path(where).is_file()):
        raise VoteError(
            f"There is no database {where}, so there are no votes yet. See --database-url for another."
        )
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as lines:
            count = VoteStore(engine).stream(lambda votes: write_csv(votes, lines))
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
        engine.dispose()
    if dictionary is not None:
        dictionary.write_text(dictionary_as_markdown(), encoding="utf-8")
    return count


if __name__ == "__main__":
    sys.exit(main())
