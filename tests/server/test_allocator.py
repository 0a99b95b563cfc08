"""Memory goes back to the system."""

from __future__ import annotations

import ctypes
import os

import pytest

from albumjudge.server import allocator
from benchmarks.processes import memory


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the allocator is another one")
def test_what_was_freed_between_used_blocks_goes_back_to_the_system() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    size = 50_000
    blocks = [libc.malloc(size) for _ in range(3_000)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks[:-1]:
        libc.free(block)
    held = memory(os.getpid())
    allocator.trim()
    assert memory(os.getpid()) < held - 100
    libc.free(blocks[-1])
