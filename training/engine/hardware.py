"""What the machine is good for: devices and number formats."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def choose_device(name: str) -> torch.device:
    """``auto`` takes a GPU where there is one, else the CPU; anything else is passed to torch."""
    if name != "auto":
        return torch.device(name)
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def choose_precision(name: str, device: torch.device) -> str:
    """``auto`` takes bf16 where the hardware multiplies in it; emulated bf16 is slower than fp32."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported() else "fp32"


def hardware(device: torch.device) -> str:
    """The GPU's name, else processor and number of cores of this machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor() or platform.machine()}, {os.cpu_count()} cores"
