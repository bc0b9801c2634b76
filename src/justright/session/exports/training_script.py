"""A variant as a script of plain Keras, which builds and trains it without this package."""

from __future__ import annotations

import json
import pprint
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright import __version__
from justright.errors import InputError
from justright.records.files import write_atomically
from justright.records.models import read_notes
from justright.session.exports.export_source import ExportSource
from justright.session.exports.keras_code import code_of
from justright.session.exports.network_files import describe_network_file, write_plan
from justright.study.keras_descriptions import FUNCTION_MARK, name_of
from justright.study.keras_edits import is_plain
from justright.study.recipe import Recipe, recipe_values

ROWS_ENDING = ".npz"
TRAINED_ENDING = ".trained.keras"
WIDTH = 100
SMOOTHED = ("BinaryCrossentropy",)  # losses with an option `label_smoothing` that take targets as they are

SCRIPT = '''"""{about}"""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")  # before Keras is imported

import keras
import numpy as np

data = np.load(Path(__file__).with_name({rows!r}))
keras.utils.set_random_seed({seed})

{model}
model.summary()

{loss}
model.compile(
    optimizer={optimizer},
    loss=loss,
    {kind}=[
{metrics}
    ],
)
history = model.fit(
    data["train_x"],
    data["train_y"],{weights}
    validation_data=(data["validation_x"], data["validation_y"]{validation_weights}),
    batch_size={batch_size},
    epochs={epochs},
    callbacks=[
        keras.callbacks.EarlyStopping(
            monitor={monitor!r}, mode={mode!r}, patience={patience}, restore_best_weights=True
        ),
    ],
    verbose=2,
)
for part in ("validation", "test"):
    if len(data[f"{{part}}_y"]):
        measured = model.evaluate(data[f"{{part}}_x"], data[f"{{part}}_y"],{test_weights} return_dict=True, verbose=0)
        print(part, "rows:", measured)
model.save(Path(__file__).with_suffix({trained!r}))
'''

WRITTEN = (
    "Written by justright {version}. It needs Keras 3 with a backend, NumPy, and {rows} beside it: the study's rows as the network "
    "takes them, in the parts that train, validate and test. On the JAX backend it begins with the weights that the study began "
    "with; batches come in another order, and dropout draws other numbers."
)

# What Keras does unless it is told otherwise: TF32 on a GPU that has it, float32 elsewhere.
OTHER_PRECISIONS = {
    "bfloat16": "The study multiplied in bfloat16; this computes in float32, or on a GPU in what Keras takes there.",
    "tensorfloat32": "The study multiplied in TF32, as this does on an NVIDIA GPU that has it; elsewhere it computes in float32.",
}

MOMENTS = """
# Means and variances of the training rows, by which inputs are standardised.
for name in {names!r}:
    layer = model.get_layer(name)
    layer.adapt_mean.assign(data[f"{{name}}_mean"])
    layer.adapt_variance.assign(data[f"{{name}}_variance"])
    layer.finalize_state()
"""

UNITS = '''def loss(targets, outputs):
    """Return the loss of each row relative to that of predicting the mean: penalties weigh the same in any unit."""
    return {loss}.call(targets, outputs) / {unit!r}


'''


@dataclass(frozen=True, slots=True)
class Trained:
    """What a variant was trained with, and what came out.

    Args:
        name: the variant's.
        model: its network.
        recipe: resolved.
        described: as `describe_network_file` says.
        compiled: what Keras says of the optimizer, loss and metrics that the model was saved with.
    """

    name: str
    model: Any
    recipe: Recipe
    described: dict[str, Any]
    compiled: dict[str, Any]


