"""What reading a study folder costs before it begins."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"jax", "keras", "polars", "tensorboard", "filelock", "safetensors", "h5py", "tensorflow", "torch"}


def test_no_module_of_records_imports_anything_heavy() -> None:
    """`justright show` and `report` open folders without Keras and JAX, and without waiting for frames or locks."""
    program = (
        "import sys, pkgutil, importlib, justright.records as records\n"
        "for module in pkgutil.walk_packages(records.__path__, 'justright.records.'):\n"
        "    importlib.import_module(module.name)\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
