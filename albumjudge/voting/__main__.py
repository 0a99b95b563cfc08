"""Copy all votes and decisions into one file, and bring them back.

python -m albumjudge.voting backup votes-copy.db
python -m albumjudge.voting restore votes-copy.db --database-url postgresql://user:password@host/name
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.voting.backup import backup, restore
from albumjudge.voting.database import VoteError, open_engine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 after a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m albumjudge.voting", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("backup", "write a copy of the database"), ("restore", "bring a copy back")):
        command = commands.add_parser(name, help=words)
        command.add_argument("file", type=Path, help="SQLite file")
        command.add_argument("--database-url", metavar="URL", help="instead of the exhibit's own database")
    command.add_argument("--replace", action="store_true", help="throw away what the database holds")
    options = parser.parse_args(arguments)
    try:
        count = _run(options)
    except (VoteError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written ({error.strerror}). Name another file.", file=sys.stderr)
        return 1
    done = "Saved" if options.command == "backup" else "Restored"
    print(f"{done} {count} {'vote' if count == 1 else 'votes'}.")
    return 0


def _run(options: argparse.Namespace) -> int:
    if options.command == "restore":
        with opened(options.database_url, must_exist=False) as engine:
            return restore(engine, options.file, replace=options.replace)
    with opened(options.database_url) as engine:
        return backup(engine, options.file)


@contextmanager
def opened(url: str | None, *, must_exist: bool = True) -> Iterator[Engine]:
    """The database at ``url``, else the exhibit's own, for as long as a command runs."""
    own = {"ALBUMJUDGE_DATABASE_URL": url} if url else {}
    engine = open_engine(Settings.from_environment({**os.environ, **own}).database_url)
    file = engine.url.database
    if must_exist and engine.dialect.name == "sqlite" and (not file or not Path(file).is_file()):
        raise VoteError(f"There is no database {file}. See --database-url for another.")
    try:
        yield engine
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