def write_script(source: ExportSource, name: str, seed: int | None, path: Path) -> tuple[Path, ...]:
    """Write a script that builds and trains a variant with plain Keras, its rows, and its plan; return the files.

    Raises:
        InputError: the variant needs what Keras alone does not have, or its table was in memory.
        FolderError: the model or table is missing or has changed, or a file cannot be written.
    """
    from justright.session.exports.script_rows import study_split, write_rows

    saved = source.model(name, seed)
    recipe = _recipe(source.study, name)
    described = describe_network_file(saved)
    trained = Trained(name, saved.load(), recipe, described, _compiled(saved.path))
    _check_plain(trained)
    split = study_split(source)
    rows = path.with_suffix(ROWS_ENDING)
    train_rows = read_notes(saved.path).get("train_rows", len(split.train))
    moments = _moments(trained)
    is_measured = split.table.weights is not None and source.study.get("weighted_rows") == "all"
    write_rows(
        *(split, rows), train_rows=train_rows, recipe=recipe, measures_weighted=is_measured, more=moments
    )
    is_weighted = recipe.class_weight is not None or split.table.weights is not None
    names = list(dict.fromkeys(one.rpartition("_")[0] for one in moments))
    script = _script(
        *(trained, names, path),
        folder=source.folder.path.name,
        is_weighted=is_weighted,
        measures_weighted=is_measured,
    )
    write_atomically(path.absolute(), script.encode())
    return path, rows, write_plan(described, path)


def _compiled(path: Path) -> dict[str, Any]:
    """Return what Keras says of the optimizer, loss and metrics that a model was saved with.

    They are made and described anew: what the file says becomes code, and the file may be a stranger's.
    """
    import keras

    with zipfile.ZipFile(path) as archive:  # which has been checked, and read
        config = json.loads(archive.read("config.json"))["compile_config"]
    optimizer = keras.optimizers.deserialize(config["optimizer"])
    loss = keras.losses.deserialize(config["loss"])
    metrics = [keras.metrics.deserialize(one) for one in config["metrics"]]
    described = keras.saving.serialize_keras_object
    return {
        "optimizer": described(optimizer),
        "loss": described(loss),
        "metrics": [described(one) for one in metrics],
    }


def _recipe(study: Mapping[str, Any], name: str) -> Recipe:
    """Return a variant's recipe, if Keras alone can train by it.

    Raises:
        InputError: it cannot; all reasons are named.
    """
    values = recipe_values(study["variants"][name], study)
    own = [values.get("loss"), *values.get("metrics", [])]
    functions = [one for one in own if isinstance(one, str) and FUNCTION_MARK in one]
    without = [f"{option}={values[option]!r}" for option in ("mixup", "ema") if values.get(option)]
    _refuse(name, [*without, *(f"the function {one}" for one in functions)])
    return Recipe.from_dict(values)


def _check_plain(trained: Trained) -> None:
    """Refuse a network or loss that a script without this package, and without the user's code, cannot make."""
    lacking = []
    if not is_plain(trained.model.to_json()) or not is_plain(json.dumps(trained.compiled)):
        lacking.append("layers, or an optimizer, that are not Keras' own")
    own, kind = trained.recipe.loss, trained.compiled["loss"]["class_name"]
    if own is not None and name_of(own).replace("_", "") != kind.lower():
        lacking.append(f"the loss {name_of(own)!r}, which would see other targets or outputs there")
    if trained.recipe.label_smoothing and kind not in SMOOTHED:
        lacking.append(f"label_smoothing={trained.recipe.label_smoothing!r} of several classes")
    top = {layer.name for layer in trained.model.layers}
    inner = [layer.name for layer in _standardising(trained.model) if layer.name not in top]
    lacking += [f"the Normalization {name!r} inside another model" for name in inner]
    _refuse(trained.name, lacking)


def _refuse(name: str, lacking: list[str]) -> None:
    if lacking:
        raise InputError(
            f"A script of plain Keras must train as the study did; variant {name!r} has {', '.join(lacking)}. Export it as "
            ".keras, or train a variant without."
        )


def _script(
    trained: Trained,
    standardised: list[str],
    path: Path,
    *,
    folder: str,
    is_weighted: bool,
    measures_weighted: bool,
) -> str:
    recipe, monitor = trained.recipe, str(trained.recipe.monitor)
    metrics = trained.compiled["metrics"]
    moments = MOMENTS.format(names=standardised) if standardised else ""
    return SCRIPT.format(
        about=_about(trained, path, folder),
        rows=path.with_suffix(ROWS_ENDING).name,
        seed=trained.described["seed"],
        model=_model_code(trained.model) + moments,
        loss=_loss_code(trained),
        optimizer=code_of(trained.compiled["optimizer"]),
        metrics="\n".join(f"        {code_of(one)}," for one in metrics),
        weights='\n    sample_weight=data["train_weights"],' if is_weighted else "",
        kind="weighted_metrics" if measures_weighted else "metrics",
        validation_weights=', data["validation_weights"]' if measures_weighted else "",
        test_weights=' sample_weight=data[f"{part}_weights"],' if measures_weighted else "",
        batch_size=recipe.batch_size,
        epochs=recipe.max_epochs,
        monitor=monitor,
        mode="max" if _rises(monitor, metrics) else "min",
        patience=recipe.max_epochs if recipe.patience is None else recipe.patience,
        trained=TRAINED_ENDING,
    )


