"""A study as one plain dict: everything that any report says, and the only thing that reports read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, cast

from justright.data.table import MEMORY_SOURCE
from justright.diagnosis.words.calls import Maker, with_calls
from justright.report.notable_variants import MOST_WHOLE, notable_variants
from justright.report.smoothed_curves import smoothed_means
from justright.report.thinned_curves import thin_curves
from justright.runs.outcomes import counting_outcomes, largest_size
from justright.runs.plain import plain
from justright.study.recipe import LOSSES, SCORES, recipe_values
from justright.study.spec import EXTRA_TABLES

if TYPE_CHECKING:
    import polars as pl

    from justright.records.reader import RunRecord, StoreReader
    from justright.runs.events import VariantBuilt

SCHEMA_VERSION = 1  # of `result.json`; a key that changes its meaning or goes away makes it 2
# The keys of `result.json`, in order: a contract with the programs that read it.
RESULT_KEYS = (
    *("schema_version", "study", "source", "task", "rows"),
    *("seeds", "wall_seconds", "device", "workers_tried"),
    *("warnings", "variants", "effects", "data_scaling", "reference", "constant", "choice"),
)
VARIANT_KEYS = (
    *("name", "parameters", "precision", "batch_orders", "lanes"),
    *("verdict", "learned", "runs", "test", "metrics"),
)
RUN_KEYS = ("seed", "train_rows", "epochs", "best_epoch", "outcome", "best", "last", "test", "test_last")
VERDICT_KEYS = (
    *("label", "onset_epoch", "margin", "reasons"),
    *("also", "freer", "tighter", "headroom", "answer", "action", "spikes"),
)
INTERVAL_KEYS = ("mean", "low", "high")
REFERENCE_KEYS = ("name", "test", "metrics")
JUDGED_LISTS = ("effects", "data_scaling", "strengths", "claims", "facts")
# What of a judgement may name a command.
ADVISING = ("variants", "conclusion", "facts", "effects", "data_scaling", "claims", "choice")
# What says that a study was recorded in `model.fit`: a key of its environment; and how an estimator's command ends.
RECORDED_BY = "recorded by"
FIT_CALL = ".fit(X, y)"

Record = dict[str, Any]  # as the judgement made it, for one section


class Ends(TypedDict):
    """A mean with its 95 % interval; None for what was not measured."""

    mean: float | None
    low: float | None
    high: float | None


class MetricEnds(Ends):
    """A metric with its 95 % interval, and why it has none where all are None."""

    reason: NotRequired[str]


class VerdictSummary(TypedDict):
    """The verdict on a variant; what is not required is None in folders that earlier versions judged.

    `freer`, `tighter` and `headroom` are the alternatives that decide: {name, kind, gain, low, high}, where a gain above zero
    means a loss that is lower by so much. `action` is {words, command}, `spikes` holds {seed, epoch, loss, level}.
    """

    label: str
    onset_epoch: dict[str, int | None] | None  # low, high: the epochs as good as the best one; perhaps last
    margin: float | None
    reasons: list[str]
    also: NotRequired[str | None]
    freer: NotRequired[Record | None]
    tighter: NotRequired[Record | None]
    headroom: NotRequired[Record | None]
    answer: NotRequired[str | None]
    action: NotRequired[Record | None]
    spikes: NotRequired[list[Record] | None]


class RunSummary(TypedDict):
    """One run. `counts` says whether tables average it; metrics are those of Keras, by name."""

    seed: int
    train_rows: int
    epochs: int
    best_epoch: int | None
    outcome: str | None
    best: dict[str, float | None]
    last: dict[str, float | None]
    test: dict[str, float | None]
    test_last: dict[str, float | None]
    reason: str
    train_seconds: float | None
    model_path: str | None
    counts: bool


class VariantSummary(TypedDict):
    """One variant with its verdict, runs and metrics (`diagnosis/metric_list.py`; empty if judged by an old version).

    `intervals` maps 'fixed', 'validation', 'test' and the same with '_score' to the means at the best epochs; where rows count by
    weights, also 'test_unweighted' to the test loss in which all count the same.
    """

    name: str
    parameters: int | None
    precision: str  # of matrix products, as a recipe names it
    batch_orders: str  # where they were drawn: 'host' or 'device'
    lanes: int | None  # the most in a stack of its runs on an accelerator; None on a CPU, or not recorded
    verdict: VerdictSummary
    learned: bool | None  # whether it beats the constant prediction; None if open or not measured
    runs: list[RunSummary]
    test: Ends
    intervals: dict[str, Ends]
    metrics: dict[str, MetricEnds]
    group: str
    baseline: str | None
    remedy: str
    model_summary: str


class EffectSummary(TypedDict):
    """The effect of a remedy on its baseline; what is not required is newer than the first folders."""

    baseline: str
    remedy: str
    difference: float | None
    low: float | None
    high: float | None
    probability_better: float | None
    probability_best: NotRequired[float | None]
    is_tied_with_best: NotRequired[bool]
    kind: NotRequired[str]
    covers: NotRequired[str]


class RunCurves(TypedDict):
    """The thinned curves of one run."""

    variant: str
    seed: int
    train_rows: int
    epoch: list[int]
    metrics: dict[str, list[float | None]]


class SmoothedCurve(TypedDict):
    """A variant's mean over seeds, smoothed by a Gaussian whose standard deviation is `std` epochs."""

    variant: str
    metric: str
    std: int
    epoch: list[int]
    values: list[float]


