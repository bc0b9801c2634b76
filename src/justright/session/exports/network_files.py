"""A variant's network as files for other programs, and beside each the plan that makes its features of a table's columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from justright.errors import FolderError
from justright.records.faults import disk_faults
from justright.records.files import write_atomically
from justright.records.models import damage_of, read_notes
from justright.session.exports.export_source import ExportSource
from justright.session.saved_models import SavedModel

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
