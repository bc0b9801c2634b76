"""The planned chance of a study to decide, against the plan and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.power import chance_to_decide
from justright.statistics.crossed import Crossed, crossed
from justright.statistics.intervals import mean_interval
from justright.statistics.sample_size import POWER, required_seeds_or_rows


def test_the_chance_to_decide_reaches_80_percent_where_the_plan_ends():
    """Plan and chance are one arithmetic: one seed less than asked for is not enough."""
    table = Crossed(np.full(4, 0.1), np.full(200, 0.1), 200 * 0.15**2 + 0.09, 0.09, 0.09)
    seeds = 4 + (required_seeds_or_rows(table, 0.0).more_seeds or 0)
    enough, short = (chance_to_decide(table, 0.1, seeds=count, rows=200) for count in (seeds, seeds - 1))
    assert short < POWER <= enough


@pytest.mark.parametrize("seeds", [1, 5, 12])
def test_the_chance_to_decide_is_the_share_of_simulated_studies_that_decide(seeds):
    """400 simulated studies; a tenth is allowed for Monte Carlo error and for half-widths that are not their mean."""
    rng = np.random.default_rng(seeds)
    seed_deviation, rows, distance = 0.1 if seeds > 1 else 0.0, 300, 0.12

    def study(count: int, size: int) -> np.ndarray:
        between = seed_deviation * rng.normal(size=(count, 1)) + 0.3 * rng.normal(size=(1, size))
        return distance + between + 0.5 * rng.normal(size=(count, size))

    planned = chance_to_decide(crossed(study(200, 3_000)), distance, seeds=seeds, rows=rows)
    found = np.mean([mean_interval(study(seeds, rows)).is_above(0.0) for _ in range(400)])
    assert found == pytest.approx(planned, abs=0.1)


def test_what_has_no_spread_is_decided_or_not():
    """All values are the same: any distance is far enough, none is not."""
    table = crossed(np.zeros((3, 10)))
    assert [chance_to_decide(table, far, seeds=3, rows=10) for far in (0.0, 0.1)] == [0.0, 1.0]
