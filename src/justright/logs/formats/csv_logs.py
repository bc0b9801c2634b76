"""Tables with a row per epoch, step or tree, as Keras, Lightning, fastai, Ultralytics, pandas, R and people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from justright.errors import InputError
from justright.logs.formats.evals_result import CROSS_VALIDATION, cross_validation_run
from justright.logs.formats.row_counters import EPOCHS, ITERATIONS, STEPS, plain
from justright.logs.formats.table_runs import NAMES, VALUES, TableReader
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import direction_of, parse_name
from justright.logs.names.metric_words import word_set
from justright.logs.source import LogFormat, Source
from justright.logs.text.cell_numbers import parse_number
from justright.logs.text.log_table import LogTable

# Columns of one row per run: W&B's table of runs, and results that people collect.
RUN_TABLE = word_set("name runname runid model modelname experiment config configuration")
SETTINGS = word_set(
    "batchsize learningrate weightdecay dropout hiddensize nlayers nlayer nhead nembd seed numlayers"
    " maxiters maxepochs maxdepth nparams sweep state created runtime tags optimizer"
)
# Results of scikit-learn that are no course of training, by names that all of one kind have.
NO_COURSES = (
    (
        frozenset({"trainsizes"}),
        "is a learning curve, with a value per number of training rows. `justright run TABLE --study data` measures one, with intervals.",
    ),
    (
        frozenset({"fittime", "scoretime"}),
        "holds a score per fold, after training was over. Pass the log that was written during training.",
    ),
)
ULTRALYTICS = frozenset(("train/box_loss", "train/cls_loss", "metrics/accuracy_top1"))
TENSORBOARD_COLUMNS = ("walltime", "step", "value")
TENSORBOARD_FILE = re.compile(r"(?:run-(?P<run>.+?)-tag-|run-)?(?P<tag>.+)")


def _has(source: Source, *names: str) -> bool:
    return set(names) <= set(source.columns)


def _is_keras(source: Source) -> bool:
    """Return whether there are metrics twice, the second time with 'val_' before them."""
    return _has(source, "epoch") and any(f"val_{name}" in source.columns for name in source.columns)


def read_network(source: Source) -> list[LoggedRun]:
    """Return the runs in a table that a library for neural networks wrote."""
    return TableReader(source, "network").runs(_table(source))


def _read_evaluated(source: Source) -> list[LoggedRun]:
    """Return the runs in a table of a tool that measures its metrics on validation rows: fastai, Ultralytics."""
    runs = read_network(source)
    for one in (series for run in runs for series in run.series):
        parsed = parse_name(one.written)
        if parsed.role is None and direction_of(parsed.metric) is not None:
            one.role = "validation"
    return runs


def _read_spacy(source: Source) -> list[LoggedRun]:
    """Return the run that spaCy's table shows: '#' counts steps, losses are of training, scores of other rows."""
    table = _table(source)
    cells = {"step" if column == "#" else column: values for column, values in table.cells.items()}
    del cells["E"]  # several rows of most epochs
    for run in (runs := TableReader(source, "network").runs(replace(table, cells=cells))):
        for one in run.series:
            one.role = "train" if one.written.startswith("LOSS") else "validation"
    return runs


def _read_plain(source: Source) -> list[LoggedRun]:
    """Return the runs; without a column that counts, rows are counted, from 0."""
    table = _table(source)
    if {"precision", "recall", "support"} <= set(map(plain, table.columns)):
        raise InputError(
            f"A training log must hold a row per epoch or step; {source.name!r} is a classification report, with a row per class. "
            "Pass the log that was written during training."
        )
    measured = [column for column in table.columns if CROSS_VALIDATION.fullmatch(column)]
    if measured and len(measured) >= len(table.columns) - 1:  # all but one that counts
        return [cross_validation_run(source.name, {column: table.numbers(column)[0] for column in measured})]
    if what := names_no_course(table.columns):
        raise InputError(f"A training log must hold a value per epoch or step; {source.name!r} {what}")
    if is_table_of_runs(table):
        raise InputError(
            f"A training log must hold a row per epoch or step; {source.name!r} holds a row per run. "
            "Give the history of one run instead, such as its own CSV file or an export of its curves."
        )
    return TableReader(source).runs(table)


def _read_tensorboard_csv(source: Source) -> list[LoggedRun]:
    """Return the run of one curve that TensorBoard exported: the file's name holds the run and the tag."""
    (run,) = TableReader(source).runs(_table(source))
    found = TENSORBOARD_FILE.fullmatch(source.path.stem)
    for one in run.series:
        if plain(one.written) == "value" and found:
            one.written = f"{found['run'] or ''} {found['tag']}".strip().replace("_", "/", 1)
    return [run]


def names_no_course(names: Iterable[str]) -> str:
    """Return what holds values under these names, and what to do, if it is no course of training; else nothing."""
    words = set(map(plain, names))
    return next((what for known, what in NO_COURSES if known <= words), "")


def is_table_of_runs(table: LogTable) -> bool:
    """Return whether a row is a run: words that all differ name it, beside settings, as in W&B's table of runs."""
    columns = {plain(column): column for column in table.columns}
    named = [columns[name] for name in columns if name in RUN_TABLE]
    names = [table.cells[column] for column in named]
    differ = any(
        len(set(cells)) == len(cells) and all(parse_number(cell) is None for cell in cells) for cells in names
    )
    settings = [
        name for name in columns if name in SETTINGS or name.startswith(("param", "config", "hparams"))
    ]
    varied = [name for name in settings if len(set(table.cells[columns[name]])) > 1]
    counts = (EPOCHS | STEPS | ITERATIONS) & set(columns)
    return (differ and len(settings) > 1) or (not counts and bool(set(varied) - {"learningrate"}))


def _table(source: Source) -> LogTable:
    if source.table is None:
        raise InputError(f"A table must have columns of numbers below their names; {source.name!r} has none.")
    return source.table


LIGHTNING_CSV = LogFormat(
    "lightning-csv",
    "Lightning's metrics.csv",
    read_network,
    lambda source: _has(source, "epoch", "step"),
    folder_file="metrics.csv",
)
ULTRALYTICS_CSV = LogFormat(
    "ultralytics-csv",
    "Ultralytics' results.csv",
    _read_evaluated,
    lambda source: _has(source, "epoch") and bool(ULTRALYTICS & set(source.columns)),
    folder_file="results.csv",
)
FASTAI_CSV = LogFormat(
    "fastai-csv",
    "fastai's history.csv",
    _read_evaluated,
    lambda source: _has(source, "epoch", "train_loss", "valid_loss", "time"),
    folder_file="history.csv",
)
KERAS_CSV = LogFormat(
    "keras-csv",
    "a Keras CSVLogger file",
    read_network,
    _is_keras,
)
SPACY_TABLE = LogFormat(
    "spacy",
    "the table that spaCy prints while it trains",
    _read_spacy,
    lambda source: _has(source, "E", "#", "SCORE"),
)
LONG_CSV = LogFormat(
    "long-csv",
    "a table with a row per value, as R's keras writes",
    _read_plain,
    lambda source: (
        bool({plain(name) for name in source.columns} & NAMES)
        and bool({plain(name) for name in source.columns} & VALUES)
    ),
)
TENSORBOARD_CSV = LogFormat(
    "tensorboard-csv",
    "a curve that TensorBoard exported",
    _read_tensorboard_csv,
    lambda source: tuple(map(plain, source.columns)) == TENSORBOARD_COLUMNS,
)
PLAIN_CSV = LogFormat(
    "csv", "a CSV file with one row per epoch", _read_plain, lambda source: bool(source.columns)
)
