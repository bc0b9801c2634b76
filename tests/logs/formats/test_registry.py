"""Every registered log format reads to the same curves."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright import plugins
from justright.cli.diagnose import diagnose as diagnose_command
from justright.errors import InputError
from justright.logs.formats import registry
from justright.logs.formats.registry import FORMATS, read_logs

TRAIN = (0.70, 0.60, 0.50)
VALIDATION = (0.72, 0.65, 0.66)


def test_every_example_gives_the_same_curves(write_example, example_names):
    """The three epochs written by hand come back as training and validation, whatever tool wrote them."""
    for name in example_names:
        (run,) = read_logs(write_example(name)).curves
        assert run.format == name
        found = {curve.role: curve.values for curve in run.curves if curve.is_loss}
        # Event files hold float32 values: 1e-7 relative is their rounding.
        np.testing.assert_allclose(found["train"], TRAIN, rtol=1e-7)
        evaluated = found["validation"] if "validation" in found else found["test"]
        np.testing.assert_allclose(evaluated, VALIDATION, rtol=1e-7)


def test_names_of_formats_differ():
    """They are what curves and JSON say of a log."""
    names = [one.name for one in FORMATS]
    assert sorted(names) == sorted(set(names))


def test_a_file_of_no_format_is_refused_with_their_list(tmp_path, monkeypatch):
    """The error names every format that would be taken, but those that are known only to be refused."""
    named = [one for one in FORMATS if one.name in ("keras-csv", "wandb-summary", "huggingface-trainer")]
    monkeypatch.setattr(registry, "FORMATS", tuple(named))
    path = tmp_path / "story.json"
    path.write_text('["once upon a time", "there was a loss"]')
    assert refusal(read_logs, path) == (
        "A training log must be one of: a Keras CSVLogger file, Hugging Face's trainer_state.json; "
        f"{str(path)!r} is none of them."
    )


def test_a_missing_file_is_named(tmp_path):
    """The path is part of the message."""
    assert (
        refusal(read_logs, tmp_path / "no.csv")
        == f"A training log must exist; there is no {str(tmp_path / 'no.csv')!r}."
    )


def test_an_aim_repository_is_named_and_how_to_export_it(tmp_path):
    """Its database needs Aim's own library."""
    (tmp_path / ".aim").mkdir()
    with pytest.raises(InputError) as caught:
        read_logs(tmp_path)
    assert str(caught.value) == (
        f"A log folder must hold logs that other programs can read; {str(tmp_path)!r} is an Aim repository, whose database only "
        "Aim reads. Export its metrics with Aim's Python library to a CSV file with a row per value: name, context, step and value."
    )


def test_a_folder_without_logs_is_named(tmp_path):
    """A folder without any known file says what was looked for."""
    with pytest.raises(InputError) as caught:
        read_logs(tmp_path)
    message = str(caught.value)
    assert message.startswith("A log folder must hold ")
    assert message.endswith(f" or another log as text; {str(tmp_path)!r} holds none.")
    assert "TensorBoard event files" in message


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    """The size limit is checked while reading."""
    monkeypatch.setattr("justright.logs.source.MAX_TEXT_BYTES", 1 << 20)
    path = tmp_path / "log.csv"
    path.write_bytes(b"x" * ((1 << 20) + 1))
    assert refusal(read_logs, path) == f"A training log must have at most 1 MiB; {str(path)!r} has more."


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
        assert all(any(len(curve.at) for curve in run.curves) for run in read_logs(path).curves)


TOY = """
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat


def read(source):
    text = source.text or source.files[0].read_text()
    series = {}
    for epoch, metric, value in (line.split() for line in text.splitlines()[1:]):
        one = series.setdefault(metric, Series(metric, [], []))
        one.at.append(float(epoch))
        one.values.append(float(value))
    return [LoggedRun(source.name, list(series.values()))]


ABACUS = LogFormat(
    "abacus",
    "an abacus log",
    read,
    lambda source: source.text.startswith("#abacus"),
    folder_files=lambda folder: tuple(folder.glob("beads.txt")),
)
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
        (run,) = read_logs(path).curves
        assert run.format == "abacus"
        assert [curve.values.tolist() for curve in run.curves if curve.written == "val_loss"] == [[0.6, 0.7]]
    assert "an abacus log" in registry.format_summaries()


def test_help_and_documentation_list_every_format():
    """`justright diagnose --help` takes its list from the registry, and the page of commands takes the help."""
    page = " ".join((Path(__file__).parents[3] / "docs" / "command-line.md").read_text().split())
    for text in (" ".join(diagnose_command.__doc__.split()), page):
        assert registry.format_summaries() in text
