"""Publish a checkpoint on the Hugging Face Hub, from where any exhibit can show it.

    HF_TOKEN=... python -m training.publish --repo-id ORG/NAME --checkpoint runs/seed/checkpoint

The repository is made if there is none. Weights, config, model card and JSON files arrive in one commit,
whole or not at all; a run that failed is simply run again and sends only what is not there yet. The last line
of output is the setting that shows this very commit.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils import logging as hub_logging

from albumjudge.domain.hub_address import DEFAULT_ENDPOINT, is_repository
from albumjudge.hub_upload import PublishError, limit_waiting, readable_errors, writer
from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.inference.folders import Checkpoint, CheckpointError, read_kind
from albumjudge.inference.hub import OPTIONAL, REQUIRED
from training.data.command import command_parser

CARD = "README.md"


def publish(folder: Path, repo: str, *, endpoint: str, token: str | None) -> tuple[Checkpoint, CommitInfo]:
    """Verify a checkpoint and send it to the Hub in one commit; returns both.

    Args:
        folder: of the checkpoint.
        repo: ``org/name``; made if there is none.
        endpoint: the Hub's address without a slash at its end.
        token: with permission to write.

    Raises:
        CheckpointError: if the folder is no checkpoint; nothing was sent.
        PublishError: if it cannot be sent, or not whole.
    """
    if not is_repository(repo):
        raise PublishError(f"{repo!r} is no name for a repository on the Hub. Write org/name.")
    checkpoint = read_checkpoint(folder, read_kind(folder))
    with tempfile.TemporaryDirectory() as copies:
        # What is verified is what is sent, even if a training run writes a newer checkpoint in between.
        copy = Path(copies)
        for name in REQUIRED | OPTIONAL:
            if (folder / name).is_file():
                shutil.copy2(folder / name, copy / name)
        if read_checkpoint(copy, checkpoint.kind).revision != checkpoint.revision:
            raise PublishError(f"{folder} changed while it was read. Try again when its training is over.")
        if not (copy / CARD).is_file():
            raise PublishError(
                f"{folder} has no model card. Write one with python -m "
                f"training.reports.model_card --checkpoint {folder}."
            )
        api = writer(endpoint, token)
        with readable_errors(endpoint, repo, again="The same command goes on from here."):
            there = _files(api, repo)
        state = "" if there else f" The repository {repo} holds no checkpoint yet."
        stale = [name for name in OPTIONAL if name in there and not (copy / name).is_file()]
        with readable_errors(endpoint, repo, state, again="The same command goes on from here."):
            done = api.create_commit(
                repo,
                [CommitOperationAdd(path.name, path) for path in sorted(copy.iterdir())]
                + [CommitOperationDelete(name) for name in stale],
                commit_message=f"Publish {checkpoint.revision}",
            )
    return checkpoint, done


def _files(api: HfApi, repo: str) -> set[str]:
    """Names of the files in a repository, which is made if there is none."""
    # A token may be allowed to write to a repository without being allowed to make one, so look first.
    try:
        return {file.rfilename for file in api.model_info(repo).siblings or []}
    except RepositoryNotFoundError:
        api.create_repo(repo, exist_ok=True)
        return set()


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.publish", __doc__)
    parser.add_argument("--repo-id", required=True, metavar="ORG/NAME", help="repository on the Hub")
    parser.add_argument("--checkpoint", required=True, type=Path, metavar="DIR", help="folder to publish")
    given = parser.parse_args(arguments)
    limit_waiting()
    hub_logging.set_verbosity(logging.ERROR)
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT
    try:
        checkpoint, done = publish(given.checkpoint, given.repo_id, endpoint=endpoint, token=get_token())
    except (CheckpointError, PublishError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Published {checkpoint.revision} as {given.repo_id} at commit {done.oid}.")
    print(f"ALBUMJUDGE_{checkpoint.kind.upper()}_HUB={given.repo_id}@{done.oid}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