class Summary(TypedDict):
    """A study."""

    schema_version: int
    study: str
    source: str
    task: str
    rows: dict[str, int | None]
    seeds: list[int]
    wall_seconds: float | None
    device: str | None  # the accelerators that trained; None on a CPU, or where an old folder does not say
    workers_tried: list[Record]  # as `WorkersTried`; empty where no further worker was tried
    warnings: list[Record]  # as `find_warnings` returns them
    variants: list[VariantSummary]
    effects: list[EffectSummary]
    data_scaling: list[Record]
    reference: Record | None
    constant: Record  # test: the loss of the best constant prediction
    choice: Record | None
    other_metrics: dict[str, dict[str, MetricEnds]]  # of the reference model, and of the best constant
    pictures: Record  # what pages draw of predictions
    strengths: list[Record]
    claims: list[Record]
    loss: str
    score: str
    margin: float | None
    best_variant: str | None
    conclusion: str
    facts: list[str]
    curves: list[RunCurves]
    smoothed: NotRequired[list[SmoothedCurve]]
    table: dict[str, Any]  # as `describe_table` returns it
    environment: dict[str, Any]
    command: str
    study_toml: str
    more: dict[str, Any]  # what else the judgement holds: for sections that come with a plug-in
    folder: NotRequired[str]  # the study folder, where its commands are to name it


