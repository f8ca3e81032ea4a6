"""What processes use of NVIDIA GPUs, asked of the driver's own library (NVML); no torch needed.

Without the library, a device or the right to ask there is no answer, and nothing else happens.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LIBRARY = "libnvidia-ml.so.1"

_SUCCESS = 0
_MOST = 128  # processes of one device that are looked at
_UNKNOWN = 2**64 - 1  # what the driver says where it does not know


@dataclass(frozen=True)
class GpuUse:
    """Bytes in use by the processes, and how busy their devices are (0..1) where it is told."""

    memory: int
    busy: float | None


class _Process(ctypes.Structure):
    # nvmlProcessInfo_t of nvmlDeviceGetComputeRunningProcesses_v3
    _fields_ = (
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class _Busy(ctypes.Structure):
    # nvmlUtilization_t: percent
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


def there_is() -> bool:
    """Whether there is a driver to ask."""
    return _library() is not None


def look(pids: Set[int]) -> GpuUse | None:
    """What these processes use of all devices together; None when they use none."""
    library = _library()
    if library is None:
        return None
    memory, busy, used = 0, [], False
    for device in _devices(library):
        mine = [p.memory for p in _processes(library, device) if p.pid in pids]
        if mine:
            used = True
            memory += sum(amount for amount in mine if amount != _UNKNOWN)
            rates = _Busy()
            asked = library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates))
            busy += [rates.gpu / 100] if asked == _SUCCESS else []
    if not used:
        return None
    return GpuUse(memory, round(sum(busy) / len(busy), 2) if busy else None)


@lru_cache(maxsize=1)
def _library() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
        return library if library.nvmlInit_v2() == _SUCCESS else None
    except (OSError, AttributeError):
        return None


def _devices(library: Any) -> Iterator[ctypes.c_void_p]:
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != _SUCCESS:
        return
    for index in range(count.value):
        device = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == _SUCCESS:
            yield device


def _processes(library: Any, device: ctypes.c_void_p) -> list[_Process]:
    found, count = (_Process * _MOST)(), ctypes.c_uint(_MOST)
    ask = library.nvmlDeviceGetComputeRunningProcesses_v3
    asked = ask(device, ctypes.byref(count), found)
    return list(found[: count.value]) if asked == _SUCCESS else []
