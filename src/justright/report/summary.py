"""A study as one plain dict: everything that any report says, and the only thing that reports read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, Protocol, TypedDict, cast

from justright.report.thinned_curves import thin_curves
from justright.runs.outcomes import counting_outcomes, largest_size
from justright.runs.plain import plain
from justright.study.recipe import LOSSES, SCORES

if TYPE_CHECKING:
    import polars as pl

    from justright.records.reader import RunRecord
    from justright.runs.events import VariantBuilt

SCHEMA_VERSION = 1  # of `result.json`; a key that changes its meaning or goes away makes it 2
# The keys of `result.json`, in order: a contract with the programs that read it.
RESULT_KEYS = (
    *("schema_version", "study", "source", "task", "rows", "seeds", "wall_seconds"),
    *("variants", "effects", "data_scaling", "reference", "choice"),
)
VARIANT_KEYS = ("name", "parameters", "verdict", "runs", "test")
RUN_KEYS = ("seed", "train_rows", "epochs", "best_epoch", "outcome", "best", "last", "test", "test_last")
VERDICT_KEYS = ("label", "onset_epoch", "margin", "reasons")
INTERVAL_KEYS = ("mean", "low", "high")
REFERENCE_KEYS = ("name", "test")
NOTHING_JUDGED: Mapping[str, Any] = {"label": "undecided", "reasons": ["No run of this variant has ended."]}


class Ends(TypedDict):
    """A mean with its 95 % interval; None for what was not measured."""

    mean: float | None
    low: float | None
    high: float | None


class Onset(TypedDict):
    """The epochs as good as the best one, and the last that was measured."""

    low: int | None
    high: int | None
    last: NotRequired[int | None]  # newer than the first folders


class VerdictSummary(TypedDict):
    """The verdict on a variant."""

    label: str
    onset_epoch: Onset | None
    margin: float | None
    reasons: list[str]


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
    """One variant with its verdict and runs.

    `intervals` maps 'fixed', 'validation', 'test' and the same with '_score' to the means at the best epochs.
    """

    name: str
    parameters: int | None
    verdict: VerdictSummary
    runs: list[RunSummary]
    test: Ends
    intervals: dict[str, Ends]
    group: str
    baseline: str | None
    remedy: str
    strength: float | None
    model_summary: str
    layers: list[Any]


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
    seeds: NotRequired[int]
    kind: NotRequired[str]
    covers: NotRequired[str]


class Strength(TypedDict):
    """One strength of a remedy that was tried."""

    name: str
    strength: float | None
    validation: float | None


class StrengthSummary(TypedDict):
    """The strengths of a remedy, and the one that validation rows chose."""

    baseline: str
    remedy: str
    chosen: str
    strengths: list[Strength]


class ChoiceSummary(TypedDict):
    """The network, or the ensemble of its seeds, that validation rows choose."""

    name: str
    variant: str
    is_ensemble: bool
    validation: float | None
    test: Ends
    rivals: int
    candidates: int


class ScalingPoint(TypedDict):
    """The test loss at a number of training rows."""

    train_rows: int
    mean: float
    low: float
    high: float


class ScalingSummary(TypedDict):
    """A learning curve: what was measured, what more rows would do, and the sentence that says so."""

    variant: str
    measured: list[ScalingPoint]
    forecast: list[ScalingPoint]
    conclusion: str


class ReferenceSummary(TypedDict):
    """Another kind of model on the same rows."""

    name: str
    test: float | None
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    score: NotRequired[float | None]
    iterations: NotRequired[int]


class ClaimSummary(TypedDict):
    """A sentence of somebody else, judged on test rows."""

    quote: str
    answer: str
    evidence: str


class RunCurves(TypedDict):
    """The thinned curves of one run."""

    variant: str
    seed: int
    train_rows: int
    epoch: list[int]
    metrics: dict[str, list[float | None]]


class Summary(TypedDict):
    """A study."""

    schema_version: int
    study: str
    source: str
    task: str
    rows: dict[str, int | None]
    seeds: list[int]
    wall_seconds: float | None
    variants: list[VariantSummary]
    effects: list[EffectSummary]
    data_scaling: list[ScalingSummary]
    reference: ReferenceSummary | None
    choice: ChoiceSummary | None
    strengths: list[StrengthSummary]
    claims: list[ClaimSummary]
    loss: str
    score: str
    margin: float | None
    best_variant: str | None
    conclusion: str
    facts: list[str]
    curves: list[RunCurves]
    table: dict[str, Any]  # as `describe_table` returns it
    environment: dict[str, Any]
    command: str
    study_toml: str
    more: dict[str, Any]  # what else the judgement holds: for sections that come with a plug-in


class Reader(Protocol):
    """What a report needs of a study's store."""

    def runs(self) -> Sequence[RunRecord]:
        """Return every run."""

    def variants(self) -> Sequence[VariantBuilt]:
        """Return the variants that were built."""

    def curves(self) -> pl.DataFrame:
        """Return `variant`, `seed`, `train_rows`, `epoch` and the metrics, a row for each epoch of each run."""


