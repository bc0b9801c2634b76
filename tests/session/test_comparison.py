"""Studies side by side: what is paired, what each difference is, and what cannot be compared."""

from __future__ import annotations

import tomllib

import numpy as np
import polars as pl
import pytest
import tomli_w
from sklearn.metrics import roc_auc_score
from tests.refusals import refusal

import justright as jr
from benchmarks.scaling import BEST_EPOCH, TRAIN_ROWS, Study, build_folder
from justright.errors import FolderError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.store import Store
from justright.runs.events import RunKey
from justright.session.counted_rows import WEIGHTS
from justright.session.outputs import judge_folder
from justright.session.row_outputs import TARGETS
from justright.statistics.intervals import mean_interval

ROWS = 120
TABLE = {"source": "people.csv", "target": "income"}
SPLIT = {"test": ROWS, "seed": 3}


def write(path, *, fingerprint="test rows", named=False, table=None, judged=True, weights=None, **size):
    """Write the folder of a simulated study; `named` tells its table and split, `table` changes facts about the table.

    Its test rows count by `weights`, if there are any.
    """
    build_folder(path, Study(**({"variants": 2, "seeds": 2, "rows": ROWS} | size)))
    with StudyFolder.open(path, "resume") as folder, Store(folder) as store:
        study = tomllib.loads(folder.study_path.read_text())
        if named:
            folder.study_path.write_text(tomli_w.dumps(study | {"table": TABLE, "split": SPLIT}))
        store.set_meta("fingerprints", {"test": fingerprint, "split": "others", "variants": {}})
        if weights is not None:
            table = {"weights": {"column": "w", "count": "all", "effective_rows": {}}}
            store.write_reference(WEIGHTS, {"test": weights})
        store.set_meta("table", store.get_meta("table") | (table or {}))
        if judged:
            judge_folder(store, study)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two studies on the same test rows, of two and of three seeds; treat them as read-only."""
    root = tmp_path_factory.mktemp("compared")
    return write(root / "a"), write(root / "b", variants=5, seeds=3)


def recorded(path, variant, kind, seeds):
    """Return (seeds, rows) of what runs recorded at their best epoch, and the targets."""
    with StoreReader(StudyFolder.open(path, "read")) as store:
        runs = [RunKey(variant, seed, TRAIN_ROWS) for seed in seeds]
        return (
            np.stack([store.row_losses(run, kind)[BEST_EPOCH] for run in runs]),
            store.reference()[TARGETS]["test"],
        )


def best_of(comparison, number):
    """Return the name of a folder's best network."""
    return next(one["variant"] for one in comparison.values["folders"][number]["variants"] if one["is_best"])


def test_best_networks_are_paired_by_row_and_seed(folders):
    """Over the seeds that both have: as the interval of the recorded losses' differences says."""
    found = jr.compare(folders)
    left, right = (
        recorded(path, best_of(found, number), "test", (0, 1))[0].astype(float)
        for number, path in enumerate(folders)
    )
    expected = mean_interval(right - left)
    (row,) = found.differences.iter_rows(named=True)
    assert (row["pairing"], row["seeds"]) == ("rows and seeds", 2)
    assert (row["first_folder"], row["second_folder"]) == tuple(map(str, folders))
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(
        (expected.mean, expected.low, expected.high)
    )


def test_weighted_studies_are_compared_by_weighted_means_and_with_no_others(folders, tmp_path):
    """Loss and metric as NumPy and scikit-learn average them; a row that does not count may be anything."""
    weights = np.random.default_rng(0).exponential(size=ROWS).astype(np.float32)
    weights[::6] = 0
    pair = [write(tmp_path / name, weights=weights, variants=size) for name, size in (("c", 2), ("d", 5))]
    found, by_metric = jr.compare(pair), jr.compare(pair, metric="roc_auc")
    losses, areas = [], []
    for number, path in enumerate(pair):
        best = best_of(found, number)
        losses.append(recorded(path, best, "test", (0, 1))[0].mean(axis=0))
        outputs, targets = recorded(path, best, "test_output", (0, 1))
        areas.append(np.mean([roc_auc_score(targets, one, sample_weight=weights) for one in outputs]))
    mean = np.average(losses[1] - losses[0], weights=weights)
    assert found.differences["pairing"].to_list() == ["rows and seeds"]
    assert found.differences["difference"].item() == pytest.approx(mean, abs=1e-6)
    assert by_metric.differences["difference"].item() == pytest.approx(areas[1] - areas[0])
    with pytest.raises(jr.InputError, match=r"'0', '1' of weighted rows\. Leave out those that differ"):
        jr.compare([folders[0], pair[0]])


