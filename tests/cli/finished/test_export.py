"""`justright export`: what it passes on, and what it prints."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from justright.cli.main import command_line
from justright.errors import InputError
from justright.session import result as results


@pytest.fixture
def asked(monkeypatch) -> list:
    """Stands in for a study: it records what is to be exported, and names two files."""
    calls: list = []

    def export(*given, **options):
        calls.append((*given, options))
        return Path("out/a.onnx"), Path("out/a.plan.json")

    monkeypatch.setattr(results, "open_result", lambda folder: SimpleNamespace(export=export))
    return calls


def export(*arguments: str) -> Result:
    """Run the command on the stand-in."""
    return CliRunner().invoke(command_line(), ["export", "runs/x", *arguments])


def test_the_files_written_are_printed(asked) -> None:
    """One a line; every option is passed on."""
    done = export("Tiny", "-o", "out/a.onnx")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "out/a.onnx\nout/a.plan.json\n", "")
    export("Tiny", "--out", "a", "--as", "onnx", "--seed", "3", "--trust")
    assert asked == [
        ("Tiny", Path("out/a.onnx"), {"kind": None, "seed": None, "trust": False}),
        ("Tiny", Path("a"), {"kind": "onnx", "seed": 3, "trust": True}),
    ]


def test_bad_input_is_one_message(monkeypatch) -> None:
    """And exit code 2."""

    def refuse(*given, **options):
        raise InputError("No.")

    monkeypatch.setattr(results, "open_result", lambda folder: SimpleNamespace(export=refuse))
    done = export("Tiny", "-o", "a.onnx")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", "justright: No.\n")
