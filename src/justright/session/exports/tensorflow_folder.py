"""A network as a TensorFlow SavedModel: a folder, written by Keras in a process whose backend is TensorFlow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from justright.errors import InputError
from justright.records.faults import disk_faults
from justright.records.files import aside_path, make_folders
from justright.session.exports.export_source import ExportSource
from justright.session.exports.network_files import describe_network_file, write_plan

# Keras takes one backend per process, and this one has another.
PROGRAM = """
import sys
import keras

model = keras.saving.load_model(sys.argv[1], compile=False)
model.export(sys.argv[2], format="tf_saved_model", verbose=False)
"""


def write_savedmodel(source: ExportSource, name: str, seed: int | None, path: Path) -> tuple[Path, ...]:
    """Write a variant's network as a SavedModel folder, whose `serve` takes features, and its plan; return both.

    Raises:
        InputError: TensorFlow is not installed, something is at the path already, or Keras cannot export the network.
        FolderError: the model is missing or damaged, or the folder cannot be written.
    """
    if find_spec("tensorflow") is None:
        raise InputError(
            "For a SavedModel, TensorFlow must be installed; it is not. Run `pip install tensorflow`, or export the network as "
            ".onnx or .keras."
        )
    if path.exists():
        raise InputError(
            f"A SavedModel is a new folder; there is something at {str(path)!r} already. Name another one."
        )
    saved = source.model(name, seed)
    described = describe_network_file(saved)
    place = path.absolute()
    aside = aside_path(place)
    make_folders(place.parent)
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter, and the program above
            [sys.executable, "-c", PROGRAM, str(saved.path), str(aside)],
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = (done.stderr.strip() or "no reason was given").splitlines()[-1]
            raise InputError(
                f"Keras must be able to export {name!r} with TensorFlow; it is not: {reason} Export it as .keras."
            )
        with disk_faults(path, "write the network"):
            aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return path, write_plan(described, path)
