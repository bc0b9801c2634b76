"""TensorBoard itself, started on a study folder: what its pages are told over HTTP."""

from __future__ import annotations

import errno
import json
import os
import urllib.request
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import keras
import numpy as np
import pytest
from tests.refusals import refusal

import justright as jr
from justright.data.describe import describe_table
from justright.errors import FolderError, InputError
from justright.records.boards.tensorboard_files import WHOLE_STUDY, TensorBoardFiles
from justright.records.folder import StudyFolder
from justright.records.models import save_model_atomically
from justright.records.store import Store
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint, VariantBuilt
from justright.runs.weight_histograms import HISTOGRAMS, kept_histograms, weight_histograms, weight_names
from justright.session.boards.board_server import serve_board
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.spec import study_to_dict
from justright.study.study import Study
from justright.study.variant import Variant

# TensorBoard's own copy of a library warns of itself when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:html5lib's sanitizer is deprecated:DeprecationWarning")

EPOCHS, ROWS = 12, 60
VARIANTS = (
    Variant("Tiny", mlp(4), group="sizes"),
    Variant("Large", mlp(8, 8), group="sizes"),
    Variant("L2", mlp(8, 8, l2=0.001), baseline="Large", group="regularizers"),
)
BOTH = {"sizes/Tiny", "sizes/Large", "regularizers/Tiny", "regularizers/Large", "regularizers/L2"}
VERDICTS = {WHOLE_STUDY: "All is **undecided**.", "Tiny": "**underfits**, since <script>x</script>"}

READ_FIRST = {"load_fast": "false", "reload_task": "blocking", "reload_interval": 0.0}

Get = Callable[..., Any]


def a_study() -> Study:
    """Two sizes, and a penalty on the larger one."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 3))
    columns = {f"x{number}": features[:, number] for number in range(3)}
    table = jr.read_table({**columns, "y": (features[:, 0] > 0).astype(int)}, target="y")
    split = table.split(validation=20, train=ROWS, test=20, order="random")
    return Study(split, VARIANTS, Recipe(batch_size=20, max_epochs=EPOCHS), seeds=1, name="tutorial")


def curves_of(variant: Variant) -> dict[str, np.ndarray]:
    """Curves that differ from variant to variant."""
    shift = len(variant.name) / 10
    falling = shift + 1 / (1 + np.arange(EPOCHS))
    names = (
        "loss",
        "binary_crossentropy",
        "val_loss",
        "val_binary_crossentropy",
        "fixed_binary_crossentropy",
    )
    return {name: falling + at for at, name in enumerate(names)} | {
        "learning_rate": np.full(EPOCHS, 0.001),
        "val_accuracy": np.full(EPOCHS, 0.5),
        "fixed_accuracy": np.full(EPOCHS, 0.75),
    }


def histograms_of(model: keras.Model) -> tuple[list[str], dict[int, list[list[float]]]]:
    """Return names of a model's weights, and histograms of them: twice as large in the end, half before training."""
    names = weight_names((weight.path for weight in model.weights), model.name)
    scales = {0: 0.5, EPOCHS - 2: 1.0, EPOCHS - 1: 2.0}
    values = model.get_weights()
    return names, {step: weight_histograms(scale * one for one in values) for step, scale in scales.items()}


def build(variant: Variant, folder: StudyFolder) -> VariantBuilt:
    """Save a variant's model as that of its run, and return the event that says it was built."""
    model = variant.build(3, 1)
    about = {HISTOGRAMS: kept_histograms(*histograms_of(model))} if variant.name == "L2" else None
    save_model_atomically(model, folder.model_path(RunKey(variant.name, 1, ROWS), full_rows=ROWS), about)
    return VariantBuilt(variant.name, model.count_params(), "", model.to_json(), ())


