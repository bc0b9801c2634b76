"""How large an effect has to be for a study to find it, beside how often the plan says that it would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from benchmarks.calibration.studies import SIZES, VARIANTS, DrawnStudy
from benchmarks.calibration.worlds import Rivals, Trained
from justright.diagnosis.judge import Judgement
from justright.runs.margin import default_margin
from justright.statistics.crossed import Crossed, crossed
from justright.statistics.intervals import interval_of
from justright.statistics.sample_size import expected_errors

POWER_AT = (1, 2, 5)  # effects in margins
COMPONENT_ROWS = 10_000  # of the pool, for variance components: right to 1.5 %

Key = tuple[str, str, str]  # kind of effect, what is worse, what is better
KEYS: tuple[Key, ...] = (
    *(("rise", name, name) for name in VARIANTS),
    *(("gain", small, large) for at, small in enumerate(SIZES) for large in SIZES[at + 1 :]),
    *(("effect", baseline, name) for name, (_, baseline) in VARIANTS.items() if baseline),
)


class WorldPower:
    """What a world must tell to say what a study in it can find.

    Args:
        trained: all seeds of every variant.
        rivals: the constant prediction and the teacher.
    """

    def __init__(self, trained: Mapping[str, Trained], rivals: Rivals) -> None:
        self.margin = default_margin(float(rivals.constant.mean()), rivals.true_teacher)
        seeds, pool = next(iter(trained.values())).best.shape
        every = np.arange(seeds), np.arange(min(COMPONENT_ROWS, pool))
        self.keys = tuple(key for key in KEYS if key[1] in trained and key[2] in trained)
        self.tables = {key: crossed(_differences(trained, key, *every)) for key in self.keys}
        self.planned: dict[tuple[int, int], dict[Key, list[float]]] = {}

    def records(self, study: DrawnStudy, judgement: Judgement) -> list[dict[str, Any]]:
        """Return, for each effect, how large it would have to be to be seen, and the planned chances at 0, 1, 2, 4 and 5.

        A true effect that were larger by a constant would move its interval by that constant and leave its width. So
        the interval excludes 0 from an effect of `truth - low` on, and lies beyond the margin from one margin more on.
        """
        intervals = _intervals(judgement)
        planned = self._planned(study, intervals)
        return [
            {
                "kind": key[0],
                "needs": (study.true_effect(*key) - intervals[key][0]) / self.margin,
                "planned": planned[key],
                "spread": float(np.sqrt(self.tables[key].components[0])) / self.margin,
            }
            for key in self.keys
        ]

    def _planned(
        self, study: DrawnStudy, intervals: Mapping[Key, tuple[float, float]]
    ) -> dict[Key, dict[str, float]]:
        """Return the chance to see an effect of so many margins; computed once per design, as are the widenings."""
        seeds, rows = design = len(study.seeds), len(study.rows)
        if design not in self.planned:
            self.planned[design] = {}
            for key in self.keys:
                low, high = intervals[key]
                alone = interval_of(crossed(_differences(study.trained, key, study.seeds, study.rows)))
                width = alone.high - alone.low
                widening = (high - low) / width if width else 1.0
                self.planned[design][key] = {
                    str(size): chance_to_decide(
                        self.tables[key], size * self.margin, seeds=seeds, rows=rows, widening=widening
                    )
                    for size in {each - less for each in POWER_AT for less in (0, 1)}
                }
        return self.planned[design]


def chance_to_decide(
    table: Crossed, distance: float, *, seeds: int, rows: int, widening: float = 1.0
) -> float:
    """Return how probably the interval of a study of `seeds` x `rows` excludes a value `distance` from the true mean.

    By the arithmetic of `required_seeds_or_rows`: the variance components are those of `table`, and the half-width is
    taken to be its expected one.
    """
    half, error = expected_errors(table, seeds=seeds, rows=rows)
    room = distance - half * widening
    return float(special.ndtr(room / error)) if error else float(room > 0)


def _differences(trained: Mapping[str, Trained], key: Key, seeds: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return (seeds, rows) of an effect: positive where it is one."""
    kind, worse, better = key
    cells = np.ix_(seeds, rows)
    losses = trained[worse].last if kind == "rise" else trained[worse].best
    return losses[cells].astype(np.float64) - trained[better].best[cells]


def _intervals(judgement: Judgement) -> dict[Key, tuple[float, float]]:
    """Return the interval of every effect as the study reports it, positive where it is one."""
    found = {}
    for one in judgement.verdicts:
        found["rise", one.variant, one.variant] = one.rise.low, one.rise.high
        for each in one.found.variants:
            found["gain", one.variant, each.name] = each.gain.low, each.gain.high
    for effect in judgement.effects:
        found["effect", effect.baseline, effect.remedy] = -effect.high, -effect.low
    return found
