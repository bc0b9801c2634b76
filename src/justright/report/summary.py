"""A study as one plain dict: everything that any report says, and the only thing that reports read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from justright.higgs.columns import HIGGS_FEATURES
from justright.report.thinned_curves import thin_curves
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


class Reader(Protocol):
    """What a report needs of a study's store."""

    def runs(self) -> Sequence[RunRecord]:
        """Return every run."""

    def variants(self) -> Sequence[VariantBuilt]:
        """Return the variants that were built."""

    def curves(self) -> pl.DataFrame:
        """Return a row a run and epoch: `variant`, `seed`, `train_rows`, `epoch`, and the metrics."""


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
) -> dict[str, Any]:
    """Return everything a report says, as JSON can hold it (NaN is None), in the order it is said.

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
    summary = {
        "schema_version": SCHEMA_VERSION,
        "study": study.get("name", "custom"),
        "source": study.get("table", {}).get("source", ""),
        "task": task,
        "rows": {part: sizes.get(part) for part in ("train", "validation", "test")},
        "seeds": sorted({record.run.seed for record in records} or study.get("seeds", ())),
        "wall_seconds": wall_seconds,
        "variants": [
            _variant(name, described.get(name, {}), built.get(name), records, verdicts.get(name, {}))
            for name in names
        ],
        "effects": judgement.get("effects") or [],
        "data_scaling": judgement.get("data_scaling") or [],
        "reference": judgement.get("reference"),
        "choice": judgement.get("choice"),
        "strengths": judgement.get("strengths") or [],
        "claims": (judgement.get("claims") or []) if _is_higgs(table) else [],
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
    result: dict[str, Any] = plain(summary)
    return result


def result_json(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a summary that `result.json` holds: exactly the keys of the contract.

    Example:
        >>> result_json({"study": "quick", "variants": [], "curves": []})["study"]
        'quick'
    """
    result = {key: summary.get(key) for key in RESULT_KEYS}
    result["variants"] = [_contract_variant(variant) for variant in summary["variants"]]
    if result["reference"]:
        result["reference"] = {key: result["reference"].get(key) for key in REFERENCE_KEYS}
    return result


def _is_higgs(table: Mapping[str, Any]) -> bool:
    """Return whether a described table is HIGGS or its simulation: the tutorial says nothing about others."""
    return tuple(column["name"] for column in table.get("columns") or ()) == HIGGS_FEATURES


def _variant(
    name: str,
    described: Mapping[str, Any],
    built: VariantBuilt | None,
    records: Iterable[RunRecord],
    judged: Mapping[str, Any],
) -> dict[str, Any]:
    verdict = judged.get("verdict") or NOTHING_JUDGED
    runs = [_run(record) for record in records if record.run.variant == name]
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


def _run(record: RunRecord) -> dict[str, Any]:
    fields = (
        "epochs",
        "best_epoch",
        "outcome",
        "best",
        "last",
        "test",
        "test_last",
        "reason",
        "train_seconds",
    )
    return {
        "seed": record.run.seed,
        "train_rows": record.run.train_rows,
        **{field: getattr(record, field) for field in fields},
        "model_path": record.model_path,
    }


def _contract_variant(variant: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {key: variant[key] for key in VARIANT_KEYS}
    chosen["runs"] = [{key: run[key] for key in RUN_KEYS} for run in variant["runs"]]
    chosen["test"] = {key: variant["test"].get(key) for key in INTERVAL_KEYS}
    return chosen


def _toml(study: Mapping[str, Any]) -> str:
    import tomli_w

    return tomli_w.dumps(study)