def train(variant: Variant, folder: StudyFolder) -> list[StackCheckpoint]:
    """Return the checkpoints of one run, in its middle and at its end."""
    run = RunKey(variant.name, 1, ROWS)
    curves = curves_of(variant)
    half = EPOCHS // 2
    blocks = [
        EpochBlock(run, first, {name: values[first : first + half] for name, values in curves.items()})
        for first in (0, half)
    ]
    best = EPOCHS - 2
    finished = RunFinished(
        *(run, "finished", "The limit was reached.", EPOCHS, best, 1.0),
        best={name: float(values[best]) for name, values in curves.items()},
        last={name: float(values[-1]) for name, values in curves.items()},
        test={"loss": 0.25, "binary_crossentropy": 0.25, "accuracy": 0.875},
        test_last={"loss": 0.5},
        model_path=folder.relative(folder.model_path(run, full_rows=ROWS)),
    )
    return [
        StackCheckpoint(variant.name, "checkpoints/a", half, (run,), (blocks[0],), ()),
        StackCheckpoint(variant.name, "checkpoints/b", EPOCHS, (run,), (blocks[1],), (finished,)),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study folder that was written event by event, as training does, without training."""
    path = tmp_path_factory.mktemp("board") / "study"
    study = a_study()
    with StudyFolder.open(path, "create") as folder, Store(folder) as store:
        store.set_meta("table", describe_table(study.split.table) | {"parts": study.split.sizes})
        files = TensorBoardFiles(folder, store, study_to_dict(study), full_rows=ROWS)
        folder.checkpoints_path.mkdir()
        events = [build(variant, folder) for variant in VARIANTS]
        for event in chain(events, *(train(variant, folder) for variant in VARIANTS)):
            store.handle(event)
            files.handle(event)
        files.write_verdicts(VERDICTS)
    return path


@pytest.fixture(scope="module")
def address(folder: Path) -> str:
    """Where a TensorBoard listens that has read everything before."""
    return serve_board(folder, port=0, **READ_FIRST)


@pytest.fixture(scope="module")
def get(address: str) -> Get:
    """What it answers."""

    def ask(route: str, post: object = None, **query: str) -> Any:
        url = f"{address}data/{route}?{urlencode(query)}"
        body = None if post is None else json.dumps(post).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            content = answer.read().decode()
        return json.loads(content) if answer.headers.get_content_type() == "application/json" else content

    return ask


def test_the_pages_with_content_are_listed(get: Get) -> None:
    """Scalars, graphs, histograms, texts and hyperparameters; nothing that is empty."""
    listing = get("plugins_listing")
    shown = {name for name, page in listing.items() if page["enabled"]}
    assert shown == {"timeseries", "scalars", "graphs", "distributions", "histograms", "text", "hparams"}


def test_runs_stand_in_groups_and_a_baseline_in_both(get: Get) -> None:
    """As in the tutorial: Tiny and Large are among the sizes and the regularizers."""
    parts = ("", "/train", "/validation")
    assert set(get("runs")) == {"."} | {f"{place}/seed-1{part}" for place in BOTH for part in parts}


@pytest.mark.parametrize("place", sorted(BOTH))
def test_every_epoch_is_shown_in_every_group(get: Get, place: str) -> None:
    """Loss and learning rate of each epoch, as TensorBoard reads them."""
    name = place.split("/")[1]
    curves = curves_of(next(variant for variant in VARIANTS if variant.name == name))
    for part, tag, metric in (
        ("train", "epoch_loss", "loss"),
        ("train", "epoch_learning_rate", "learning_rate"),
        ("validation", "epoch_loss", "val_loss"),
    ):
        points = get("plugin/scalars/scalars", run=f"{place}/seed-1/{part}", tag=tag)
        assert [(step, value) for _, step, value in points] == [
            (step, float(value)) for step, value in enumerate(np.float32(curves[metric]))
        ]


def test_the_hyperparameters_of_a_study_have_domains_and_metrics(get: Get) -> None:
    """What was chosen, over which values, and by what runs are compared."""
    experiment = get("plugin/hparams/experiment", {"experimentName": ""})
    domains = {
        info["name"]: info.get("domainDiscrete") or tuple(info["domainInterval"].values())
        for info in experiment["hparamInfos"]
    }
    assert {name: sorted(values) for name, values in domains.items()} == {
        "variant": ["L2", "Large", "Tiny"],
        "family": ["mlp"],
        "units": ["4", "8, 8"],
        "parameters": [21.0, 113.0],
        "regularizers": ["l2 0.001", "none"],
        "l1": [0.0, 0.0],
        "l2": [0.0, 0.001],
        "dropout": [0.0, 0.0],
        "optimizer": ["Adam"],
        "schedule": ["InverseTimeDecay"],
        "learning_rate": [0.001, 0.001],
        "batch_size": [20.0, 20.0],
        "seed": [1.0, 1.0],
        "train_rows": [60.0, 60.0],
    }
    differing = {info["name"] for info in experiment["hparamInfos"] if info["differs"]}
    assert differing == {"variant", "units", "parameters", "regularizers", "l2"}
    assert [info["name"]["tag"] for info in experiment["metricInfos"]] == [
        "run_best/epoch",
        *("run_best/val_binary_crossentropy", "run_best/val_accuracy"),
        *("run_best/fixed_binary_crossentropy", "run_best/fixed_accuracy"),
        *("test/binary_crossentropy", "test/accuracy"),
    ]


def test_a_run_is_one_row_of_hyperparameters_whichever_groups_show_it(get: Get) -> None:
    """With what was chosen for it, its metrics at the best epoch, those on test rows, and how it ended."""
    asked = {"startIndex": 0, "sliceSize": 100, "colParams": [], "allowedStatuses": ["STATUS_SUCCESS"]}
    rows = get("plugin/hparams/session_groups", asked)["sessionGroups"]
    assert sorted(row["name"] for row in rows) == ["L2, seed-1", "Large, seed-1", "Tiny, seed-1"]
    found = next(row for row in rows if row["name"] == "Large, seed-1")
    assert [one["name"] for one in found["sessions"]] == ["regularizers/Large/seed-1", "sizes/Large/seed-1"]
    assert found["hparams"] == {
        "variant": "Large",
        "family": "mlp",
        "units": "8, 8",
        "parameters": 113.0,
        "regularizers": "none",
        "l1": 0.0,
        "l2": 0.0,
        "dropout": 0.0,
        "optimizer": "Adam",
        "schedule": "InverseTimeDecay",
        "learning_rate": 0.001,
        "batch_size": 20.0,
        "seed": 1.0,
        "train_rows": 60.0,
    }
    curves = curves_of(VARIANTS[1])
    metrics = {item["name"]["tag"]: item["value"] for item in found["metricValues"]}
    assert metrics == {
        "run_best/epoch": EPOCHS - 2,
        "run_best/val_binary_crossentropy": np.float32(curves["val_binary_crossentropy"][-2]),
        "run_best/val_accuracy": 0.5,
        "run_best/fixed_binary_crossentropy": np.float32(curves["fixed_binary_crossentropy"][-2]),
        "run_best/fixed_accuracy": 0.75,
        "test/binary_crossentropy": 0.25,
        "test/accuracy": 0.875,
    }


def test_verdicts_are_texts_without_what_could_run(get: Get) -> None:
    """One of the study and one of each variant."""
    tags = get("plugin/text/tags")
    assert {run: sorted(found) for run, found in tags.items()} == {".": ["verdict", "verdict/Tiny"]}
    texts = {tag: get("plugin/text/text", run=".", tag=tag)[0]["text"] for tag in tags["."]}
    assert texts == {
        "verdict": "<p>All is <strong>undecided</strong>.</p>",
        "verdict/Tiny": "<p><strong>underfits</strong>, since &lt;script&gt;x&lt;/script&gt;</p>",
    }


def test_features_and_best_weights_are_histograms(get: Get, folder: Path) -> None:
    """Every row of the table, and every weight of the saved model, is in one of their bins."""
    tags = get("plugin/histograms/tags")
    assert set(tags["."]) == {"features/x0", "features/x1", "features/x2"}
    ((_, _, bins),) = get("plugin/histograms/histograms", run=".", tag="features/x0")
    assert sum(count for _, _, count in bins) == 100
    # As an earlier version saved it: nothing is known but the weights themselves.
    assert weights_seen(get, folder, "Large", {EPOCHS - 2: 1.0}) == {EPOCHS - 2}


def test_weights_before_training_and_after_its_end_are_histograms_too(get: Get, folder: Path) -> None:
    """So that TensorBoard shows how they moved: at the first step, the best epoch and the last one."""
    scales = {0: 0.5, EPOCHS - 2: 1.0, EPOCHS - 1: 2.0}
    assert weights_seen(get, folder, "L2", scales) == set(scales)


def weights_seen(get: Get, folder: Path, variant: str, scales: dict[int, float]) -> set[int]:
    """Return the steps at which every weight of a variant has a histogram, which must be that of the saved weights, scaled."""
    run = f"regularizers/{variant}/seed-1"
    model = keras.saving.load_model(folder / "models" / variant / "seed-1.keras")
    weights = {"/".join(weight.path.split("/")[-2:]): np.asarray(weight, float) for weight in model.weights}
    shown = {tag.removeprefix("weights/") for tag in get("plugin/histograms/tags")[run]}
    assert shown == {name for name, values in weights.items() if values.size > 1}
    steps = []
    for name in shown:
        points = get("plugin/histograms/histograms", run=run, tag=f"weights/{name}")
        steps.append([step for _, step, _ in points])
        for _, step, bins in points:
            counts, edges = np.histogram(weights[name] * scales[step], 30)
            np.testing.assert_array_equal([count for _, _, count in bins], counts)
            np.testing.assert_allclose([low for low, _, _ in bins], edges[:-1])
    assert all(one == sorted(set(one)) == steps[0] for one in steps)
    return set(steps[0])


def test_the_model_is_a_graph_of_its_layers(get: Get) -> None:
    """TensorBoard draws Keras' description, without TensorFlow."""
    graph = get("plugin/graphs/graph", run="sizes/Large/seed-1/train", tag="keras", conceptual="true")
    assert graph.count('s: "Dense"') == 3
    assert graph.count("input:") == 3


def test_what_is_in_two_groups_is_stored_once(folder: Path) -> None:
    """Under two names, and TensorBoard reads either."""
    board = folder / "tensorboard"
    names = {path.relative_to(board / "sizes") for path in (board / "sizes").rglob("events.*")}
    assert len(names) == 2 * 5
    for name in names:
        assert (board / "sizes" / name).samefile(board / "regularizers" / name)


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    """Before anything listens."""
    assert refusal(serve_board, tmp_path, error=FolderError) == (
        f"A study folder must be one that `justright run` wrote; {str(tmp_path)!r} is not: it has no study.db. "
        "Give the path that was given as --out."
    )


def test_a_place_where_it_cannot_listen_is_named(folder: Path, address: str) -> None:
    """A taken port is not replaced by another one that nobody asked for."""
    port = urlsplit(address).port
    assert refusal(serve_board, folder, port=port, **READ_FIRST) == (
        f"TensorBoard must be able to listen at host 'localhost' and port {port}; it is not: TensorBoard could not bind to "
        f"port {port}, it was already in use. Give another `port` or `host`."
    )


def test_an_address_of_another_machine_is_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One sentence, where TensorBoard's server prints its own and ends the process."""
    with pytest.raises(InputError) as caught:
        serve_board(folder, port=0, host="192.0.2.1", **READ_FIRST)  # an address for documents (RFC 5737)
    assert str(caught.value) == (
        "TensorBoard must be able to listen at host '192.0.2.1' and port 0; it is not: "
        f"{os.strerror(errno.EADDRNOTAVAIL)}. Give another `port` or `host`."
    )
    assert capfd.readouterr() == ("", "")