def test_any_metric_can_be_compared(folders):
    """The difference is that of scikit-learn's metrics, averaged over the shared seeds."""
    found = jr.compare(folders, metric="roc_auc")
    means = []
    for number, path in enumerate(folders):
        outputs, targets = recorded(path, best_of(found, number), "test_output", (0, 1))
        means.append(np.mean([roc_auc_score(targets, one) for one in outputs]))
    (row,) = found.differences.iter_rows(named=True)
    assert row["difference"] == pytest.approx(means[1] - means[0])
    assert row["low"] < row["difference"] < row["high"]


def test_the_table_has_every_network_of_every_folder(folders):
    """With the numbers of its own study."""
    table = jr.compare(folders).table
    assert table.shape == (7, 12)
    verdicts = jr.open_result(folders[1]).verdicts
    own = table.filter(folder=str(folders[1]))
    assert own["mean"].to_list() == verdicts["test_loss"].to_list()
    assert own["label"].to_list() == verdicts["label"].to_list()
    assert own.select("train_rows", "measuring_rows", "seeds", "metric").unique().rows() == [
        (TRAIN_ROWS, ROWS, 3, "binary_crossentropy")
    ]
    assert table.filter(pl.col("is_best")).height == 2


@pytest.mark.parametrize(
    ("fingerprint", "named", "pairing"),
    [("other rows", False, "nothing"), ("other rows", True, "rows and seeds"), (None, False, "nothing")],
)
def test_rows_are_the_same_by_their_fingerprint_or_by_table_split_and_targets(
    tmp_path, fingerprint, named, pairing
):
    """So a study that leaves columns out is paired with one that uses them."""
    first = write(tmp_path / "first", fingerprint=fingerprint and "some rows", named=named)
    second = write(tmp_path / "second", fingerprint=fingerprint, named=named)
    assert jr.compare([first, second]).differences["pairing"].to_list() == [pairing]


def test_a_fingerprint_alone_does_not_pair_different_numbers_of_rows(folders, tmp_path):
    """A stranger's folder may say anything."""
    found = jr.compare([folders[0], write(tmp_path / "more", rows=ROWS + 1)])
    assert found.differences["pairing"].to_list() == ["nothing"]


def test_a_folder_without_verdicts_is_listed_and_not_compared(folders, tmp_path):
    """It may be of a study that has only begun."""
    found = jr.compare([*folders, write(tmp_path / "new", judged=False)])
    assert found.differences.height == 1
    assert str(found).splitlines()[-1] == (
        f"{tmp_path / 'new'} has no network whose binary crossentropy was measured row by row yet."
    )


def test_a_comparison_is_shown_in_every_form(folders):
    """Text, Markdown, a page, and a frame for notebooks; from results as from paths."""
    found = jr.compare([jr.open_result(folders[0]), folders[1]])
    said = str(found).splitlines()[1]
    assert said.startswith(f"{best_of(found, 1)} of {folders[1]} ")
    assert said.endswith(f", paired by row and seed ({ROWS} test rows, 2 seeds).")
    assert found.markdown().startswith("## 2 studies of 'target'\n\n| Network | Folder | ")
    assert "<!doctype html>" in found.html().lower()
    assert found._repr_html_().startswith('<iframe sandbox="allow-scripts"')
    assert found.to_dict()["metric"] == "binary_crossentropy"


def test_studies_of_other_questions_are_refused(folders, tmp_path):
    """In one sentence that names all of them."""
    other = write(tmp_path / "other", table={"target": "price"}, judged=False)
    third = write(
        tmp_path / "third", table={"classes": [{"name": name} for name in ("no", "yes")]}, judged=False
    )
    assert refusal(jr.compare, [*folders, other, third]) == (
        "Studies must have the same task, target and classes to be compared; "
        f"{str(folders[0])!r} is a binary study of 'target' with the classes '0', '1'; "
        f"{str(other)!r} is a binary study of 'price' with the classes '0', '1'; "
        f"{str(third)!r} is a binary study of 'target' with the classes 'no', 'yes'. Leave out those that differ."
    )


def test_folders_must_be_several(folders, tmp_path):
    """Each once, and each a study."""
    for given, message in (
        ([folders[0]], "`folders` must name 2 to 50 study folders; got 1."),
        (str(folders[0]), f"`folders` must name 2 to 50 study folders; got {str(folders[0])!r}."),
        (
            [folders[0], f"{folders[0]}/."],
            f"`folders` must differ from each other; '{folders[0]}/.' is the same as {str(folders[0])!r}.",
        ),
    ):
        assert refusal(jr.compare, given) == message
    with pytest.raises(FolderError):
        jr.compare([folders[0], tmp_path])


def test_an_unknown_metric_is_refused(folders):
    """With what there is."""
    assert refusal(jr.compare, folders, metric="roc") == (
        "`metric` must be one of 'binary_crossentropy', 'roc_auc', 'average_precision', 'accuracy', 'balanced_accuracy', "
        "'f1', 'matthews_correlation', 'log_loss', 'brier_score', 'calibration_error'; got 'roc'. Did you mean 'roc_auc'?"
    )
