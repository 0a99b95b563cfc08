"""The thread of the networks: batches of what several sessions ask for, and idle work in between."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from albumjudge.inference import worker as worker_module
from albumjudge.inference.worker import MOST_AT_ONCE, NetworkWorker, limit_threads, on_all_cores

PROMPT = 60.0


class Squares:
    """Computes squares and notes the batches; the first call of a test can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.entered, self.held = threading.Event(), threading.Event()
        self.held.set()

    def compute(self, keys: Sequence[int]) -> dict[int, int]:
        self.entered.set()
        assert self.held.wait(PROMPT)
        self.batches.append(list(keys))
        self.threads.add(threading.current_thread().name)
        if 13 in keys:
            raise ArithmeticError("thirteen")
        return {key: key * key for key in keys}


@pytest.fixture
def squares() -> Squares:
    return Squares()


@pytest.fixture
def worker(squares: Squares) -> Iterator[NetworkWorker[int, int]]:
    worker = NetworkWorker(squares.compute)
    yield worker
    worker.close()
    assert worker.join(PROMPT)


def test_values_calls_and_errors_come_from_one_thread_that_goes_on(
    worker: NetworkWorker[int, int], squares: Squares
) -> None:
    assert worker.values([3, 4, 3]) == {3: 9, 4: 16}
    assert worker.values([]) == {}
    assert squares.threads == {"networks"}
    assert worker.call(lambda: threading.current_thread().name) == "networks"
    assert worker.call(lambda: worker.call(lambda: worker.values([5]))) == {5: 25}
    with pytest.raises(ArithmeticError, match="thirteen"):
        worker.values([13])
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda: 1 // 0)
    assert worker.values([2]) == {2: 4}


def test_sessions_that_ask_at_once_share_a_batch(
    worker: NetworkWorker[int, int], squares: Squares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "GATHER", PROMPT)
    monkeypatch.setattr(worker_module, "MOST_AT_ONCE", 8)
    with ThreadPoolExecutor(4) as sessions:
        found = list(sessions.map(worker.values, [(1, 2), (2, 3), (4, 5), (6, 7)]))
    assert found == [{1: 1, 2: 4}, {2: 4, 3: 9}, {4: 16, 5: 25}, {6: 36, 7: 49}]
    assert len(squares.batches) == 1 and sorted(squares.batches[0]) == [1, 2, 3, 4, 5, 6, 7]


def test_a_batch_is_bounded(worker: NetworkWorker[int, int], squares: Squares) -> None:
    squares.held.clear()
    with ThreadPoolExecutor(8) as sessions:
        first = sessions.submit(worker.values, [0])
        assert squares.entered.wait(PROMPT)
        others = [sessions.submit(worker.values, range(n, n + 20)) for n in range(100, 220, 20)]
        while worker._requests.qsize() < len(others):
            threading.Event().wait(0.001)
        squares.held.set()
        for future in (first, *others):
            future.result(PROMPT)
    assert max(len(batch) for batch in squares.batches) < MOST_AT_ONCE + 20


def test_idle_work_is_done_until_there_is_none_and_again_when_woken(squares: Squares) -> None:
    left, done = [3], threading.Event()

    def idle() -> bool:
        left[0] -= 1
        if left[0] == 0:
            done.set()
        return left[0] > 0

    worker = NetworkWorker(squares.compute, idle=idle)
    worker.wake()
    assert done.wait(PROMPT)
    left[0] = 2
    done.clear()
    assert worker.values([1]) == {1: 1}
    assert done.wait(PROMPT)
    worker.close()
    assert worker.join(PROMPT)


def test_idle_work_that_fails_is_logged_and_survived(
    squares: Squares, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def idle() -> bool:
        failed.set()
        raise RuntimeError("out of paint")

    worker = NetworkWorker(squares.compute, idle=idle)
    worker.wake()
    assert failed.wait(PROMPT)
    assert worker.values([2]) == {2: 4}
    worker.close()
    assert worker.join(PROMPT)
    assert "out of paint" in caplog.text


def test_the_thread_keeps_nothing_alive(squares: Squares) -> None:
    class Owner:
        def __init__(self) -> None:
            self.worker = NetworkWorker(squares.compute)
            weakref.finalize(self, self.worker.close)

    owner = Owner()
    thread = owner.worker._thread
    owner.worker.values([1])
    del owner
    gc.collect()
    thread.join(PROMPT)
    assert not thread.is_alive()


@pytest.mark.slow
def test_a_process_ends_in_order_though_there_is_idle_work() -> None:
    code = (
        "import torch\n"
        "from albumjudge.inference.worker import NetworkWorker\n"
        "layer, maps = torch.nn.Conv2d(8, 8, 3), torch.rand(4, 8, 64, 64)\n"
        "worker = NetworkWorker(lambda keys: {}, idle=lambda: layer(maps) is not None)\n"
        "worker.wake()\n"
        "worker.call(lambda: None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PROMPT)
    assert (done.returncode, done.stderr) == (0, "")


def test_halves_are_computed_at_once_on_half_of_the_cores_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(worker_module, "_helper", ThreadPoolExecutor(1, initializer=limit_threads))
    networks: NetworkWorker[int, int] = NetworkWorker(lambda keys: {key: key for key in keys})
    both = threading.Barrier(2, timeout=PROMPT)

    def half(items: Sequence[int]) -> tuple[list[int], int]:
        if len(items) > 1:
            both.wait()
        if sys.platform == "linux":
            assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) >= worker_module.NICENESS
        return list(items), torch.get_num_threads()

    networks.call(limit_threads)
    assert networks.call(lambda: on_all_cores(half, [0, 1, 2, 3])) == [([0, 2], 2), ([1, 3], 2)]
    assert networks.call(lambda: on_all_cores(half, [7])) == [([7], 2)]
    networks.close()
    assert networks.join(PROMPT)


def test_long_work_takes_turns_with_what_others_ask_for(squares: Squares) -> None:
    done: list[str] = []
    worker: NetworkWorker[int, int]

    def turn() -> bool:
        if done.count("turn") == 3:
            return False
        worker.submit(lambda: done.append("asked"))
        done.append("turn")
        return True

    def idle() -> bool:
        done.append("idle")
        return False

    worker = NetworkWorker(squares.compute, turn, idle)
    for _ in range(3):
        worker.call(lambda: None)
    worker.close()
    assert worker.join(PROMPT)
    assert [what for what in done if what != "idle"] == ["turn", "asked"] * 3
    assert "idle" not in done[:5]
