"""The votes to the Hub on a schedule, and back: for a server that forgets its disk, as a Space does.

python -m albumjudge.export.hub_copy push
python -m albumjudge.export.hub_copy restore --if-empty

The data set goes to ``ALBUMJUDGE_HUB_DATASET``, as the curator sends it. A copy of the database without the
pictures that visitors gave goes to a private data set beside it, ``-backup`` at the end of its name.
"""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, get_session, get_token, hf_hub_url, hf_raise_for_status
from huggingface_hub.errors import HfHubHTTPError
from sqlalchemy import Connection, Engine, select

from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.export import dataset
from albumjudge.hub_upload import PublishError, explain, limit_waiting, readable_errors, writer
from albumjudge.voting import schema
from albumjudge.voting.backup import backup, is_empty, restore
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError, open_engine, upgrade
from albumjudge.voting.store import Store, change_state, locked_state
from albumjudge.voting.votes import VoteStore

COPY = "votes.db"
BEAT = 30.0
"""Seconds between two looks at whether a push is due."""
RETRY_AFTER = 300.0
"""Seconds after which a push that failed is tried again."""
_STATE = "push"
_AGAIN = "It is tried again later."
_LOG = logging.getLogger("albumjudge.export")
_CARD = """---
pretty_name: Copy of a database of votes
viewer: false
---
`votes.db` brings an exhibit's votes back: `python -m albumjudge.export.hub_copy restore`.
Keep this private: whoever knows a visitor's random id can vote as that visitor.
"""


class PushTurns(Store):
    """Which of several processes pushes, and when: the database decides."""

    not_read = not_written = "It cannot be known when votes were pushed to the Hub"

    def take(self, every: float) -> bool:
        """Whether a push is due, which this process then has to make; the next is due ``every`` seconds later."""

        def work(connection: Connection) -> bool:
            state, now = locked_state(connection, _STATE), self._clock()
            left = (state.until - now).total_seconds() if state.until else 0.0
            if 0 < left <= max(every, RETRY_AFTER):  # Longer if the clock was put back.
                return False
            change_state(connection, _STATE, until=now + timedelta(seconds=every))
            return True

        return self._write(work)

    def note(self, *, votes: int | None) -> None:
        """Note how many votes were pushed; None if that failed and is to be tried again soon."""
        now = self._clock()
        soon = {"until": now + timedelta(seconds=RETRY_AFTER)}
        values = soon if votes is None else {"number": votes, "changed_at": now}

        def work(connection: Connection) -> None:
            locked_state(connection, _STATE)
            change_state(connection, _STATE, **values)

        self._write(work)

    def last(self) -> tuple[int, datetime | None]:
        """How many votes were pushed last, and when, UTC; None if nothing ever was."""
        table = schema.deployment_state
        row = self._row(select(table).where(table.c.name == _STATE))
        return (row.number, row.changed_at) if row else (0, None)


def push(engine: Engine, settings: Settings, token: str | None) -> int:
    """Send the data set and the copy, and return how many votes they hold; without votes nothing is sent.

    Raises:
        PublishError: if it cannot be sent, or the Hub has the copy of another database.
    """
    votes, turns = VoteStore(engine).votes(), PushTurns(engine)
    name, now = _dataset(settings), datetime.now(UTC)
    if not votes:
        return 0
    limit_waiting()
    api, repo = writer(settings.hub_endpoint, token), f"{name}-backup"
    with readable_errors(settings.hub_endpoint, repo, again=_AGAIN):
        dataset.make_sure_of(api, repo, private=True)
        there = {file.rfilename for file in api.dataset_info(repo).siblings or ()}
        if turns.last()[1] is None and COPY in there:
            raise PublishError(
                f"{repo} holds the copy of another database, so nothing was sent. Bring it back with "
                "`python -m albumjudge.export.hub_copy restore`, or name another data set."
            )
        _push_copy(api, engine, repo, f"{len(votes)} votes as of {now:%Y-%m-%d %H:%M} UTC", now)
    dataset.push(
        votes,
        CurationStore(engine).left_out(),
        name,
        endpoint=settings.hub_endpoint,
        token=token,
        licence=_licence(api, name),
        day=now,
        private=None,
    )
    turns.note(votes=len(votes))
    return len(votes)


