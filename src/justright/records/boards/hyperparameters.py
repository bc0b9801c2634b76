"""What was chosen for each run, for TensorBoard's page of hyperparameters; a "session" there is a run here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from justright.records.boards.board_events import Point, hyperparameter_value
from justright.runs.events import RunKey, VariantBuilt
from justright.runs.outcomes import Outcome, is_measured
from justright.study.brakes import brakes_of
from justright.study.keras_descriptions import described_objects
from justright.study.recipe import LOSSES, SCORES, recipe_values

if TYPE_CHECKING:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

# As TensorBoard's plugin names them (tensorboard/plugins/hparams/metadata.py).
EXPERIMENT, STARTED, ENDED = (
    f"_hparams_/{name}" for name in ("experiment", "session_start_info", "session_end_info")
)
# Brakes with a column of their own, so that runs can be sorted and filtered by them; the others stand in the text.
# What tags of a run's best epoch begin with. TensorBoard sorts tags, and the curves, `epoch_loss` and others, are what people look for.
BEST = "run_best/"
BRAKE_COLUMNS = ("l1", "l2", "dropout")
NO_BRAKES = "none"

Chosen = dict[str, str | float]


def hyperparameters(run: RunKey, study: Mapping[str, Any], built: VariantBuilt | None) -> Chosen:
    """Return what was chosen for a run: name -> text or number; what is not known is left out.

    Args:
        run: which.
        study: the plain values of its study.toml.
        built: its variant's model.
    """
    described = study.get("variants", {}).get(run.variant, {})
    recipe = recipe_values(described, study)
    config = built.config if built else ""
    found: Chosen = {
        "variant": run.variant,
        "family": str(described.get("family") or described.get("builder") or "Keras model"),
    }
    widths = described.get("units", _hidden_widths(config))
    if widths is not None:
        found["units"] = ", ".join(map(str, widths)) or "no hidden layer"
    if built:
        found["parameters"] = built.parameters
    brakes = brakes_of(config, recipe)
    if brakes is not None:
        words = (f"{name} {value:g}" for name, value in brakes.items())
        found["regularizers"] = ", ".join(words) or NO_BRAKES
        found |= {name: brakes.get(name, 0.0) for name in BRAKE_COLUMNS}
    found |= _of_optimizer(recipe.get("optimizer") or {})
    if "batch_size" in recipe:
        found["batch_size"] = recipe["batch_size"]
    return found | {"seed": run.seed, "train_rows": run.train_rows}


def start_point(run: RunKey, chosen: Chosen, *, name: str, wall: float) -> Point:
    """Return the event that says how a run was set up.

    Args:
        run: which.
        chosen: its hyperparameters.
        name: of the run's files; runs of one name and variant are one row of the page, also where several groups show them.
        wall: when it started, in seconds since 1970.
    """
    data = _plugin_data()
    info = data.session_start_info
    info.group_name = f"{run.variant}, {name}"
    info.start_time_secs = wall
    for key, value in chosen.items():
        if isinstance(value, str):
            info.hparams[key].string_value = value
        else:
            info.hparams[key].number_value = value
    return _point(STARTED, data)


def end_point(outcome: Outcome, *, wall: float) -> Point:
    """Return the event that says how and when a run ended."""
    from tensorboard.plugins.hparams import api_pb2

    data = _plugin_data()
    good = is_measured(outcome)
    data.session_end_info.status = api_pb2.STATUS_SUCCESS if good else api_pb2.STATUS_FAILURE
    data.session_end_info.end_time_secs = wall
    return _point(ENDED, data)


def experiment_point(
    study: Mapping[str, Any], built: Sequence[VariantBuilt], facts: Mapping[str, Any]
) -> Point:
    """Return the event that says which hyperparameters and metrics the runs of a study have.

    Args:
        study: the plain values of its study.toml.
        built: the models of its variants.
        facts: the summary of its table, with the number of rows of each part.
    """
    from tensorboard.plugins.hparams import api_pb2

    data = _plugin_data()
    data.experiment.name = str(study.get("name", ""))
    for name, values in _domains(study, built, facts).items():
        info = data.experiment.hparam_infos.add(name=name, display_name=name.replace("_", " "))
        info.differs = len(set(values)) > 1  # the page shows those first
        if all(isinstance(value, str) for value in values):
            info.type = api_pb2.DATA_TYPE_STRING
            for value in values:
                info.domain_discrete.values.add(string_value=value)
        else:
            info.type = api_pb2.DATA_TYPE_FLOAT64
            info.domain_interval.min_value, info.domain_interval.max_value = min(values), max(values)
    for tag in metric_tags(facts):
        info = data.experiment.metric_infos.add(display_name=tag.removeprefix("run_").replace("/", " "))
        info.name.tag = tag
    return _point(EXPERIMENT, data)


def metric_tags(facts: Mapping[str, Any]) -> list[str]:
    """Return the metrics that every run of a study has when it has ended, by which runs can be compared.

    Example:
        >>> metric_tags({"task": "regression", "parts": {"test": 0}})[:2]
        ['run_best/epoch', 'run_best/val_mean_squared_error']
    """
    task, has_test = facts.get("task", "binary"), facts.get("parts", {}).get("test")
    names = (LOSSES[task], SCORES[task])
    test = [f"test/{name}" for name in names] if has_test else []
    return [
        f"{BEST}epoch",
        *(f"{BEST}val_{name}" for name in names),
        *(f"{BEST}fixed_{name}" for name in names),
        *test,
    ]


def _domains(
    study: Mapping[str, Any], built: Sequence[VariantBuilt], facts: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Return the values of each hyperparameter over all runs, in the order of the study."""
    models = {event.variant: event for event in built}
    seeds = study.get("seeds", [])
    sizes = study.get("train_sizes") or [facts.get("parts", {}).get("train", 0)]
    found: dict[str, dict[Any, None]] = {}
    for variant in study.get("variants", {}):
        for name, value in hyperparameters(RunKey(variant, 0, 0), study, models.get(variant)).items():
            found.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in found.items()} | {"seed": seeds, "train_rows": sizes}


def _of_optimizer(described: Mapping[str, Any]) -> Chosen:
    """Return an optimizer's name, the learning rate it begins with, and what changes that."""
    rate = described.get("config", {}).get("learning_rate")
    found: Chosen = {"optimizer": str(described["class_name"])} if "class_name" in described else {}
    if isinstance(rate, Mapping):
        found["schedule"] = str(rate.get("class_name"))
        rate = rate.get("config", {}).get("initial_learning_rate")
    elif rate is not None:
        found["schedule"] = "constant"
    return found | ({"learning_rate": rate} if isinstance(rate, int | float) else {})


def _hidden_widths(config: str) -> list[int] | None:
    """Return the widths of a model's dense layers but the last; None if it is not described."""
    try:
        described = json.loads(config)
    except ValueError:
        return None
    layers = (one["config"] for one in described_objects(described) if one["class_name"] == "Dense")
    return [layer["units"] for layer in layers if "units" in layer][:-1]  # one of a user's own may have none


def _plugin_data() -> HParamsPluginData:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    return HParamsPluginData(version=0)


def _point(tag: str, data: HParamsPluginData) -> Point:
    return Point(0, hyperparameter_value(tag, data.SerializeToString(deterministic=True)))
