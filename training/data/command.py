"""What command lines of training share: their parsers, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from albumjudge.inference.folders import CheckpointError
from training.data.images import DataError


def command_parser(module: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser for ``python -m MODULE``, whose docstring is its help."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def exit_status(
    body: Callable[[], str | None],
    *,
    threads: int | None = None,
    interrupted: str = "the same command goes on from here",
) -> int:
    """Run a script and print what it returns: 0, or 1 after a sentence on what is wrong, or 130 after Ctrl-C.

    Args:
        threads: CPU threads; torch's own choice where none are given.
    """
    try:
        if threads:
            import torch

            torch.set_num_threads(threads)
        if said := body():
            print(said)
    except (CheckpointError, DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Stopped; {interrupted}.", file=sys.stderr)
        return 130
    return 0
