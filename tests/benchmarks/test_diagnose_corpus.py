"""`benchmarks.diagnose` says of simulated curves, of logs and of their readers what is true of them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.diagnose import __main__ as contest
from benchmarks.diagnose import peers
from benchmarks.diagnose.corpus import harmful_advice, print_corpus, read_corpus, total
from benchmarks.diagnose.peers import Claims
from benchmarks.diagnose.readers_answers import BY_LOSS_ONLY, MADE, OVERFITS, labels_of, made_answers
from benchmarks.diagnose.simulation import Noise
from justright.logs.run_reading import CurveLabel

TABLE = """\
# Logs

| log | a careful reading |
|---|---|
| `a/history.json` | 30 ep: overfits since 10 |
| `b.csv` | table of runs, not curves |
| `c.csv` | (look) |
"""


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        ("mild overfit since epoch 2", OVERFITS),
        ("overfits since ~6 of 80 (val_acc still improves)", BY_LOSS_ONLY),
        ("6 evals: can't tell, no rise", {"undecided", "too short"}),
        ("still improving / plateau, 50", {"still improving", "flat"}),
        ("several runs, train loss only", {"undecided", "too short"}),
        ("one epoch's metrics", {"refused", "too short"}),
        ("Keras TB train+validation", set()),
    ],
)
def test_a_readers_words_are_labels(words, labels):
    """Decisive phrases first; others add up; none is no opinion."""
    assert labels_of(words) == labels


def test_every_expected_label_exists():
    """A label renamed in the package is renamed here."""
    known = {*CurveLabel.__args__, "refused"}
    assert set().union(*(answer.labels for answer in MADE.values())) <= known


@pytest.fixture
def corpus(tmp_path):
    """A corpus with a log that overfits, one that holds no curves, a missing one, and two made ones."""
    (tmp_path / "README.md").write_text(TABLE)
    (tmp_path / "a").mkdir()
    (tmp_path / "made" / "names").mkdir(parents=True)
    values = {"loss": [2.0**-epoch for epoch in range(30)]}
    values["val_loss"] = [1 + abs(epoch - 10) / 10 for epoch in range(30)]
    (tmp_path / "a" / "history.json").write_text(json.dumps(values))
    (tmp_path / "b.csv").write_text("Name,State\nfirst,finished\n")
    rows = [f"{epoch},{values['loss'][epoch]},0.5" for epoch in range(30)]
    for name in ("p2_const.csv", "names/n01.csv"):
        (tmp_path / "made" / name).write_text("\n".join(["epoch,loss,val_loss", *rows]))
    return tmp_path


def test_logs_are_read_beside_what_should_be_said(corpus):
    """Agreement is by label; a constant curve is no usual one."""
    found = {record.log: record for record in read_corpus(corpus)}
    assert {log: record.agrees for log, record in found.items()} == {
        "a/history.json": True,
        "b.csv": True,
        "c.csv": None,
        "made/names/n01.csv": False,
        "made/p2_const.csv": True,
    }
    assert "there is no" in found["c.csv"].refused
    assert found["made/names/n01.csv"].label == "flat"


def test_a_corpus_is_summed_up(corpus, capsys):
    """Logs without curves count for agreement, not for reading."""
    print_corpus(corpus, corpus / "no interpreter")
    said = capsys.readouterr().out
    assert (
        "Real logs: read 1 of 2 with curves (50 %); agree with the reader in 2 of 2 (100 %); harmful" in said
    )
    assert (
        "Made logs: read 2 of 2 with curves (100 %); agree with the reader in 1 of 2 (50 %); harmful" in said
    )
    assert "made/names/n01.csv: overfits: the usual curve\n- flat: " in said
    cells = [line.strip("| ").split("|") for line in said.splitlines()[-2:]]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["Real logs", "justright", "1 of 2", "1 of 1", "0 of 0"],
        ["Made logs", "justright", "2 of 2", "0 of 1", "0 of 1"],
    ]


def test_made_logs_inside_folders_are_named_as_people_name_them(corpus):
    """The folder that holds a tool's folder is nobody's log."""
    (corpus / "made" / "f1" / "lightning_logs").mkdir(parents=True)
    assert sorted(made_answers(corpus)) == [
        "made/f1/lightning_logs",
        "made/names/n01.csv",
        "made/p2_const.csv",
    ]


def advised(words=(), keep=None, accuracy=()):
    """A reading with such advice, a state to keep, and such an accuracy curve."""
    at, values = np.arange(len(accuracy), dtype=float), np.array(accuracy, dtype=float)
    curve = SimpleNamespace(written="val_accuracy", finite=lambda: (at, values))
    metric = SimpleNamespace(written="val_accuracy", direction="more", points=len(values))
    return SimpleNamespace(
        unit="epoch",
        keep=None if keep is None else SimpleNamespace(at=keep),
        sets=(SimpleNamespace(role="validation", set="", others=(metric,) if len(values) else ()),),
        advice=[SimpleNamespace(words=one) for one in words],
        curves=SimpleNamespace(named=lambda *_: curve),
    )


RISING = [0.41 + 0.21 * (1 - math.exp(-epoch / 10)) for epoch in range(40)]


@pytest.mark.parametrize(
    ("reading", "reader", "harm"),
    [
        (
            advised(keep=0, accuracy=RISING),
            BY_LOSS_ONLY,
            ["keeps epoch 0, though val_accuracy improves from there to the end"],
        ),
        (advised(keep=35, accuracy=RISING), BY_LOSS_ONLY, []),
        (advised(keep=5, accuracy=[0.7, 0.71, 0.7, 0.69] * 10), OVERFITS, []),
        (advised(["Train longer: it fell."]), OVERFITS, ["asks to train longer: Train longer: it fell."]),
        (advised(["Train longer: it fell."]), frozenset({"still improving"}), []),
        (advised(["Stop earlier."]), frozenset({"still improving"}), ["asks to stop: Stop earlier."]),
        (advised(["Stop earlier."]), OVERFITS, []),
    ],
)
def test_harmful_advice_is_found(reading, reader, harm):
    """What gives away what the log itself shows; advice that fits is none."""
    assert harmful_advice(reading, reader) == harm


LOSSLINT = """
from types import SimpleNamespace
def RunLog(steps, series, source):
    return series
