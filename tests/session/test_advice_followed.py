"""From a real study to what its verdicts name: the command that decides, and the longer training that helps."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

import justright as jr
from justright.cli.main import main
from justright.report.html import render_html

pytestmark = pytest.mark.usefixtures("shared_workers")

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
# Trained until nothing is left to gain by epochs, with a network on either side of Small.
ENOUGH = """
[variants.Smaller]
family = "mlp"
units = []

[variants.Large]
family = "mlp"
units = [16]
"""
RECIPE = """
batch_size = 50
max_epochs = 80
patience = 15
optimizer = {class_name = "Adam", config = {learning_rate = 0.02}}
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
    study = STUDY.replace("batch_size = 50\nmax_epochs = 4\n", RECIPE).replace(
        "margin = 0.02", "margin = 0.03"
    )
    (tmp_path / "study.toml").write_text(study + ENOUGH)
    printed, first = run("justright run --study study.toml --out out", capsys)
    found = re.search(r"^- Small: (justright run .* --seeds (\d+))$", printed, re.MULTILINE)
    assert found, printed
    count = int(found[2])
    assert seeds_of(first, "Small") == {0, 5}
    _, second = run(found[1], capsys)
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


@pytest.mark.slow
def test_the_call_that_a_study_of_rows_in_memory_names_does_what_it_says(tmp_path, monkeypatch):
    """No command can read them again: the user's own study goes on, with all that the folder holds."""
    monkeypatch.chdir(tmp_path)
    write_tables()
    rows = np.loadtxt("rows.csv", delimiter=",", skiprows=1)
    table = jr.read_table({name: rows[:, place] for place, name in enumerate("abcy")}, target="y")
    split = table.split(validation=60, train=200, test=100, order="head")
    recipe = jr.Recipe(batch_size=50, max_epochs=4)
    networks = {"Small": jr.mlp(4), "Large": jr.mlp(16)}
    study, small = (
        jr.Study(split, chosen, recipe, seeds=1, reference=False, neighbours=False)
        for chosen in (networks, {"Small": jr.mlp(4)})
    )
    options = {"progress": False, "workers": 1, "report": False, "keep_workers": True}
    first = study.run("out", **options)
    verdict = first.result["variants"][0]["verdict"]
    assert verdict["action"]["command"] == 'study.run("DIR", max_epochs=40)'
    page = render_html(first.summary | {"folder": "out"}).replace("&#34;", '"')
    assert 'Train longer: study.run("out", max_epochs=40).' in page
    assert "justright run" not in json.dumps(first.summary)
    # All that the folder holds grows, though this study itself knows one network.
    more = small.run("out", seeds=2, max_epochs=6, test="more.csv", **options)
    runs = {one["name"]: [run["epochs"] for run in one["runs"]] for one in more.result["variants"]}
    assert runs == {"Small": [6, 6], "Large": [6, 6]}
    assert more.result["rows"]["test"] == 800


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"seeds": 2},
            "Options that add to a study, such as `seeds`, need a folder that holds one; 'out' does not. Run the study there without them first.",
        ),
        (
            {"study": "remedies"},
            "`study` must come with the network that it is about; got 'remedies' alone. Give its name as `of`.",
        ),
        (
            {"of": "Small"},
            (
                "`--of` names the network of a study about one, --study remedies or neighbours; got --study quick. Give both, or "
                "leave it out."
            ),
        ),
    ],
)
def test_what_cannot_be_added_to_a_study_is_said(tmp_path, monkeypatch, given, message):
    """Before anything trains."""
    monkeypatch.chdir(tmp_path)
    write_tables()
    split = jr.read_table("rows.csv", target="y").split(validation=60, train=200)
    assert (
        refusal(
            jr.Study(split, {"Small": jr.mlp(4)}).run, "out", progress=False, **given, error=jr.JustrightError
        )
        == message
    )