def summarise(
    reader: StoreReader,
    *,
    study: Mapping[str, Any],
    judgement: Mapping[str, Any],
    table: Mapping[str, Any],
    environment: Mapping[str, Any],
    command: str,
    wall_seconds: float,
    rows: Mapping[str, int],
    warnings: Sequence[Mapping[str, Any]] = (),
) -> Summary:
    """Return everything a report says, as JSON can hold it (NaN is None), in the order in which it is said.

    Args:
        reader: the store of a study, open for reading.
        study: the parsed `study.toml`.
        judgement: verdicts, effects and what else was concluded: `Judgement.to_dict()`.
        table: the table in words and numbers: `describe_table()`.
        environment: versions and machine, name -> text or number.
        command: the shell command, or the call from Python, that makes this study again.
        wall_seconds: how long the study took.
        rows: rows of each part, `Split.sizes`.
        warnings: about table and split: `find_warnings()`.
    """
    import tomli_w

    if maker := _maker(study, environment, command):
        judgement = {
            key: with_calls(value, maker) if key in ADVISING else value for key, value in judgement.items()
        }
    task = table["task"]
    built = {event.variant: event for event in reader.variants()}
    records = list(reader.runs())
    verdicts = {item["name"]: item for item in judgement.get("variants") or ()}
    described = study.get("variants", {})
    names = list(dict.fromkeys([*described, *built, *(record.run.variant for record in records)]))
    lanes = reader.get_meta("variant_lanes", {})
    most = largest_size(study, rows.get("train") or 0)
    by_variant: dict[str, list[RunRecord]] = {}
    for record in records:
        by_variant.setdefault(record.run.variant, []).append(record)
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "study": study.get("name", "custom"),
        "source": study.get("table", {}).get("source", ""),
        "task": task,
        "rows": {part: rows.get(part) for part in ("train", "validation", "test")},
        "seeds": sorted({record.run.seed for record in records} or study.get("seeds", ())),
        "wall_seconds": wall_seconds,
        "device": str(environment.get("device") or "") or None,
        "workers_tried": list(map(_tried, reader.get_meta("workers_tried", []))),
        "warnings": list(warnings),
        "variants": [
            _variant(name, described.get(name, {}), built.get(name), verdicts.get(name, {}))
            | _computed(recipe_values(described.get(name, {}), study))
            | {"lanes": lanes.get(name)}
            | _runs_and_verdict(by_variant.get(name, ()), verdicts.get(name, {}), most)
            for name in names
        ],
        **{key: judgement.get(key) or [] for key in JUDGED_LISTS},
        **{key: judgement.get(key) for key in ("reference", "choice", "best_variant")},
        "constant": {"test": table.get("constant_loss")},
        **{key: judgement.get(key) or {} for key in ("other_metrics", "pictures")},
        "loss": LOSSES[task],
        "score": SCORES[task],
        "margin": next((item["verdict"]["margin"] for item in verdicts.values()), None),
        "conclusion": judgement.get("conclusion") or "",
        "curves": [],
        "smoothed": [],
        "table": table,
        "environment": environment,
        "command": command,
        "study_toml": tomli_w.dumps(study),
    }
    shown = [one["name"] for one in notable_variants(summary, MOST_WHOLE)]
    curves = _curves(reader, shown if len(shown) < len(names) else None)
    drawn = (f"{kind}{metric}" for metric in (LOSSES[task], SCORES[task]) for kind in ("", "val_", "fixed_"))
    summary["curves"], summary["smoothed"] = (
        thin_curves(curves),
        smoothed_means(curves, list(dict.fromkeys(drawn))),
    )
    more = {key: value for key, value in judgement.items() if key not in summary}
    return cast(Summary, plain(summary | {"more": more}))


def advised(summary: Summary, command: str) -> str:
    """Return a command that adds to a study as its user can give it: as a call where the rows were in memory."""
    described = {"table": {"source": summary["source"]}}
    maker = _maker(described, summary["environment"], summary["command"])
    return str(with_calls(command, maker)) if maker else command


def _maker(study: Mapping[str, Any], environment: Mapping[str, Any], command: str) -> Maker | None:
    """Return who made a study whose rows were in memory, so that no command can read them again; None for other studies."""
    described = study.get("table", {})
    sources = (described, *(described.get(part) or {} for part in EXTRA_TABLES))
    if all(one.get("source") != MEMORY_SOURCE for one in sources):
        return None
    if RECORDED_BY in environment:
        return "recorder"
    return "estimator" if command.endswith(FIT_CALL) else "study"


def measuring_rows(summary: Mapping[str, Any]) -> Literal["test", "validation"]:
    """Return which rows a study's losses are of: validation rows where there are no test rows."""
    return "test" if summary["rows"]["test"] else "validation"


