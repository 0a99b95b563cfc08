"""Pages take turns."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

from albumjudge.inference import worker
from albumjudge.server.turns import AT_ONCE, TURNS, Line


def test_few_pages_run_at_once_and_one_that_waits_for_the_networks_lets_others_run() -> None:
    import_module("albumjudge.server.app")
    assert worker.waiting == TURNS.outside
    networks: Future[int] = Future()
    inside, most, lock = set[int](), [0], threading.Lock()
    full, all_wait = threading.Event(), threading.Barrier(3 * AT_ONCE + 1, timeout=10)

    def page(number: int) -> int:
        with TURNS.inside(), TURNS.inside():
            with lock:
                inside.add(number)
                most[0] = max(most[0], len(inside))
                if len(inside) == AT_ONCE:
                    full.set()
            assert full.wait(10)
            with lock:
                inside.remove(number)
            with TURNS.outside():
                all_wait.wait()
            return worker.wait_for(networks)

    with ThreadPoolExecutor(3 * AT_ONCE) as visitors:
        pages = [visitors.submit(page, number) for number in range(3 * AT_ONCE)]
        all_wait.wait()
        networks.set_result(7)
        assert [found.result(10) for found in pages] == [7] * len(pages)
    assert most[0] == AT_ONCE


def test_pages_are_let_in_as_they_came_but_for_one_that_comes_back_to_its_work() -> None:
    line, came = Line(1), list[str]()
    line.enter()

    def page(name: str, *, first: bool) -> None:
        line.enter(first=first)
        came.append(name)
        line.leave()

    with ThreadPoolExecutor(3) as visitors:
        for waiting, (name, first) in enumerate((("one", False), ("two", False), ("back", True)), start=1):
            visitors.submit(page, name, first=first)
            until = time.monotonic() + 10
            while len(line) < waiting:
                assert time.monotonic() < until
        line.leave()
    assert came == ["back", "one", "two"]
