"""Logs of any values, however odd, come out in every form: at random, since nobody thinks of all that a log can hold."""

from __future__ import annotations

import io

import numpy as np
import pytest

from justright.logs.log_curves import Curve, LogCurves
from justright.report.logs.log_markdown import render_log_markdown
from justright.report.logs.log_page import render_log_html
from justright.report.logs.log_plot import log_figure
from justright.report.logs.shown_curves import panels, training_curves
from justright.report.terminal.log_report import print_readings
from justright.report.terminal.terminal import Terminal
from justright.session.reading import reading_of

DIRECTIONS = {"loss": "less", "accuracy": "more", "throughput": None}


def odd_values(rng, points):
    """Return values of any size, constant or not, some of them no numbers."""
    values = rng.normal(size=points) * 10.0 ** rng.integers(-300, 300)
    if rng.random() < 0.2:
        values[:] = values[0]
    is_odd = rng.random(points) < rng.choice([0.0, 0.1, 1.0], p=[0.6, 0.3, 0.1])
    values[is_odd] = rng.choice([np.nan, np.inf, -np.inf], is_odd.sum())
    return values


def odd_log(seed):
    """Return curves of some of three metrics on some of three sets of rows."""
    rng = np.random.default_rng(seed)
    points = int(rng.choice([1, 2, 5, 30]))
    at = np.cumsum(rng.exponential(size=points)) * 10.0 ** rng.integers(-3, 7)
    curves = [
        Curve(f"{role}_{metric}", metric, role, "", at, odd_values(rng, points), direction, metric == "loss")
        for role in ("train", "validation", "test")
        for metric, direction in DIRECTIONS.items()
        if rng.random() < 0.5
    ]
    return LogCurves("odd", "csv", tuple(curves), "step", {1.0: 0.5, 100.0: 3.0})


@pytest.mark.parametrize("seed", range(40))
def test_every_output_takes_every_log(seed):
    """Neither an exception nor a warning, which are errors here; and each output says the label."""
    (run,) = reading_of([odd_log(seed)]).runs
    file = io.StringIO()
    print_readings(Terminal(file, width=60), [run])
    for text in (file.getvalue(), render_log_html([run]), render_log_markdown([run])):
        assert run.label in text
    if list(panels(run)) or (not run.sets and list(training_curves(run))):
        log_figure(run)