def result_json(summary: Summary) -> dict[str, Any]:
    """Return the part of a summary that `result.json` holds: exactly the keys of the contract."""
    result = _chosen(summary, RESULT_KEYS)
    result["variants"] = [_chosen(variant, VARIANT_KEYS) for variant in summary["variants"]]
    for variant in result["variants"]:
        variant["runs"] = [_chosen(run, RUN_KEYS) for run in variant["runs"]]
        variant["test"] = _chosen(variant["test"], INTERVAL_KEYS)
    if result["reference"]:
        result["reference"] = _chosen({"metrics": {}} | result["reference"], REFERENCE_KEYS)
    return result


def render_json(summary: Summary) -> str:
    """Return the text of `result.json`: UTF-8, indented, ending in a line break, NaN as null.

    Raises:
        ValueError: the summary holds a NaN or an infinity, which `summarise` never lets through.

    Example:
        >>> render_json({"study": "quick", "variants": []}).splitlines()[2]
        '  "study": "quick",'
    """
    return json.dumps(result_json(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _tried(recorded: Mapping[str, Any]) -> Record:
    """Return what was recorded of another worker on an accelerator."""
    gain = recorded["gain"]
    return {
        "tried": int(recorded["tried"]),
        "kept": int(recorded["kept"]),
        "gain": None if gain is None else float(gain),
        "idle_share": float(recorded["idle_share"]),
        "is_measured": bool(recorded["is_measured"]),
        "reason": str(recorded["reason"]),
    }


def _variant(
    name: str, described: Mapping[str, Any], built: VariantBuilt | None, judged: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": name,
        "parameters": built.parameters if built else None,
        "learned": judged.get("learned"),
        "test": judged.get("test") or dict.fromkeys(INTERVAL_KEYS),
        "intervals": judged.get("intervals") or {},
        "metrics": judged.get("metrics") or {},
        "group": described.get("group", ""),
        "baseline": described.get("baseline"),
        "remedy": described.get("remedy", ""),
        "model_summary": built.summary if built else "",
    }


def _computed(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return how a recipe was computed; the defaults are what there was before recipes said it."""
    return {
        "precision": str(recipe.get("precision", "float32")),
        "batch_orders": str(recipe.get("batch_orders", "host")),
    }


def _curves(reader: StoreReader, names: Sequence[str] | None) -> pl.DataFrame:
    """Return the curves of these variants, or of all: nothing is read that no report shows."""
    import polars as pl

    return reader.curves() if names is None else pl.concat(reader.curves(variant=name) for name in names)


def _runs_and_verdict(records: Sequence[RunRecord], judged: Mapping[str, Any], most: int) -> dict[str, Any]:
    verdict = judged.get("verdict") or {"label": "undecided", "reasons": [_unjudged_reason(records, most)]}
    return {"verdict": _chosen(verdict, VERDICT_KEYS), "runs": _runs(records, most)}


def _unjudged_reason(records: Sequence[RunRecord], most: int) -> str:
    """Return why a variant has no verdict yet."""
    ended = {record.run.train_rows for record in records if record.is_ended}
    if not ended:
        return "No run of this variant has ended."
    if most not in ended:
        return f"No run of this variant on {most:,} training rows has ended; those on fewer rows take no part in verdicts."
    return "The study was interrupted before its runs were judged. Run the same command again to go on."


def _runs(records: Sequence[RunRecord], most: int) -> list[dict[str, Any]]:
    """Return the runs of one variant; those that count trained on `most` rows, the study's largest size."""
    counting = counting_outcomes(record.outcome for record in records if record.run.train_rows == most)
    return [
        {
            "seed": record.run.seed,
            "train_rows": record.run.train_rows,
            **{
                field: getattr(record, field)
                for field in (*RUN_KEYS[2:], "reason", "train_seconds", "model_path")
            },
            "counts": record.run.train_rows == most and record.outcome in counting,
        }
        for record in records
    ]


def _chosen(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: values.get(key) for key in keys}