def _licence(api: HfApi, repo: str) -> str | None:
    """The licence that the curator chose when they pushed the data set; a schedule chooses none."""
    try:
        card = api.dataset_info(repo).card_data
    except HfHubHTTPError:  # There is none yet; what else is wrong, the push itself will say.
        return None
    found = getattr(card, "license", None)
    return found if found in dataset.LICENCES else None


def _push_copy(api: HfApi, engine: Engine, repo: str, message: str, now: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / COPY
        count = backup(engine, file)
        copy = open_engine(f"sqlite:///{file}")
        PushTurns(copy, clock=lambda: now).note(votes=count)  # So that whoever restores it may push again.
        copy.dispose()
        with closing(sqlite3.connect(file)) as connection:
            for table in (schema.submission_decisions, schema.submissions):
                connection.execute(f"DELETE FROM {table.name}")
            connection.commit()
            connection.execute("VACUUM")
        files = {COPY: file.read_bytes(), dataset.CARD: _CARD.encode()}
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    api.create_commit(repo, operations, commit_message=message, repo_type="dataset")


def restore_copy(engine: Engine, settings: Settings, token: str | None, *, replace: bool) -> int:
    """Bring the copy on the Hub back, see :func:`albumjudge.voting.backup.restore`."""
    repo = f"{_dataset(settings)}-backup"
    limit_waiting()
    url = hf_hub_url(repo, COPY, repo_type="dataset", endpoint=settings.hub_endpoint)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / COPY
        try:
            with (
                get_session().stream("GET", url, headers=headers) as answer,
                file.open("wb") as target,
            ):
                hf_raise_for_status(answer)
                for part in answer.iter_bytes():
                    target.write(part)
        except Exception as error:  # As many kinds as in albumjudge.hub_upload.readable_errors.
            why = explain(error, settings.hub_endpoint, repo)
            raise PublishError(f"{why} Nothing was restored.") from error
        return restore(engine, file, replace=replace)


def keep_pushing(
    database: Callable[[], Engine], settings: Settings, stopped: threading.Event, beat: float = BEAT
) -> None:
    """Push whenever it is due, until ``stopped``; whatever goes wrong is logged and tried again."""
    while not stopped.wait(beat):
        try:
            push_if_due(database(), settings, get_token())
        except (PublishError, VoteError, SettingsError) as error:
            _LOG.warning("%s", error)


def push_if_due(engine: Engine, settings: Settings, token: str | None) -> bool:
    """Push if it is due and there are votes that were not pushed yet; whether something was sent."""
    turns = PushTurns(engine)
    if not turns.take(60.0 * settings.hub_push_minutes) or VoteStore(engine).count() == turns.last()[0]:
        return False
    try:
        count = push(engine, settings, token)
    except (PublishError, VoteError):
        turns.note(votes=None)
        raise
    _LOG.info("%d votes were pushed to the Hub.", count)
    return bool(count)


def storage_problem(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """A sentence for the curator if votes will be forgotten with the disk of a Space, else nothing."""
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    folders = database.absolute().parents[:-1]
    lasts = not settings.database_url.startswith("sqlite") or any(map(os.path.ismount, folders))
    if "SPACE_ID" not in environ or lasts:
        return ""
    pushed = (
        f"They are pushed to {settings.hub_dataset} every {settings.hub_push_minutes:g} minutes."
        if settings.hub_push_minutes
        else "Attach storage at /data, name a PostgreSQL in DATABASE_URL, or set ALBUMJUDGE_HUB_PUSH_MINUTES."
    )
    return f"This Space forgets its disk, and with it the votes, whenever it restarts. {pushed}"


def _dataset(settings: Settings) -> str:
    if settings.hub_dataset is None:
        raise PublishError("ALBUMJUDGE_HUB_DATASET names no data set. Set it to org/name.")
    return settings.hub_dataset


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 after a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m albumjudge.export.hub_copy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("push", help="send the votes now")
    back = commands.add_parser("restore", help="bring back what was sent")
    back.add_argument("--replace", action="store_true", help="throw away what the database holds")
    back.add_argument("--if-empty", action="store_true", help="do nothing otherwise, or without a schedule")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        engine = open_engine(settings.database_url)
        upgrade(engine)
        if options.command == "push":
            print(f"Pushed {push(engine, settings, get_token())} votes.")
        elif not options.if_empty or (settings.hub_push_minutes and is_empty(engine)):
            print(f"Restored {restore_copy(engine, settings, get_token(), replace=options.replace)} votes.")
        engine.dispose()
    except (PublishError, VoteError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
