"""A machine on which nothing is wrong, made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from justright.cli.checkup.system_devices import SystemDevices

GIGABYTE = 10**9


def make_examination(**changes: Any) -> dict[str, Any]:
    """Return what `examine` finds on a machine without an accelerator; `system_devices` and others take only what differs."""
    found: dict[str, Any] = {
        "versions": {
            "python": "3.12.3",
            "justright": "0.1.0",
            "jax": "0.11.2",
            "jaxlib": "0.11.2",
            "keras": "3.15.1",
            "numpy": "2.4.6",
        },
        "system": "Linux 6.8.0 x86_64",
        "plugins": {},
        "devices": None,
        "device_fault": None,
        "computes": "cpu",
        "compute_fault": "",
        "complaint": "",
        "precision": "float32",
        "system_devices": asdict(SystemDevices()),
        "processors": {
            "name": "AMD EPYC 9654",
            "count": 16,
            "quota": None,
            "bfloat16_products": True,
            "blas": "openblas",
            "blas_threads": 16,
        },
        "memory_free_bytes": 100 * GIGABYTE,
        "disks": {
            "here": {"path": "/home/ada/work", "free_bytes": 64 * GIGABYTE, "is_writable": True},
            "cache": {"path": "/home/ada/.cache/justright", "free_bytes": 64 * GIGABYTE, "is_writable": True},
        },
        "cache": {
            "path": "/home/ada/.cache/justright",
            "bytes": 12_400_000,
            "compiled": "/home/ada/.cache/justright/compiled/0123456789abcdef",
            "compiled_bytes": 2_100_000,
            "programs": 21,
        },
        "ray": {"version": None, "address": None, "answers": False},
        "extras": {"ray": None, "cuda": None, "excel": "fastexcel 0.21.0"},
        "variables": {},
    }
    for name, value in changes.items():
        is_part = isinstance(found[name], dict) and isinstance(value, dict) and name != "plugins"
        found[name] = found[name] | value if is_part else value
    return found


@pytest.fixture
def examination() -> Callable[..., dict[str, Any]]:
    """The function above."""
    return make_examination
