"""What a study folder says about its study beside the runs: table, machine, description, and in the end the verdicts."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from justright.data.describe import describe_table
from justright.data.guards.registry import find_warnings
from justright.data.shared_arrays import release_memory
from justright.data.split import PARTS
from justright.records.files import write_atomically
from justright.records.fingerprints import versions
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.runs.events import RowKind
from justright.runs.losses import constant_loss, constant_losses, constant_prediction
from justright.runs.place import available_cores
from justright.runs.tasks import StudyRows
from justright.runs.weighted_means import effective_rows
from justright.session.counted_rows import WEIGHTS
from justright.session.outputs import CONSTANT, judge_folder, summarise_folder, write_result
from justright.session.predictor import plan_of
from justright.session.row_outputs import TARGETS
from justright.session.trust import remember
from justright.study.spec import study_to_dict
from justright.study.study import Study
from justright.workers.machine import processor_name
from justright.workers.train import study_rows

if TYPE_CHECKING:
    from justright.report.summary import Summary


def describe_study(store: Store, study: Study, *, environment: Mapping[str, Any] | None = None) -> None:
    """Record the table, the targets of its rows and this machine.

    Args:
        store: of the study's folder.
        study: what is trained.
        environment: what else is to be known of where, such as accelerators, for the report.
    """
    # Looked at before the copies of the split's parts are made: both are large where the table is.
    table = describe_table(study.split.table)
    warnings = [one.to_dict() for one in find_warnings(study.split)]
    rows = study_rows(study)
    constant = {"constant_loss": constant_loss(rows), "constant": constant_prediction(rows).tolist()}
    parts = {"parts": study.split.sizes} | constant | _weighting(study, rows)
    store.set_meta("table", table | parts)
    targets: dict[RowKind, Any] = {"validation": rows.validation[1], "test": rows.test[1]}
    store.write_reference(TARGETS, targets)
    constants: dict[RowKind, Any] = {
        kind: constant_losses(rows, values).astype("float32") for kind, values in targets.items()
    }
    store.write_reference(CONSTANT, constants)
    # Without weights nothing is stored, as in folders of earlier versions.
    weights: dict[RowKind, Any] = {"validation": rows.validation_weights, "test": rows.test_weights}
    if rows.measures_weighted:
        weights["fixed"] = rows.weights_of_train_rows
    store.write_reference(WEIGHTS, {kind: values for kind, values in weights.items() if values is not None})
    store.set_meta("warnings", warnings)
    del rows, targets, constants
    release_memory()
    store.set_meta("environment", dict(environment or {}) | _environment())


def write_study(folder: StudyFolder, store: Store, study: Study, configs: Mapping[str, str]) -> None:
    """Write plan.json, and study.toml: this study, with the seeds and variants that the folder already holds.

    Args:
        folder: the study folder.
        store: its database.
        study: what is trained.
        configs: variant -> how Keras describes its model, for those that were built.
    """
    plan = json.dumps(plan_of(study.split).to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder.plan_path, f"{plan}\n".encode())
    values = study_to_dict(study, configs)
    if folder.study_path.is_file() and store.runs():
        before = folder.read_study()
        values["seeds"] = sorted({*before.get("seeds", []), *values["seeds"]})
        values["variants"] = before.get("variants", {}) | values["variants"]
    remember(values)  # as what the user named: a stranger's tables were asked about before they were read
    write_values(folder, values)


def write_values(folder: StudyFolder, values: Mapping[str, Any]) -> None:
    """Write study.toml from a study's plain values."""
    import tomli_w

    write_atomically(folder.study_path, tomli_w.dumps(values).encode())


def conclude(folder: StudyFolder, store: Store) -> Summary:
    """Judge what is recorded, write result.json, and return the summary."""
    study = folder.read_study()
    judge_folder(store, study)
    summary = summarise_folder(store, study)
    write_result(folder, summary)
    return summary


def _weighting(study: Study, rows: StudyRows) -> dict[str, Any]:
    """Return what reports say of weights: their column, where they count, and what rows of each part are worth; empty without."""
    if rows.train_weights is None:
        return {}
    worth = {
        part: effective_rows(weights)
        for part in PARTS
        if (weights := study.split.weights(part)) is not None and len(weights)
    }
    counting = "all" if rows.measures_weighted else "train"
    return {
        "weights": {"column": study.split.table.source.weights, "count": counting, "effective_rows": worth}
    }


def _environment() -> dict[str, Any]:
    """Return versions and machine, for the report."""
    return {
        "python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name(),
        "cores": len(available_cores()),
    }
