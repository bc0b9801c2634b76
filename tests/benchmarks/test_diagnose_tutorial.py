"""`diagnose` and a study say the same of the same curves, whichever way these are written."""

from __future__ import annotations

import pytest

import justright as jr
from benchmarks.diagnose.readers_answers import OVERFITS
from benchmarks.diagnose.tutorial import FORMS, compare_study, print_tutorial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small study of the packaged table: one network learns 100 rows by heart, one has hardly begun to learn."""
    split = jr.read_table("higgs-sim", rows=1_600).split(validation=500, train=100, test=1_000, order="head")
    variants = {"Greedy": jr.mlp(128, 128), "Slow": jr.mlp(4)}
    recipe = jr.Recipe(batch_size=10, max_epochs=40, patience=40)
    path = tmp_path_factory.mktemp("tutorial") / "study"
    study = jr.Study(split, variants, recipe, seeds=1, reference=False, neighbours=False)
    study.run(path, workers=1, keep_workers=True)
    return path


@pytest.fixture(scope="module")
def compared(folder, tmp_path_factory):
    """Variant -> what both say."""
    return {one.variant: one for one in compare_study(folder, tmp_path_factory.mktemp("logs"))}


def test_all_three_forms_of_a_run_have_one_label(compared):
    """TensorBoard's single precision, CSV and JSON change no answer."""
    assert all(one.forms_agree for one in compared.values())
    assert all({*one.labels} == {*FORMS} for one in compared.values())


def test_a_network_whose_end_is_worse_overfits(compared):
    """By the study, over test rows, and by its validation curve."""
    greedy = compared["Greedy"]
    assert greedy.end[0] == "rises"
    assert {*greedy.labels[FORMS[0]], greedy.pooled} <= OVERFITS


def test_nothing_is_denied(compared):
    """No run overfits whose study excludes a rise, and the other way round."""
    assert sum(one.denials for one in compared.values()) == 0


def test_the_comparison_is_printed(folder, capsys):
    """A line for each variant, and the sum."""
    print_tutorial(folder)
    said = capsys.readouterr().out
    assert said.count("\n| Greedy ") == said.count("\n| Slow ") == 1
    assert "0 of 2 runs deny what the study says of their end." in said
    assert "All three forms say the same of each run." in said
