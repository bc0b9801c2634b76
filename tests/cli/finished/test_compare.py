"""`justright compare`: its forms of output, and what it refuses."""

from __future__ import annotations

import json

import pytest

import justright as jr
from benchmarks.scaling import Study, build_folder
from justright.cli.main import main


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two studies that have not been judged; treat them as read-only."""
    root = tmp_path_factory.mktemp("compared")
    for name in "ab":
        build_folder(root / name, Study(variants=1, rows=20))
    return str(root / "a"), str(root / "b")


def run(*arguments):
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["compare", *arguments])
    return caught.value.code


def test_each_form_is_that_of_the_library(folders, capsys):
    """JSON and Markdown are alone on standard output."""
    found = jr.compare(folders)
    assert run(*folders, "--json") == 0
    assert json.loads(capsys.readouterr().out) == found.to_dict()
    assert run(*folders, "--markdown") == 0
    assert capsys.readouterr().out == found.markdown()
    assert run(*folders, "--metric", "accuracy") == 0
    text = capsys.readouterr().out
    assert text.count("undecided") == 2
    assert "Accuracy on test rows with 95 % intervals." in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--json", "--markdown"],
            "Standard output takes one form; got --json and --markdown. Choose one of them.",
        ),
        (["--metric", "f2"], "`metric` must be one of 'binary_crossentropy',"),
    ],
)
def test_what_cannot_be_is_refused(folders, options, message, capsys):
    """With exit code 2 and nothing on standard output."""
    assert run(*folders, *options) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"justright: {message}")
