"""`compare`: several study folders side by side, and how the best networks of any two of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from justright.data.table import MEMORY_SOURCE
from justright.diagnosis.between_studies import StudyDifference, StudyNetwork, differences_between
from justright.diagnosis.measured import measure_study
from justright.diagnosis.scores.metric_list import metrics_of
from justright.errors import InputError, check_one_of
from justright.records.faults import content_faults
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.report.summary import measuring_rows
from justright.runs.plain import plain
from justright.session.counted_rows import WEIGHTS
from justright.session.outputs import collect_evidence
from justright.session.result import Result
from justright.session.row_outputs import TARGETS, MeasuringRows, Part
from justright.statistics.crossed import Floats

if TYPE_CHECKING:
    import polars as pl

MOST_FOLDERS = 50  # any two are compared
MOST_CLASSES = 5  # named in a message
# What of a table's description says which rows it has, as far as targets do not.
TABLE_KEYS = ("source", "location", "target")


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Several studies side by side.

    Args:
        values: what was compared, as plain values.
    """

    values: Mapping[str, Any]

    @property
    def table(self) -> pl.DataFrame:
        """One row per folder and network: rows, seeds, the metric with its 95 % interval on the rows that measure, and verdict."""
        import polars as pl

        schema: dict[str, Any] = {
            "folder": pl.String,
            "variant": pl.String,
            "is_best": pl.Boolean,
            "parameters": pl.Int64,
            "train_rows": pl.Int64,
            "measuring_rows": pl.Int64,
            "seeds": pl.Int64,
            "metric": pl.String,
            "mean": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "label": pl.String,
        }
        metric = {"metric": self.values["metric"]}
        rows = [folder | one | metric for folder in self.values["folders"] for one in folder["variants"]]
        return pl.DataFrame([{key: row[key] for key in schema} for row in rows], schema=schema)

    @property
    def differences(self) -> pl.DataFrame:
        """One row per two folders: the metric of the second's best network minus that of the first's, and what they were paired by.

        Intervals are of 95 % for all rows together.
        """
        import polars as pl

        schema: dict[str, Any] = {
            **dict.fromkeys(("first_folder", "first_variant", "second_folder", "second_variant"), pl.String),
            **dict.fromkeys(("difference", "low", "high"), pl.Float64),
            "pairing": pl.String,
            "seeds": pl.Int64,
        }
        rows = [
            (
                *one["first"].values(),
                *one["second"].values(),
                one["difference"],
                one["low"],
                one["high"],
                one["pairing"],
                min(one["seeds"]),
            )
            for one in self.values["differences"]
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values for JSON."""
        return dict(self.values)

    def markdown(self) -> str:
        """Return the comparison as Markdown, such as for a pull request."""
        from justright.report.comparisons.comparison_pages import render_comparison_markdown

        return render_comparison_markdown(self.values)

    def html(self) -> str:
        """Return the comparison as a self-contained page."""
        from justright import __version__
        from justright.report.comparisons.comparison_pages import render_comparison_html

        return render_comparison_html(self.values, version=__version__)

    def __repr__(self) -> str:
        """Return the differences, a sentence each."""
        from justright.report.comparisons.comparison_blocks import comparison_sentences, comparison_title

        return "\n".join([comparison_title(self.values), *comparison_sentences(self.values)])

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, for notebooks."""
        from justright.report.notebook.shown_report import page_frame

        return page_frame(self.html(), 480, title="Comparison")


def compare(folders: Sequence[str | Path | Result], *, metric: str | None = None) -> Comparison:
    """Return several study folders side by side, and how the best networks of any two differ on the rows that measure.

    The best network of a folder is the one that its validation rows choose. Two are paired by row where their test rows are
    the same, and by seed where both were trained with it; else the difference is that of independent means.

    Args:
        folders: at least two, finished or not, by their paths or as results; nothing is trained.
        metric: what is compared, for instance 'roc_auc'; None for the loss of the studies.

    Raises:
        InputError: there are too few folders, their tasks or targets differ, or the metric is unknown.
        FolderError: a folder holds no study, or cannot be read.
    """
    names = _checked(folders)
    opened = [_Opened.of(name) for name in names]
    _check_comparable(opened)
    task, loss = opened[0].summary["task"], opened[0].summary["loss"]
    chosen = loss if metric is None else metric
    check_one_of("metric", chosen, [loss, *(one.name for one in metrics_of(task))])
    measured = [one.measure(chosen) for one in opened]
    numbers = [number for number, one in enumerate(measured) if one is not None]
    found = [one for one in measured if one is not None]
    kinds = _rows_alike([one.rows for one in found])
    networks = [StudyNetwork(one.values, one.seeds, kind) for one, kind in zip(found, kinds, strict=True)]
    differences = [
        _difference(one, found, [opened[number] for number in numbers], is_loss=chosen == loss)
        for one in differences_between(networks)
    ]
    values = {
        "metric": chosen,
        "task": task,
        "target": opened[0].summary["table"].get("target"),
        "folders": [
            one.described(chosen) | {"is_compared": number in numbers} for number, one in enumerate(opened)
        ],
        "differences": differences,
    }
    return Comparison(plain(values))


@dataclass(frozen=True, slots=True)
class _Rows:
    """What tells the rows that measure a network apart from others.

    Args:
        part: 'test' or 'validation'.
        count: how many.
        fingerprint: of their features and targets; None in folders without one.
        described: the table and split as their study names them, targets and weights; None for a table in memory.
    """

    part: Part
    count: int
    fingerprint: str | None
    described: tuple[Any, ...] | None

    def are(self, other: _Rows) -> bool:
        """Return whether both are the same rows: also where other columns of them were used."""
        if (self.part, self.count) != (other.part, other.count):
            return False
        is_same = self.fingerprint is not None and self.fingerprint == other.fingerprint
        return is_same or (self.described is not None and self.described == other.described)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The best network of a folder: (seeds, rows) of what each row adds to the metric."""

    values: Floats
    seeds: tuple[int, ...]
    rows: _Rows


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A study folder, read."""

    name: str
    study: Mapping[str, Any]
    summary: Mapping[str, Any]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> _Opened:
        """Read a study folder."""
        result = Result(name)
        with content_faults(result.folder):
            classes = tuple(str(one["name"]) for one in result.summary["table"].get("classes") or ())
        return cls(name, result.study, result.summary, classes)

    @property
    def question(self) -> str:
        """What the study is about, in words."""
        few = ", ".join(map(repr, self.classes[:MOST_CLASSES]))
        more = " ..." if len(self.classes) > MOST_CLASSES else ""
        named = f" with the classes {few}{more}" if self.classes else ""
        weights = self.summary["table"].get("weights") or {}
        weighted = " of weighted rows" if weights.get("count") == "all" else ""
        return f"{self.summary['task']} study of {self.summary['table'].get('target')!r}{named}{weighted}"

    @property
    def part(self) -> Part:
        """Which rows measure."""
        return measuring_rows(self.summary)

    def measure(self, metric: str) -> _Measured | None:
        """Return the best network as the metric measures it; None if nothing was measured row by row."""
        folder = StudyFolder.open(self.name, "read")
        with StoreReader(folder) as store, content_faults(store.path):
            best = self.summary["best_variant"]
            if best is None or best not in self.study["variants"]:
                return None
            is_loss = metric == self.summary["loss"]
            found = self._losses(store, best) if is_loss else self._influences(store, best, metric)
            return _Measured(*found[:2], self._rows(store, found[2], found[0].shape[1])) if found else None

    def described(self, metric: str) -> dict[str, Any]:
        """Return the folder and its networks as plain values."""
        with content_faults(Path(self.name)):  # it may be a stranger's
            return self._described(metric)

    def _described(self, metric: str) -> dict[str, Any]:
        from justright.report.fit_map import label_words

        rows, loss = self.summary["rows"], self.summary["loss"]
        variants = []
        for one in self.summary["variants"]:
            ends = one["test"] if metric == loss else one["metrics"].get(metric) or {}
            variants.append(
                {
                    "variant": one["name"],
                    "is_best": one["name"] == self.summary["best_variant"],
                    "parameters": one["parameters"],
                    "seeds": sum(run["counts"] for run in one["runs"]),
                    **{end: _number(ends.get(end)) for end in ("mean", "low", "high")},
                    "label": str(one["verdict"]["label"]),
                    "verdict": label_words(one["verdict"]),
                }
            )
        return {
            "folder": self.name,
            "study": self.summary["study"],
            "part": self.part,
            "train_rows": rows["train"],
            "measuring_rows": rows[self.part],
            "variants": variants,
        }

    def _losses(self, store: StoreReader, best: str) -> tuple[Floats, tuple[int, ...], Part] | None:
        """Return the losses of the best network, as verdicts measure them."""
        study = {**self.study, "variants": {best: self.study["variants"][best]}}
        evidence = collect_evidence(store, study)
        measured = measure_study(evidence).get(best) if evidence else None
        if measured is None:
            return None
        part: Part = "test" if measured.source == "test" else "validation"
        return measured.best.astype(np.float64), measured.seeds, part

    def _influences(
        self, store: StoreReader, best: str, metric: str
    ) -> tuple[Floats, tuple[int, ...], Part] | None:
        """Return each row's influence on a metric added to its value: to first order the metric is their mean."""
        (variant,) = (one for one in self.summary["variants"] if one["name"] == best)
        counting = {(run["seed"], run["train_rows"]) for run in variant["runs"] if run["counts"]}
        rows, values = MeasuringRows.of(store), {}
        for record in store.runs():
            if record.run.variant != best or (record.run.seed, record.run.train_rows) not in counting:
                continue
            for run in rows.run_metrics([record]):
                estimate = dict(run)[metric]
                if not isinstance(estimate, str):
                    values[record.run.seed] = estimate.value + estimate.influence
        seeds = tuple(sorted(values))
        return (np.stack([values[seed] for seed in seeds]), seeds, rows.part) if seeds else None

    def _rows(self, store: StoreReader, part: Part, count: int) -> _Rows:
        fingerprints = store.get_meta("fingerprints", {})
        recorded = store.reference()
        targets, weights = (recorded.get(name, {}).get(part) for name in (TARGETS, WEIGHTS))
        table = self.study.get("table", {})
        described = None
        if targets is not None and len(targets) and table.get("source", MEMORY_SOURCE) != MEMORY_SOURCE:
            told = b"".join(one.tobytes() for one in (targets, weights) if one is not None)
            digest = hashlib.sha256(told).hexdigest()
            described = ([table.get(key) for key in TABLE_KEYS], self.study.get("split"), digest)
        return _Rows(part, count, fingerprints.get("test" if part == "test" else "split"), described)


def _number(value: Any) -> float | None:  # noqa: ANN401  # of a judgement that a stranger may have written
    return None if value is None else float(value)


def _checked(folders: Sequence[str | Path | Result]) -> list[str]:
    if isinstance(folders, str | Path) or not 2 <= len(folders) <= MOST_FOLDERS:
        got = repr(str(folders)) if isinstance(folders, str | Path) else len(folders)
        raise InputError(f"`folders` must name 2 to {MOST_FOLDERS} study folders; got {got}.")
    resolved: dict[Path, str] = {}
    for folder in (one.folder if isinstance(one, Result) else one for one in folders):
        place = Path(folder).resolve()
        if place in resolved:
            raise InputError(
                f"`folders` must differ from each other; {str(folder)!r} is the same as {resolved[place]!r}."
            )
        resolved[place] = str(folder)
    return list(resolved.values())


def _check_comparable(opened: Sequence[_Opened]) -> None:
    """Raise InputError unless all folders are about one target, and of one task."""
    first, *rest = opened
    others = [one for one in rest if (one.question, one.classes) != (first.question, first.classes)]
    if others:
        listed = "; ".join(f"{one.name!r} is a {one.question}" for one in (first, *others))
        raise InputError(
            f"Studies must have the same task, target and classes to be compared; {listed}. Leave out those that differ."
        )


def _rows_alike(rows: Sequence[_Rows]) -> list[int]:
    """Return a number for each network, which those that were measured on the same rows share."""
    numbers: list[int] = []
    for place, one in enumerate(rows):
        alike = (number for number, other in zip(numbers, rows, strict=False) if one.are(other))
        numbers.append(next(alike, place))
    return numbers


def _difference(
    found: StudyDifference, measured: Sequence[_Measured], opened: Sequence[_Opened], *, is_loss: bool
) -> dict[str, Any]:
    """Return a difference as plain values; `margin` is the larger of both studies', for their loss."""
    pair = [opened[number] for number in (found.first, found.second)]
    networks = [measured[number] for number in (found.first, found.second)]
    margins = [one.summary["margin"] for one in pair if one.summary["margin"] is not None]
    first, second = ({"folder": one.name, "variant": one.summary["best_variant"]} for one in pair)
    return {
        "first": first,
        "second": second,
        "difference": found.interval.mean,
        "low": found.interval.low,
        "high": found.interval.high,
        "pairing": found.pairing,
        "seeds": found.seeds,
        "parts": [one.rows.part for one in networks],
        "rows": [one.rows.count for one in networks],
        "margin": max(margins) if margins and is_loss else None,
    }
