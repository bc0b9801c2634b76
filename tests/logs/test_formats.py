"""Every registered log format reads to the same curves."""

from __future__ import annotations

import contextlib
import importlib
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from justright import plugins
from justright.cli.diagnose import diagnose as diagnose_command
from justright.errors import InputError
from justright.logs.formats import registry
from justright.logs.formats.registry import FORMATS, read_log, read_logs
from justright.logs.reading import diagnose

TRAIN = (0.70, 0.60, 0.50)
VALIDATION = (0.72, 0.65, 0.66)


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_every_format_gives_the_same_curves(name, write_example):
    """The three epochs written by hand come back under the same names, whatever tool wrote them."""
    curves = read_log(write_example(name))
    assert curves.format == name
    assert curves.epochs.tolist() == [0, 1, 2]
    # Event files hold float32 values: 1e-7 relative is their rounding.
    np.testing.assert_allclose(curves.metrics["loss"], TRAIN, rtol=1e-7)
    np.testing.assert_allclose(curves.metrics["val_loss"], VALIDATION, rtol=1e-7)


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_every_format_can_be_diagnosed(name, write_example):
    """Three epochs are never enough for a verdict, and the reading says so."""
    reading = diagnose(write_example(name))
    assert reading.label == "undecided"
    assert reading.best_epoch == 1
    assert reading.sentences[1] == "3 epochs are too few to tell a rise from noise: at least 20 are needed."


@pytest.mark.parametrize(
    ("name", "file"), [("lightning-csv", "metrics.csv"), ("huggingface-trainer", "trainer_state.json")]
)
def test_a_tools_own_folder_is_read_through_its_known_file(name, file, write_example):
    """A folder with metrics.csv or trainer_state.json stands for that file."""
    path = write_example(name)
    assert path.name == file
    assert read_log(path.parent).format == name


def test_unknown_json_is_refused_with_the_list_of_formats(tmp_path):
    """The error names every format that would be taken."""
    path = tmp_path / "x.json"
    path.write_text("[1, 2]")
    with pytest.raises(InputError) as caught:
        read_logs(path)
    assert str(caught.value) == (
        "A training log must be one of: TensorBoard event files, Lightning's metrics.csv, a Keras CSVLogger file, "
        "a CSV file with one row per epoch, Hugging Face's trainer_state.json, XGBoost's or LightGBM's evals_result as JSON, "
        f"a Keras History as JSON; {str(path)!r} is none of them."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "A training log must hold something; {path!r} is empty."),
        (b"epoch,loss\n0,\xff\n", "A training log must be UTF-8 text; byte 13 of {path!r} is not."),
        (b"epoch,loss\n0,\x00\n", "A training log must be text; {path!r} holds a zero byte."),
        (
            b'{"loss": [1,}',
            "A JSON log must be valid; {path!r} is not at line 1, column 13: Expecting value.",
        ),
        (
            b"[" * 100_000,
            "A JSON log must be a few levels of lists and numbers; {path!r} is nested too deep.",
        ),
        (b"epoch,a,a\n", "Column names of a CSV log must differ; {path!r} has 'a' twice."),
        (
            b"epoch,val_loss\n0\n",
            "Every row of a CSV log must have 2 cells like its header; row 2 of {path!r} has 1.",
        ),
        (
            b"epoch,val_loss\n0,0.5\n1,oops\n",
            "A metric must be a number; row 3 of {path!r} has 'oops' in column 'val_loss'.",
        ),
        (
            b"epoch,val_loss\n0,0.5\n?,0.5\n",
            "Every row of a CSV log must say its epoch; row 3 of {path!r} says '?'.",
        ),
        (b"epoch,val_loss\n", "A training log must hold at least one epoch; {path!r} has none."),
        (
            b'{"loss": [1, "x"]}',
            "A metric must be a number; {path!r} has 'x' at epoch 1 of 'loss'.",
        ),
        (
            b'{"log_history": [{"loss": 1}]}',
            "Every entry of `log_history` must say its epoch; entry 0 of {path!r} does not.",
        ),
        (
            b'{"log_history": [{"epoch": 1, "eval_loss": 1' + b"0" * 400 + b"}]}",
            "A metric must fit a 64-bit float; 'eval_loss' of {path!r} does not.",
        ),
        (
            b'{"loss": [1, 2], "val_loss": [1]}',
            "Every metric of a log must have one value per epoch; in {path!r} metric 'val_loss' has 1 for 2 epochs.",
        ),
    ],
)
def test_bad_files_are_refused_with_one_clear_message(content, message, tmp_path):
    """What is wrong, where, in one sentence."""
    path = tmp_path / "log.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_logs(path)
    assert str(caught.value) == message.format(path=str(path))


def test_a_missing_file_is_named(tmp_path):
    """The path is part of the message."""
    with pytest.raises(InputError) as caught:
        read_logs(tmp_path / "no.csv")
    assert str(caught.value) == f"A training log must exist; there is no {str(tmp_path / 'no.csv')!r}."


