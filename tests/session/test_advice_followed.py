"""From a real study to what its verdicts name: the command that decides, and the longer training that helps."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from justright.cli.main import main

STUDY = """
schema_version = 1
seeds = [0, 5]
reference = false
margin = 0.02

[table]
source = "rows.csv"
target = "y"

[split]
validation = 60
train = 200
order = "head"

[recipe]
batch_size = 50
max_epochs = 4

[variants.Small]
family = "mlp"
units = [4]
"""
LARGE = """
[variants.Large]
family = "mlp"
units = [16]
"""
LONGER = """
[variants.Longer]
family = "mlp"
units = [4]
baseline = "Small"
change = "longer training"

[variants.Longer.recipe]
batch_size = 50
max_epochs = 120
"""


def write_tables() -> None:
    """Write 600 rows to learn, choose and measure, and 800 others that measure; class by one of three features."""
    random = np.random.default_rng(0)
    x = random.normal(size=(1_400, 3))
    y = x[:, 0] + 0.5 * random.normal(size=len(x)) > 0
    for name, part in (("rows.csv", slice(0, 600)), ("more.csv", slice(600, None))):
        np.savetxt(name, np.column_stack([x, y])[part], "%.5g", ",", header="a,b,c,y", comments="")


def run(command, capsys):
    """Return what a command printed, and its result."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*shlex.split(command)[1:], "--quiet", "--workers", "1"])
    return capsys.readouterr().out, json.loads(Path("out/result.json").read_text(encoding="utf-8"))


def seeds_of(result, name):
    """Return the seeds of a variant's runs."""
    runs = next(item["runs"] for item in result["variants"] if item["name"] == name)
    return {one["seed"] for one in runs}


@pytest.mark.slow
def test_the_command_that_an_undecided_verdict_names_adds_what_it_names(tmp_path, monkeypatch, capsys):
    """As printed: first more seeds in all than the study file lists, then other test rows."""
    monkeypatch.chdir(tmp_path)
    write_tables()
    (tmp_path / "study.toml").write_text(STUDY + LARGE)
    printed, first = run("justright run --study study.toml --out out", capsys)
    found = re.search(r"Small would probably be decided by (\d+) seeds in all: (justright .*)\.", printed)
    assert found, printed
    count = int(found[1])
    assert seeds_of(first, "Small") == {0, 5}
    _, second = run(found[2], capsys)
    assert seeds_of(second, "Small") == seeds_of(second, "Large") == {0, 5, *range(1, count - 1)}
    _, third = run("justright run --out out --test more.csv", capsys)
    assert (first["rows"]["test"], third["rows"]["test"]) == (340, 800)
    assert seeds_of(third, "Small") == seeds_of(second, "Small")


@pytest.mark.slow
def test_longer_training_that_was_measured_is_what_the_verdict_names(tmp_path, monkeypatch, capsys):
    """4 epochs are too few: the same network with 120, seed by seed, is better by far more than the margin."""
    monkeypatch.chdir(tmp_path)
    write_tables()
    (tmp_path / "study.toml").write_text(STUDY.replace("[0, 5]", "[0, 1, 2]") + LONGER)
    _, result = run("justright run --study study.toml --out out", capsys)
    verdict = next(item["verdict"] for item in result["variants"] if item["name"] == "Small")
    assert verdict["label"] == "underfits"
    assert verdict["reasons"][0].startswith("It has learned nothing: its test loss is ")
    assert verdict["reasons"][1].startswith("With longer training (Longer) the test loss is 0.")