def _about(trained: Trained, path: Path, folder: str) -> str:
    """Return what the script says of itself."""
    rows, recipe = path.with_suffix(ROWS_ENDING).name, trained.recipe
    says = [
        f"Train network {trained.name!r} of the study {folder!r} again, with Keras alone.",
        "",
        WRITTEN.format(version=__version__, rows=rows),
    ]
    if other := OTHER_PRECISIONS.get(recipe.precision):
        says.append(other)
    if recipe.stop != "patience":
        says.append(
            "The study stopped as soon as nothing could change any more; this waits for its patience."
        )
    wrapped = (textwrap.fill(one, WIDTH) for one in says)
    return "\n".join(wrapped).replace("\\", "\\\\").replace('"', "'") + "\n"


def _model_code(model: Any) -> str:  # noqa: ANN401  # Keras has no types
    """Return code that builds the model: layer by layer if it is a chain of layers, else from its description."""
    import keras

    is_chain = type(model) is keras.Sequential and not any(
        isinstance(layer, keras.Model) for layer in model.layers
    )
    if not is_chain:
        described = pprint.pformat(json.loads(model.to_json()), width=WIDTH, sort_dicts=False)
        return (
            f"import json\n\nMODEL = {described}\nmodel = keras.models.model_from_json(json.dumps(MODEL))\n"
        )
    layers = [keras.saving.serialize_keras_object(layer) for layer in model.layers]
    lines = [f"keras.Input({model.input_shape[1:]!r})", *map(code_of, layers)]
    return "\n".join(
        ["model = keras.Sequential(", "    [", *(f"        {line}," for line in lines), "    ]", ")", ""]
    )


def _loss_code(trained: Trained) -> str:
    """Return code that defines `loss`."""
    loss = dict(trained.compiled["loss"])
    if trained.recipe.label_smoothing:
        loss["config"] = loss["config"] | {"label_smoothing": trained.recipe.label_smoothing}
    unit = _unit(trained, loss)
    return f"loss = {code_of(loss)}" if unit == 1.0 else UNITS.format(loss=code_of(loss), unit=unit)


def _unit(trained: Trained, described: Mapping[str, Any]) -> float:
    """Return what the study divided its loss by: that of a prediction one standard deviation off the target."""
    import keras
    import numpy as np

    from justright.training.last_layer import UNITS_LAYER

    last = trained.model.layers[-1]
    if last.name != UNITS_LAYER:
        return 1.0
    targets = np.array([[last.offset - last.scale], [last.offset + last.scale]], np.float32)
    loss = keras.losses.deserialize(dict(described))
    unit = float(loss(targets, np.full((2, 1), last.offset, np.float32)))
    return unit if np.isfinite(unit) and unit > 0 else 1.0


def _rises(monitor: str, metrics: list[dict[str, Any]]) -> bool:
    """Return whether larger values of a monitored metric are better."""
    import keras

    if monitor.endswith("accuracy"):
        return True
    named = {f"val_{one['config'].get('name')}": one for one in metrics}
    if monitor not in named:
        return False
    metric = keras.metrics.deserialize(dict(named[monitor]))
    return getattr(metric, "_direction", None) == "up"  # what Keras' own EarlyStopping goes by


def _moments(trained: Trained) -> dict[str, Any]:
    """Return the means and variances of layers that standardise, as they were adapted to the run's training rows."""
    import keras

    return {
        f"{layer.name}_{name}": keras.ops.convert_to_numpy(getattr(layer, f"adapt_{name}"))
        for layer in _standardising(trained.model)
        for name in ("mean", "variance")
    }


def _standardising(model: Any) -> Iterator[Any]:  # noqa: ANN401  # Keras has no types
    """Yield the layers, however deep, that were adapted to training rows."""
    import keras

    for layer in model._flatten_layers(include_self=False):  # Keras has no public walk into nested models
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            yield layer