def test_a_folder_without_logs_is_named(tmp_path):
    """A folder without any known file says what was looked for."""
    with pytest.raises(InputError) as caught:
        read_logs(tmp_path)
    assert str(caught.value) == (
        f"A log folder must hold TensorBoard event files, metrics.csv or trainer_state.json; {str(tmp_path)!r} holds none."
    )


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    """The size limit is checked while reading."""
    monkeypatch.setattr("justright.logs.source.MAX_TEXT_BYTES", 1 << 20)
    path = tmp_path / "log.csv"
    path.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(InputError) as caught:
        read_logs(path)
    assert str(caught.value) == f"A training log must have at most 1 MiB; {str(path)!r} has more."


def test_an_empty_cell_and_a_logged_nan_are_told_apart(tmp_path):
    """An empty cell was not measured; 'nan' was, and left the numbers."""
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,0.5,NA\n1,nan,0.7\n")
    curves = read_log(path)
    assert curves.metrics["loss"].tolist() == [0.5, math.inf]
    assert math.isnan(curves.metrics["val_loss"][0])


def test_evaluation_sets_without_names_are_taken_in_order_and_said(tmp_path):
    """XGBoost's validation_0 and validation_1: by convention the first is the training table, which is noted."""
    path = tmp_path / "evals.json"
    path.write_text('{"validation_0": {"logloss": [0.6]}, "validation_1": {"logloss": [0.7]}}')
    curves = read_log(path)
    assert {name: values.tolist() for name, values in curves.metrics.items()} == {
        "logloss": [0.6],
        "val_logloss": [0.7],
    }
    assert curves.notes == (
        "No evaluation set is named 'train': the first, 'validation_0', was taken for it.",
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200), st.text(alphabet='epoch,valss_0123456789.\n"{}[]:- infNA', max_size=200)
    )
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content):
    """Hostile files end in curves or in an InputError, never in another exception."""
    path = tmp_path / "log"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with contextlib.suppress(InputError):
        assert all(len(curves.epochs) > 0 for curves in read_logs(path))


TOY = """
from justright.logs.points import LoggedRun, metric_name
from justright.logs.source import LogFormat


def read(source):
    lines = [line.split() for line in source.text.splitlines()[1:]]
    points = {}
    for epoch, metric, value in lines:
        points.setdefault(metric_name(metric), {})[float(epoch)] = float(value)
    return [LoggedRun(source.name, points)]


ABACUS = LogFormat("abacus", "an abacus log", read, lambda source: source.text.startswith("#abacus"), folder_file="beads.txt")
"""


@pytest.fixture(params=["entry", "plug-in"])
def toy_format(request, tmp_path, monkeypatch):
    """A format in a file of its own, listed by one more entry of the registry or by a plug-in."""
    (tmp_path / "abacus_logs.py").write_text(TOY + 'MEMBERS = {"log_formats": ("abacus_logs:ABACUS",)}\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "abacus_logs", raising=False)
    module = importlib.import_module("abacus_logs")
    if request.param == "entry":
        monkeypatch.setattr(registry, "FORMATS", (module.ABACUS, *registry.FORMATS))
    else:
        monkeypatch.setattr(plugins, "BUILT_IN", (*plugins.BUILT_IN, "abacus_logs"))
    forget_plugins()
    yield
    forget_plugins()


def forget_plugins():
    """Let the next registry that is read ask for its plug-ins again."""
    for function in (plugins.plugged_in, plugins._plugins, plugins._members):
        function.cache_clear()


@pytest.mark.usefixtures("toy_format")
def test_a_new_format_is_one_file_and_one_entry(tmp_path):
    """It is read from a file and from a folder, and every list of formats has it."""
    folder = tmp_path / "run"
    folder.mkdir()
    text = "#abacus\n0 loss 0.5\n0 val_loss 0.6\n1 val_loss 0.7\n"
    for path in (folder / "beads.txt", tmp_path / "any.name"):
        path.write_text(text)
    for path in (folder, folder / "beads.txt", tmp_path / "any.name"):
        curves = read_log(path)
        assert (curves.format, curves.metrics["val_loss"].tolist()) == ("abacus", [0.6, 0.7])
    (tmp_path / "x.json").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"^A training log must be one of: .*an abacus log.*; "):
        read_logs(tmp_path / "x.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"^A log folder must hold .*beads\.txt.*; "):
        read_logs(tmp_path / "empty")
    assert "an abacus log" in registry.format_summaries()


def test_help_and_documentation_list_every_format():
    """`justright diagnose --help` takes its list from the registry, and the page of commands takes the help."""
    page = " ".join((Path(__file__).parents[2] / "docs" / "command-line.md").read_text().split())
    for text in (" ".join(diagnose_command.__doc__.split()), page):
        assert registry.format_summaries() in text
