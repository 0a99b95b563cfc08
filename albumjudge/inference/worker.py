"""One thread in which all networks work, so that sessions do not fight over cores.

What several sessions ask for within a few milliseconds is computed in one batch. Long work goes on between these
batches, a turn at a time. When nobody waits, the thread does idle work, a small piece at a time.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.folders import Checkpoint, Kind

if TYPE_CHECKING:
    from albumjudge.inference.judge import Judge
    from albumjudge.inference.painter import Painter

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Item = TypeVar("Item")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)
GATHER = 0.004
"""Seconds for which more requests are awaited after the first."""
MOST_AT_ONCE = 48
NICENESS = 15
"""Of the networks' threads: pages go first, and take what they need."""
LAST_BATCH = 10.0
"""Seconds that the end of the process waits for."""


waiting: Callable[[], AbstractContextManager[object]] = nullcontext
"""Around each wait for the networks; the server lets other pages run meanwhile."""


def wait_for(done: Future[Result]) -> Result:
    """What the networks' thread has computed."""
    with waiting():
        return done.result()


@dataclass(eq=False)
class _Request(Generic[Key]):
    """Keys to be computed in a batch, or a call of its own."""

    keys: Sequence[Key] = ()
    call: Callable[[], Any] | None = None
    done: Future[Any] = field(default_factory=Future)


class NetworkWorker(Generic[Key, Value]):
    """Computes values of keys in batches.

    Args:
        compute: values of different keys, all of them.
        turn: does a piece of long work for those who watch it; whether there is more to do.
        idle: does a small piece of work when nobody waits; whether there is more to do.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Key]], Mapping[Key, Value]],
        turn: Callable[[], bool] = lambda: False,
        idle: Callable[[], bool] = lambda: False,
    ) -> None:
        self._compute, self._turn, self._idle = compute, turn, idle
        self._requests: queue.SimpleQueue[_Request[Key] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="networks", daemon=True)
        self._thread.start()
        _running.add(self)

    def values(self, keys: Sequence[Key]) -> dict[Key, Value]:
        """Values of keys; waits until they are there. Raises what ``compute`` raised."""
        return dict(self._wait(_Request(keys=tuple(keys)))) if keys else {}

    def submit(self, function: Callable[[], Result]) -> Future[Result]:
        """Have a function called in the thread of the networks; returns at once."""
        request: _Request[Key] = _Request(call=function)
        self._requests.put(request)
        return request.done

    def call(self, function: Callable[[], Result]) -> Result:
        """Call a function in the thread of the networks; returns or raises what it does."""
        result: Result = self._wait(_Request(call=function))
        return result

    def wake(self) -> None:
        """Say that there is long or idle work to do."""
        self._requests.put(_Request(call=lambda: None))

    def close(self) -> None:
        """Stop after what was asked for before."""
        self._requests.put(None)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end after :meth:`close`; whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _wait(self, request: _Request[Key]) -> Any:
        if threading.current_thread() is self._thread:
            return request.call() if request.call else self._compute(request.keys)
        self._requests.put(request)
        return wait_for(request.done)

    def _work(self) -> None:
        busy = False
        while True:
            try:
                first = self._requests.get(block=not busy)
            except queue.Empty:
                busy = self._work_on(self._turn) or self._work_on(self._idle)
                continue
            if first is None:
                return
            busy = True
            if not self._answer(first):
                return
            self._work_on(self._turn)

    @staticmethod
    def _work_on(work: Callable[[], bool]) -> bool:
        try:
            return work()
        except Exception:
            _log.exception("Long or idle work failed")
            return False

    def _answer(self, first: _Request[Key]) -> bool:
        """Answer a request and those that can share its batch; whether the thread goes on."""
        batch, alone, goes_on = self._gather(first)
        if batch:
            keys = list(dict.fromkeys(key for request in batch for key in request.keys))
            try:
                values = self._compute(keys)
            except BaseException as error:
                for request in batch:
                    request.done.set_exception(error)
            else:
                for request in batch:
                    request.done.set_result({key: values[key] for key in request.keys})
        for request in alone:
            assert request.call is not None
            try:
                request.done.set_result(request.call())
            except BaseException as error:
                request.done.set_exception(error)
        return goes_on

    def _gather(self, first: _Request[Key]) -> tuple[list[_Request[Key]], list[_Request[Key]], bool]:
        """Requests for one batch, calls to be made after it, and whether the thread goes on."""
        batch: list[_Request[Key]] = []
        alone: list[_Request[Key]] = []
        end = time.monotonic() + GATHER
        request: _Request[Key] | None = first
        while request is not None:
            (alone if request.call else batch).append(request)
            if not batch or sum(len(one.keys) for one in batch) >= MOST_AT_ONCE:
                break
            try:
                request = self._requests.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
        return batch, alone, request is not None


@dataclass(frozen=True, eq=False)
class Pair:
    """Painter and judge that serve together; replaced as a whole."""

    painter: Painter
    judge: Judge
    checkpoints: dict[Kind, Checkpoint]


@dataclass(frozen=True)
class PaintRequest:
    """Paint and judge this."""

    painter: Painter
    judge: Judge
    identity: CoverIdentity


def in_halves(requests: Sequence[PaintRequest]) -> dict[PaintRequest, JudgedCover]:
    """Paint and judge on all cores, in any order."""
    halves = on_all_cores(paint_and_judge, requests)
    return {request: judged for half in halves for request, judged in half.items()}


def paint_and_judge(requests: Sequence[PaintRequest]) -> dict[PaintRequest, JudgedCover]:
    """Paint by each painter in one batch, then judge by each judge in one batch, in their order."""
    covers: dict[PaintRequest, Cover] = {}
    for painter in dict.fromkeys(request.painter for request in requests):
        theirs = [request for request in requests if request.painter is painter]
        painted = painter.paint_each([request.identity for request in theirs])
        covers |= dict(zip(theirs, painted, strict=True))
    judged: dict[PaintRequest, JudgedCover] = {}
    for judge in dict.fromkeys(request.judge for request in requests):
        theirs = [request for request in requests if request.judge is judge]
        verdicts = judge.judge([covers[request] for request in theirs])
        for request, verdict in zip(theirs, verdicts, strict=True):
            judged[request] = JudgedCover(covers[request], verdict)
    return judged


def limit_threads() -> None:
    """Leave the cores to the sessions: the calling thread's networks use half of them, after the pages."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    if sys.platform == "linux":
        thread = os.PRIO_PROCESS, threading.get_native_id()
        os.setpriority(*thread, max(NICENESS, os.getpriority(*thread)))  # Only root may go up again.


def on_all_cores(function: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> list[Result]:
    """Call a function with the two halves of items at once, each on half of the cores.

    They wait for one another once. Layers that share all cores would do so each time, which takes many times as
    long where sessions or other processes keep a core busy; so a single item is left to half of them.
    """
    if len(items) < 2:
        return [function(items)] if items else []
    other = _helper.submit(function, items[1::2])
    return [function(items[::2]), other.result()]


_helper = ThreadPoolExecutor(1, "networks", initializer=limit_threads)
_running: weakref.WeakSet[NetworkWorker[Any, Any]] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Let no network work while the interpreter shuts down: PyTorch would abort the process."""
    workers = list(_running)
    for worker in workers:
        worker.close()
    for worker in workers:
        worker.join(LAST_BATCH)