def run_all_checks(series):
    print("as chatty as can be")
    rises = series["eval_loss"][-1] > series["eval_loss"][0]
    return [SimpleNamespace(check="overfit_onset" if rises else "plateau")]
"""


@pytest.fixture
def python_path(tmp_path, monkeypatch):
    """A folder of which processes that the test starts import packages first."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_a_peer_is_asked_in_a_process_of_its_own(python_path):
    """One answer to each curve, in order; what the tool prints on standard output does not disturb them."""
    (python_path / "losslint").mkdir()
    for name in ("__init__", "checks", "parsing"):
        (python_path / "losslint" / f"{name}.py").write_text(LOSSLINT)
    falling, rising = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
    with peers.started_peer(Path(sys.executable), "losslint") as peer:
        found = [peer.judge(falling, one) for one in (falling, rising, falling)]
    assert found == [Claims(each, each) for each in (False, True, False)]


def test_a_peer_reads_logs_as_its_command_does(python_path, tmp_path):
    """Every run is judged; what it cannot read is told apart from what it finds nothing in, and ends nothing."""
    (python_path / "losslint").mkdir()
    reader = "def _expand_inputs(paths):\n    return paths * 2\ndef load_run(path):\n    return eval(open(path).read())\n"
    for name in ("__init__", "checks", "parsing", "cli"):
        (python_path / "losslint" / f"{name}.py").write_text(LOSSLINT + reader)
    (tmp_path / "log").write_text("{'eval_loss': [1, 2]}")
    with peers.started_peer(Path(sys.executable), "losslint") as peer:
        found = [peer.read(tmp_path / name) for name in ("log", "no log", "log")]
    assert found == [
        [Claims(any_level=True, warning=True)] * 2,
        [],
        [Claims(any_level=True, warning=True)] * 2,
    ]


def test_a_peer_that_fails_is_named(python_path, capfd):
    """And its own words are shown."""
    (python_path / "losslint.py").write_text("raise ImportError('losslint is not for you')")
    with (
        pytest.raises(RuntimeError, match=r"^losslint ended; what it said is above\.$"),
        peers.started_peer(Path(sys.executable), "losslint") as peer,
    ):
        peer.judge([1.0] * 9, [1.0] * 9)
    assert "losslint is not for you" in capfd.readouterr().err


def always(**claims):
    """A tool that says the same of all curves."""
    return lambda train, validation: Claims(**claims)


def by_eye(train, validation):
    """A tool that is always right about curves this smooth: its warnings are as good as its remarks are bad."""
    return Claims(any_level=True, warning=bool(validation[-1] > 1.1 * min(validation)))


def test_both_errors_are_counted():
    """False alarms and misses of tools whose errors are known, each at its better level."""
    asked = {
        "always": always(any_level=True, warning=True),
        "never": always(any_level=False, warning=False),
        "by eye": by_eye,
    }
    noise = Noise(0.0, 0.001)
    null = contest.null_tally(asked, noise, 10, 2)
    rise = contest.rising_tally(asked, contest.Rising(10, 0.3, noise, 0.9), 10)
    levels = {name: contest.better_level(name, [null], [rise]) for name in asked}
    assert levels["by eye"] == "warning"
    assert [cells[-3:] for cells in contest.error_lines([null], [rise], levels)] == [
        ("100", "100", "0"),
        ("100", "100", "0"),
    ]
    assert next(cells[2:] for cells in contest.null_lines([null], levels)) == (
        "100.0 ± 0.0",
        "0.0 ± 0.0",
        "0.0 ± 0.0",
    )


def test_every_cell_with_a_rise_has_its_counterpart_without():
    """So that both errors can be added up."""
    nulls = {*contest.null_cells((10, 30, 100), [""])}
    assert all((one.noise, one.points) in nulls for one in contest.rising_cells((10, 30, 100), [""]))


def test_a_cell_is_the_same_whichever_others_are_asked_for():
    """Its curves depend on itself alone."""
    seen = []
    asked = {"seen": lambda _train, validation: seen.append(validation.tolist()) or Claims(False, False)}
    for _ in range(2):
        contest.null_tally(asked, Noise(0.7), 10, 1)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_totals_of_nothing_are_no_error():
    """A corpus may have no made logs."""
    assert total([]).startswith("read 0 of 0 with curves (-)")
