"""The tables of `benchmarks.gpu`, from its lines of JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.gpu.trials import CONTENDERS, TARGETS, Trial, read_trial
from benchmarks.higgs_rows import TRAIN_ROWS, VALIDATION_ROWS
from benchmarks.peers.case import BATCH_ROWS, FEATURES, NETWORKS, count_parameters
from benchmarks.printing import print_table

Line = dict[str, Any]

LARGE_UNITS = 512  # from this width on, the device's rates are what limits
# Adam reads and writes each weight and its two moments in every step, at least: four bytes each.
ADAM_BYTES = 2 * 3 * 4
HEADINGS = (
    *("contender", "lanes", "precision", "ms per epoch and run", "min", "max", "target"),
    *("/ keras.fit", "/ PyTorch", "/ PyTorch, same lanes", "products", "memory", "device busy"),
)
SIDE_HEADINGS = (
    *("contender", "lanes", "precision", "start-up s", "compile s", "best validation loss"),
    *("stack", "clock MHz", "W"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A trial's reports, one per repeat."""

    trial: Trial
    reports: list[Line]

    @property
    def contender(self) -> str:
        return CONTENDERS[self.trial.contender].name

    @property
    def milliseconds(self) -> float:
        return statistics.median(self.values("milliseconds"))

    def values(self, key: str) -> list[float]:
        return [report[key] for report in self.reports if key in report]

    def median(self, key: str, form: str) -> str:
        """Return the median as text; empty where nothing was measured."""
        values = self.values(key)
        return format(statistics.median(values), form) if values else ""


def print_tables(lines: list[Line]) -> None:
    """Print what was measured, network by network: speeds, what else there is to say, and what failed."""
    machine = next((line["machine"] for line in lines if "machine" in line), {})
    rates = next((line for line in lines if line.get("trial") == "rates" and "error" not in line), {})
    trials = [line for line in lines if "/" in line.get("trial", "")]
    print(f"\n{describe(machine, rates, trials)}")
    measured = collect(line for line in trials if "error" not in line)
    for network in dict.fromkeys(one.trial.network for one in measured):
        alike = [one for one in measured if one.trial.network == network]
        print(f"\n## {network}\n")
        print_table(HEADINGS, speed_rows(alike, rates))
        print()
        print_table(SIDE_HEADINGS, side_rows(alike))
    for line in lines:
        if "error" in line:
            print(f"\n{line['trial']} did not run: {' '.join(line['error'].split())}")


def describe(machine: Line, rates: Line, trials: list[Line]) -> str:
    """Return where and how it was measured."""
    found: dict[str, str] = {}
    for line in (rates, *trials):
        found |= line.get("versions", {})
    said = f"{rates.get('name', machine.get('device'))}; {machine.get('processor')}, {machine.get('cores')} processors; "
    said += f"{machine.get('rows')} rows: {TRAIN_ROWS:,} train, {VALIDATION_ROWS:,} validate; batch {BATCH_ROWS}; "
    said += ", ".join(f"{package} {number}" for package, number in sorted(found.items())) + "."
    if rates:
        products = ", ".join(f"{name} {flop / 1e12:.4g}" for name, flop in rates["flop_per_second"].items())
        said += f"\nThe device's rates: products {products} TFLOP/s; memory {rates['bytes_per_second'] / 1e12:.3g} TB/s."
    return said


def collect(lines: Iterable[Line]) -> list[Measured]:
    """Return the measurements trial by trial, in the order of their first ones."""
    reports: dict[Trial, list[Line]] = {}
    for line in lines:
        reports.setdefault(read_trial(line["trial"]), []).append(line)
    return [Measured(trial, found) for trial, found in reports.items()]


def speed_rows(measured: list[Measured], rates: Line) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each trial of one network; ratios say how many times longer the other takes.

    The others are keras.fit with 20 steps per execution; the fastest PyTorch that trains one run at a time, in any
    precision; and the fastest with as many lanes in the same precision.
    """
    keras = fastest(one for one in measured if one.trial.contender == "keras-20")
    torch = [one for one in measured if one.trial.contender.startswith("torch")]
    single = fastest(one for one in torch if one.trial.lanes == 1)
    for one in measured:
        trial, took = one.trial, one.milliseconds
        alike = fastest(
            other
            for other in torch
            if (other.trial.lanes, other.trial.precision) == (trial.lanes, trial.precision)
        )
        target = TARGETS.get((trial.network, trial.lanes, trial.precision))
        is_ours = CONTENDERS[trial.contender].is_ours
        yield (
            one.contender,
            str(trial.lanes),
            trial.precision,
            f"{took:.3g}",
            f"{min(one.values('milliseconds')):.3g}",
            f"{max(one.values('milliseconds')):.3g}",
            f"{target:.3g} {'met' if took <= target else 'missed'}" if target and is_ours else "",
            *(f"{other / took:.3g}x" if other else "" for other in (keras, single, alike)),
            *shares(trial, took, rates),
            one.median("busy_percent", ".0f") + "%" if one.values("busy_percent") else "",
        )


def fastest(measured: Iterable[Measured]) -> float | None:
    return min((one.milliseconds for one in measured), default=None)


def shares(trial: Trial, milliseconds: float, rates: Line) -> tuple[str, str]:
    """Return which shares of the device's rates an epoch's matrix products, and Adam's least traffic, take."""
    network = NETWORKS[trial.network]
    if not rates or network.units[0] < LARGE_UNITS:
        return "", ""
    flop = network.multiplications_flop(TRAIN_ROWS, VALIDATION_ROWS)
    product_rate = rates["flop_per_second"][trial.precision]
    steps = TRAIN_ROWS // BATCH_ROWS
    traffic = ADAM_BYTES * count_parameters(network.units, FEATURES) * steps
    seconds = milliseconds / 1000
    return f"{flop / seconds / product_rate:.0%}", f"{traffic / seconds / rates['bytes_per_second']:.0%}"


def side_rows(measured: list[Measured]) -> Iterator[tuple[str, ...]]:
    """Yield start-up, compilation, and what else tells whether the same thing was trained in the same state of the device.

    `stack` is how many runs one program of justright trained.
    """
    for one in measured:
        yield (
            one.contender,
            str(one.trial.lanes),
            one.trial.precision,
            one.median("startup_seconds", ".1f"),
            one.median("compile_seconds", ".1f"),
            one.median("validation_loss", ".3f"),
            one.median("stack_lanes", ".0f"),
            one.median("clock_mhz", ".0f"),
            one.median("power_watts", ".0f"),
        )