def summarise(
    reader: Reader,
    *,
    study: Mapping[str, Any],
    judgement: Mapping[str, Any],
    table: Mapping[str, Any],
    environment: Mapping[str, Any],
    command: str,
    wall_seconds: float,
    rows: Mapping[str, int] | None = None,
) -> Summary:
    """Return everything a report says, as JSON can hold it (NaN is None), in the order in which it is said.

    Args:
        reader: the store of a study, open for reading.
        study: the parsed `study.toml`.
        judgement: verdicts, effects and what else was concluded: `Judgement.to_dict()`.
        table: the table in words and numbers: `describe_table()`.
        environment: versions and machine, name -> text or number.
        command: the shell command that makes this study again.
        wall_seconds: how long the study took.
        rows: rows of each part, `Split.sizes`; None takes the training rows from the runs and leaves the others out.
    """
    task = table["task"]
    built = {event.variant: event for event in reader.variants()}
    records = list(reader.runs())
    verdicts = {item["name"]: item for item in judgement.get("variants") or ()}
    described = study.get("variants", {})
    names = list(dict.fromkeys([*described, *built, *(record.run.variant for record in records)]))
    sizes: Mapping[str, int | None] = rows or {
        "train": max((record.run.train_rows for record in records), default=None)
    }
    most = largest_size(study, sizes.get("train") or 0)
    summary = {
        "schema_version": SCHEMA_VERSION,
        "study": study.get("name", "custom"),
        "source": study.get("table", {}).get("source", ""),
        "task": task,
        "rows": {part: sizes.get(part) for part in ("train", "validation", "test")},
        "seeds": sorted({record.run.seed for record in records} or study.get("seeds", ())),
        "wall_seconds": wall_seconds,
        "variants": [
            _variant(
                name,
                described.get(name, {}),
                built.get(name),
                _runs([record for record in records if record.run.variant == name], most),
                verdicts.get(name, {}),
            )
            for name in names
        ],
        "effects": judgement.get("effects") or [],
        "data_scaling": judgement.get("data_scaling") or [],
        "reference": judgement.get("reference"),
        "choice": judgement.get("choice"),
        "strengths": judgement.get("strengths") or [],
        "claims": judgement.get("claims") or [],
        "loss": LOSSES[task],
        "score": SCORES[task],
        "margin": next((item["verdict"]["margin"] for item in verdicts.values()), None),
        "best_variant": judgement.get("best_variant"),
        "conclusion": judgement.get("conclusion") or "",
        "facts": judgement.get("facts") or [],
        "curves": thin_curves(reader.curves()),
        "table": table,
        "environment": environment,
        "command": command,
        "study_toml": _toml(study),
    }
    more = {key: value for key, value in judgement.items() if key not in summary}
    return cast(Summary, plain(summary | {"more": more}))


def result_json(summary: Summary) -> dict[str, Any]:
    """Return the part of a summary that `result.json` holds: exactly the keys of the contract.

    Example:
        >>> result_json({"study": "quick", "variants": [], "curves": []})["study"]
        'quick'
    """
    result: dict[str, Any] = {key: summary.get(key) for key in RESULT_KEYS}
    result["variants"] = [_contract_variant(variant) for variant in summary["variants"]]
    if result["reference"]:
        result["reference"] = {key: result["reference"].get(key) for key in REFERENCE_KEYS}
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


def _variant(
    name: str,
    described: Mapping[str, Any],
    built: VariantBuilt | None,
    runs: list[dict[str, Any]],
    judged: Mapping[str, Any],
) -> dict[str, Any]:
    verdict = judged.get("verdict") or NOTHING_JUDGED
    return {
        "name": name,
        "parameters": built.parameters if built else None,
        "verdict": {key: verdict.get(key) for key in VERDICT_KEYS},
        "runs": runs,
        "test": judged.get("test") or dict.fromkeys(INTERVAL_KEYS),
        "intervals": judged.get("intervals") or {},
        "group": described.get("group", ""),
        "baseline": described.get("baseline"),
        "remedy": described.get("remedy", ""),
        "strength": described.get("strength"),
        "model_summary": built.summary if built else "",
        "layers": list(built.layers) if built else [],
    }


def _runs(records: Iterable[RunRecord], most: int) -> list[dict[str, Any]]:
    """Return the runs of one variant; those that count trained on `most` rows, the study's largest size."""
    records = list(records)
    counting = counting_outcomes(record.outcome for record in records if record.run.train_rows == most)
    fields = ("epochs", "best_epoch", "outcome", "best", "last", "test", "test_last", "reason")
    return [
        {
            "seed": record.run.seed,
            "train_rows": record.run.train_rows,
            **{field: getattr(record, field) for field in (*fields, "train_seconds", "model_path")},
            "counts": record.run.train_rows == most and record.outcome in counting,
        }
        for record in records
    ]


def _contract_variant(variant: VariantSummary) -> dict[str, Any]:
    chosen: dict[str, Any] = {key: variant.get(key) for key in VARIANT_KEYS}
    chosen["runs"] = [{key: run.get(key) for key in RUN_KEYS} for run in variant["runs"]]
    chosen["test"] = {key: variant["test"].get(key) for key in INTERVAL_KEYS}
    return chosen


def _toml(study: Mapping[str, Any]) -> str:
    import tomli_w

    return tomli_w.dumps(study)
