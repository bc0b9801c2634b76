"""A variant's network as files for other programs, and beside each the plan that makes its features of a table's columns."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.errors import FolderError, InputError
from justright.records.faults import disk_faults
from justright.records.files import write_atomically
from justright.records.models import damage_of, read_notes
from justright.session.exports.export_source import ExportSource
from justright.session.saved_models import SavedModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ONNX_PACKAGES = ("onnx", "onnxruntime")
# Of outputs, or of the largest of them where that is above 1: single precision, summed in another order.
ONNX_TOLERANCE = 1e-5
PROBED_ROWS = 256
PLAN_ENDING = ".plan.json"


def write_keras(source: ExportSource, name: str, seed: int | None, path: Path) -> tuple[Path, ...]:
    """Copy a variant's model, and write its plan beside it; return both files.

    Keras opens the model anywhere. It takes features, as the plan makes them of a table's columns; `load_predictor` reads the
    plan from the model itself and takes the columns.

    Raises:
        InputError: there is no such seed, or the model has no plan.
        FolderError: the model is missing or damaged, or a file cannot be written.
    """
    model = source.model(name, seed)
    if damage := damage_of(model.path):
        raise FolderError(
            f"The model {str(model.path)!r} must be whole; it is not: {damage}. Run the study again: the model is made again."
        )
    with disk_faults(model.path, "read the model"):
        content = model.path.read_bytes()
    described = describe_network_file(model)
    write_atomically(path.absolute(), content)
    return path, write_plan(described, path)


def write_onnx(source: ExportSource, name: str, seed: int | None, path: Path) -> tuple[Path, ...]:
    """Write a variant's network as ONNX, if ONNX Runtime then computes what Keras does, and its plan; return both files.

    Raises:
        InputError: what it takes is not installed, a layer has no counterpart, or outputs differ.
        FolderError: the model is missing or damaged, or a file cannot be written.
    """
    missing = [package for package in ONNX_PACKAGES if find_spec(package) is None]
    if missing:
        raise InputError(
            f"For .onnx, {' and '.join(ONNX_PACKAGES)} must be installed; {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not. Run `pip install 'justright[onnx]'`."
        )
    from justright.session.exports.onnx_graph import largest_difference, onnx_bytes

    saved = source.model(name, seed)
    described, model = describe_network_file(saved), saved.load()
    features = len(described["features"])
    content = onnx_bytes(
        model,
        name=name,
        output=described["outputs"],
        features=features,
        notes={"justright": json.dumps(described, ensure_ascii=False)},
    )
    difference, size = largest_difference(content, model, probe_rows(model, features))
    if not difference <= ONNX_TOLERANCE * max(1.0, size):  # also NaN
        raise InputError(
            f"An ONNX file must give what Keras gives, to {ONNX_TOLERANCE:g}; for {name!r}, outputs up to {size:.3g} differ by "
            f"{difference:.1e}. Export it as .keras, and report this as a bug."
        )
    write_atomically(path.absolute(), content)
    return path, write_plan(described, path)


def probe_rows(model: Any, features: int) -> npt.NDArray[np.float32]:  # noqa: ANN401  # Keras has no types
    """Return (rows, features) on which two forms of a network are compared: like those it was trained on, as far as it tells.

    Random rows of unit size, in the units of the network's first layer if that standardises; of whole numbers that every
    embedding has, if there is one.
    """
    import numpy as np

    random = np.random.default_rng(0)
    layers = list(model._flatten_layers(include_self=False))  # Keras has no public walk into nested models
    sizes = [layer.input_dim for layer in layers if type(layer).__name__ == "Embedding"]
    if sizes:
        return random.integers(0, min(sizes), (PROBED_ROWS, features)).astype(np.float32)
    rows = random.normal(size=(PROBED_ROWS, features))
    standardising = [layer for layer in layers if type(layer).__name__ == "Normalization"]
    if standardising and np.size(standardising[0].mean) == features:
        mean, variance = (
            np.asarray(one).reshape(1, -1) for one in (standardising[0].mean, standardising[0].variance)
        )
        rows = mean + rows * np.sqrt(variance)
    return np.asarray(rows, np.float32)


def describe_network_file(model: SavedModel) -> dict[str, Any]:
    """Return what a network takes and gives, as plain values: its run, its inputs and outputs, and its plan.

    Raises:
        InputError: the model has no plan.
        FolderError: it is missing or damaged.
    """
    notes = read_notes(model.path)
    plan = notes["plan"]
    return {
        "variant": model.variant,
        "seed": model.seed,
        "epoch": model.epoch,
        "task": plan["task"],
        "target": plan["target"],
        "classes": plan["class_names"],
        "outputs": outputs_name(task=plan["task"], are_logits=notes["are_logits"]),
        "features": plan["features"],
        "plan": plan,
    }


def outputs_name(*, task: str, are_logits: bool) -> str:
    """Return what a network gives: 'prediction' in the target's units, 'logits' or 'probabilities'.

    Example:
        >>> outputs_name(task="binary", are_logits=True), outputs_name(task="regression", are_logits=False)
        ('logits', 'prediction')
    """
    if task == "regression":
        return "prediction"
    return "logits" if are_logits else "probabilities"


def write_plan(described: dict[str, Any], beside: Path) -> Path:
    """Write what a network takes and gives as JSON beside its file, and return that path."""
    path = beside.with_suffix(PLAN_ENDING)
    text = json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path.absolute(), f"{text}\n".encode())
    return path
