"""What the machine is good for: devices, number formats, memory."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import torch


def choose_device(name: str) -> torch.device:
    """``auto`` takes CUDA, else Apple's MPS, else the CPU; anything else is passed to torch."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes bf16 where the hardware multiplies in it; emulated bf16 is slower than fp32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported() else "fp32"


def peak_memory(device: torch.device) -> float:
    """The most memory that this process has held so far, in GB (10^9 bytes): of the GPU, else all it had.

    On Apple silicon both are the same memory. 0 where the system does not tell (Windows).
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    if sys.platform == "win32":
        return 0.0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9


def hardware(device: torch.device) -> str:
    """The GPU's name, else processor and number of cores of this machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if "model name" in line]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores"
