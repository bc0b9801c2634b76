"""Checkpoint files: named arrays and metadata in one safetensors file, verified when read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.records.faults import DamagedError, disk_faults
from justright.records.files import replacing

CHECKSUM_KEY = "justright.sha256"
SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")

Tensors = Mapping[str, npt.NDArray[Any]]


def write_tensors(path: Path, tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write named arrays and metadata to `path`, atomically and durably.

    Args:
        path: a safetensors file; replaced if it is there, its folder made if it is not.
        tensors: name -> array of any shape, of a boolean, integer or float type.
        metadata: texts to store with them; the key 'justright.sha256' is reserved.

    Raises:
        FolderError: the disk is full, read-only or gone; a file that was there is untouched.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    plain = {  # as the file holds them: contiguous and little-endian
        name: np.asarray(tensor, dtype=tensor.dtype.newbyteorder("<"), order="C")
        for name, tensor in tensors.items()
    }
    words = dict(metadata) | {CHECKSUM_KEY: _checksum(plain, metadata)}
    with replacing(path) as aside:
        try:
            save_file(plain, aside, words)
        except SafetensorError as error:
            # The system's error is only in its text: "... No space left on device (os error 28)".
            if found := SYSTEM_ERROR.search(str(error)):
                raise OSError(int(found[1]), os.strerror(int(found[1]))) from error
            raise


def read_tensors(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Return the arrays and the metadata that `write_tensors` wrote.

    Raises:
        DamagedError: justright did not write the file, or it is cut off or has changed since.
        FolderError: it is missing or may not be read.
    """
    from safetensors import SafetensorError, safe_open

    with disk_faults(path, "read the checkpoint"):
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        except SafetensorError as error:
            raise _damaged(path, str(error)) from error
    if metadata.pop(CHECKSUM_KEY, None) != _checksum(tensors, metadata):
        raise _damaged(path, "its checksum does not match")
    return tensors, metadata


def _checksum(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of everything in the file, independent of its order."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, tensor.dtype.name, tensor.shape]).encode())
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> DamagedError:
    return DamagedError(
        f"The checkpoint {str(path)!r} is damaged ({reason}). Remove it: its runs start again and end the same."
    )
