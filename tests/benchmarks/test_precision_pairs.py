"""`benchmarks.precision`: pairs of runs that differ in their precision alone, and whether their losses are equivalent."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import stats

from benchmarks import precision
from benchmarks.higgs_rows import tutorial_split
from benchmarks.precision import LARGEST_DIFFERENCE, compared, read_losses, rows_of
from justright.workers import accelerators


@pytest.mark.parametrize("shift", [0.0, 0.0028, 0.0031, -0.0028, -0.0031])
def test_networks_are_equivalent_if_two_one_sided_tests_say_so(shift) -> None:
    """SciPy's tests are the oracle: the difference is above the lower limit, and below the upper one."""
    first = np.random.default_rng(0).normal(0.6, 0.01, 8)
    second = first + np.random.default_rng(1).normal(shift, 0.0002, 8)
    limit, level = LARGEST_DIFFERENCE["narrow"], (1 - precision.COVERAGE) / 2
    tests = (
        stats.ttest_1samp(second - first, -limit, alternative="greater"),
        stats.ttest_1samp(second - first, limit, alternative="less"),
    )
    is_equivalent = max(test.pvalue for test in tests) <= level
    assert is_equivalent == (abs(shift) < limit)
    assert compared(first, second, limit)[-1] == ("yes, within 0.003" if is_equivalent else "not shown")


def test_pairs_are_those_seeds_that_ended_in_both_precisions() -> None:
    """Each precision is compared with float32; with fewer than two pairs there is no interval."""
    values = {seed: (0.5 + seed / 100, 0.6) for seed in range(1, 5)}
    losses = {
        ("Tiny", "float32"): values,
        ("Tiny", "tensorfloat32"): {seed: values[seed] for seed in (1, 2, 3)},
        ("Tiny", "bfloat16"): {1: values[1], 9: (0.1, 0.1)},
        ("Large", "bfloat16"): values,
    }
    same = "the same, bit by bit", "yes, within 0.003"
    assert list(rows_of(losses)) == [
        ("Tiny", "tensorfloat32", "3", "validation", "0.5200", "0.5200", "+0.00000", *same),
        ("Tiny", "tensorfloat32", "3", "test", "0.6000", "0.6000", "+0.00000", *same),
    ]


def test_without_real_rows_the_packaged_tables_other_rows_measure() -> None:
    """They are none of the tutorial's."""
    split = tutorial_split(None)
    assert split.sizes == {"train": 10_000, "validation": 1_000, "test": 13_000}
    assert not {*split.test} & {*split.train, *split.validation}


def test_a_pair_trained_as_on_an_accelerator_differs_by_rounding_alone(tmp_path, monkeypatch, capsys) -> None:
    """Initial weights and orders are the same, and Medium has products that are wide enough for bfloat16."""
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")  # put back afterwards, like the three that follow
    for name in ("may_have_accelerators", "_answer", "_asked"):
        monkeypatch.setattr(accelerators, name, getattr(accelerators, name))
    split = tutorial_split(None).table.split(10, train=100, test=50, order="head")
    monkeypatch.setattr(precision, "tutorial_split", lambda higgs: split)
    words = (
        f"train --out {tmp_path} --together --variants Medium --seeds 2 --max-epochs 1 --workers 1 --quiet"
    )
    monkeypatch.setattr(sys, "argv", ["precision", *words.split()])
    precision.main()
    losses = read_losses(tmp_path)
    assert losses.keys() == {("Medium", "float32"), ("Medium", "bfloat16")}
    first, second = (
        np.array([losses["Medium", name][seed] for seed in (1, 2)]) for name in ("float32", "bfloat16")
    )
    assert 0 < np.abs(first - second).max() < np.abs(first[0] - first[1]).min() / 10
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "narrow: the packaged, simulated table; the processor, as an accelerator; runs ended: 4 of 4"
    )
    assert [line.split("|")[1:5] for line in said[3:]] == [
        [" Medium  ", "  bfloat16 ", "     2 ", " validation "],
        [" Medium  ", "  bfloat16 ", "     2 ", "       test "],
    ]
