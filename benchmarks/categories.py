"""How should a column with many levels be encoded? Target-free encodings of zip codes, tickets, names, compared by test loss.

    python -m benchmarks.categories                                      # two simulated tables: some minutes
    python -m benchmarks.categories ../shared/tables --only titanic      # columns of real ones
    python -m benchmarks.categories --encodings "left out,frequency"

Every encoding is fitted on the training rows of ten random splits and trains the same network, 64-64 ELU units and Adam;
validation rows choose the epoch. Numbers are standardised, features of 0 and 1 centred (standardised with --scale-flags). The simulated tables have 5,000 rows and a column of 1,000 levels
whose frequencies follow Zipf's law; the levels matter in one of them, and mean nothing in the other.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.arguments import names_among, program_parser
from benchmarks.host import use_one_thread
from benchmarks.printing import print_table

SPLITS = 10
TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2
EPOCHS, UNITS, LEARNING_RATE = 60, 64, 0.001
MOST_BATCH_ROWS, BATCHES = 64, 20  # batches are smaller where the table has few rows
MISSING = ["", "NA", "?"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Case:
    """A table with columns of many levels.

    Args:
        frame: its columns, as read.
        target: 0 and 1, or numbers.
        many: the columns in question.
        is_binary: whether the target is a class.
    """

    frame: pl.DataFrame
    target: str
    many: tuple[str, ...]
    is_binary: bool = False


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="holds the tables: ../shared/tables")
    parser.add_argument("--only", type=names_among((*SIMULATED, *READ)), metavar="NAME[,NAME]")
    parser.add_argument(
        "--encodings", type=names_among(ENCODINGS), default=list(ENCODINGS), metavar="NAME[,NAME]"
    )
    parser.add_argument("--scale-flags", action="store_true", help="standardise features of 0 and 1 as well")
    options = parser.parse_args()
    use_one_thread()
    cases: dict[str, Callable[[], Case]] = dict(SIMULATED)
    if options.folder:
        cases |= {name: lambda read=read: read(options.folder) for name, read in READ.items()}
    columns = {}
    for name in options.only or cases:
        columns[name] = compare(cases[name](), options.encodings, scale_flags=options.scale_flags)
        print(f"{name}: done", flush=True)
    print(
        "\nMean test loss ± its standard error over splits; squared errors in shares of the target's variance.\n"
    )
    print_table(
        ("encoding", *columns),
        [
            (encoding, *(shown(losses[encoding]) for losses in columns.values()))
            for encoding in options.encodings
        ],
    )


def shown(losses: Floats) -> str:
    return f"{losses.mean():.3f} ± {losses.std(ddof=1) / np.sqrt(len(losses)):.3f}"


def compare(case: Case, encodings: Sequence[str], *, scale_flags: bool = False) -> dict[str, Floats]:
    """Return encoding -> (splits,) test losses."""
    scaled = partial(standardised, scale_flags=scale_flags)
    target = case.frame[case.target].cast(pl.Float64).to_numpy()
    parts = [split_rows(len(target), seed) for seed in range(SPLITS)]
    targets = [target if case.is_binary else scaled(target, train) for train, _, _ in parts]
    others = [name for name in case.frame.columns if name not in (*case.many, case.target)]
    plain = [scaled(encode_plain(case.frame.select(others), train), train) for train, _, _ in parts]
    words = [
        case.frame[name].cast(pl.String).fill_null("missing").to_numpy().astype(str) for name in case.many
    ]
    found = {}
    for name in encodings:
        features, codes = [], []
        for others_encoded, (train, _, _) in zip(plain, parts, strict=True):
            blocks = [scaled(ENCODINGS[name](column, train), train) for column in words]
            features.append(np.hstack([others_encoded, *blocks]))
            codes.append(np.stack([level_codes(column, train) for column in words]))
        found[name] = train_networks(
            features, codes if name == EMBEDDING else None, targets, parts, is_binary=case.is_binary
        )
    return found


def split_rows(rows: int, seed: int) -> tuple[Rows, Rows, Rows]:
    order = np.random.default_rng(seed).permutation(rows)
    train, validation = int(TRAIN_SHARE * rows), int((TRAIN_SHARE + VALIDATION_SHARE) * rows)
    return order[:train], order[train:validation], order[validation:]


def standardised(values: Floats, train: Rows, *, scale_flags: bool) -> Floats:
    """Return values with the mean of training rows 0 and their deviation 1; constants, and flags if so asked, unscaled."""
    deviation = values[train].std(axis=0)
    is_flag = np.isin(values[train], (-1, 0, 1)).all(axis=0) & (not scale_flags)
    return (values - values[train].mean(axis=0)) / np.where((deviation > 0) & ~is_flag, deviation, 1.0)


def encode_plain(frame: pl.DataFrame, train: Rows) -> Floats:
    """Return the other columns: numbers with medians for what is missing and a flag, and one feature for each level."""
    blocks = []
    for column in frame.iter_columns():
        if column.dtype.is_numeric():
            values = column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
            is_missing = np.isnan(values)
            values[is_missing] = np.nanmedian(values[train])
            blocks.append(np.stack([values, is_missing], axis=1, dtype=np.float64))
        else:
            words = column.cast(pl.String).fill_null("missing").to_numpy().astype(str)
            blocks.append((words[:, None] == np.unique(words[train])).astype(np.float64))
    return np.hstack(blocks)


def level_counts(words: Words, train: Rows) -> tuple[Words, Rows]:
    """Return the levels of training rows and how often they stand there, the most frequent first."""
    levels, counts = np.unique(words[train], return_counts=True)
    order = np.lexsort((levels, -counts))
    return levels[order], counts[order]


def level_codes(words: Words, train: Rows) -> Rows:
    """Return the number of each row's level among those of training rows, from 1; 0 for any other."""
    levels = np.unique(words[train])
    places = np.searchsorted(levels, words).clip(0, len(levels) - 1)
    return np.where(levels[places] == words, places + 1, 0)


def top(most: int, *, least: int = 1) -> Callable[[Words, Rows], Floats]:
    """Return an encoding: a feature for each of the most frequent levels, and one for all others."""

    def encode(words: Words, train: Rows) -> Floats:
        levels, counts = level_counts(words, train)
        kept = levels[: min(most, int((counts >= least).sum()))]
        features = words[:, None] == kept
        return np.hstack([features, ~features.any(axis=1, keepdims=True)]).astype(np.float64)

    return encode


def frequency(words: Words, train: Rows) -> Floats:
    """Return the logarithm of how many training rows have the level; an unseen one counts as one that came once."""
    counts = dict(zip(*(values.tolist() for values in level_counts(words, train)), strict=True))
    return np.log([[counts.get(word, 1)] for word in words.tolist()])


def hashed(width: int, *, is_signed: bool) -> Callable[[Words, Rows], Floats]:
    """Return an encoding: the level's hash chooses one of `width` features, and its sign where signed."""

    def encode(words: Words, train: Rows) -> Floats:  # as the others
        codes = np.array([zlib.crc32(word.encode()) for word in words.tolist()])
        features = np.zeros((len(words), width))
        features[np.arange(len(words)), codes % width] = np.where(
            is_signed & (codes >> 20 & 1 == 1), -1.0, 1.0
        )
        return features

    return encode


def both(*encodings: Callable[[Words, Rows], Floats]) -> Callable[[Words, Rows], Floats]:
    return lambda words, train: np.hstack([encode(words, train) for encode in encodings])


def nothing(words: Words, train: Rows) -> Floats:  # as the others
    return np.empty((len(words), 0))


def train_networks(
    features: Sequence[Floats],
    codes: Sequence[Rows] | None,
    targets: Sequence[Floats],
    parts: Sequence[tuple[Rows, Rows, Rows]],
    *,
    is_binary: bool,
) -> Floats:
    """Return the test loss of a network for each split, at the epoch that its validation rows choose.

    Args:
        features: (rows, features) of each split; the number of features may differ.
        codes: (columns, rows) level numbers of each split for an embedding; None for none.
        targets: (rows,) of each split.
        parts: training, validation and test rows of each split.
        is_binary: whether the loss is the cross-entropy of two classes.
    """
    import jax
    import jax.numpy as jnp

    width = max(one.shape[1] for one in features)
    inputs = np.stack([np.pad(one, ((0, 0), (0, width - one.shape[1]))) for one in features])
    levels = np.stack(codes) if codes else np.zeros((len(parts), 0, inputs.shape[1]), np.int64)
    train, validation, test = (np.stack(rows) for rows in zip(*parts, strict=True))
    batch = min(MOST_BATCH_ROWS, max(1, train.shape[1] // BATCHES))
    steps = train.shape[1] // batch

    def predict(weights: Any, rows: Any, inputs: Any, levels: Any) -> Any:
        embedded = [table[levels[column, rows]] for column, table in enumerate(weights["tables"])]
        hidden = jnp.concatenate([inputs[rows], *embedded], axis=1)
        for kernel, bias in weights["hidden"]:
            hidden = jax.nn.elu(hidden @ kernel + bias)
        return (hidden @ weights["last"])[:, 0] + weights["offset"]

    def loss(weights: Any, rows: Any, inputs: Any, levels: Any, target: Any) -> Any:
        outputs, wanted = predict(weights, rows, inputs, levels), target[rows]
        if is_binary:
            return jnp.mean(jnp.logaddexp(0.0, outputs) - wanted * outputs)
        return jnp.mean((outputs - wanted) ** 2)

    def fit(key: Any, inputs: Any, levels: Any, target: Any, train: Any, validation: Any, test: Any) -> Any:
        data = (inputs, levels, target)
        weights = first_weights(key, width, len(levels), int(levels_most) + 1)
        moments = (jax.tree.map(jnp.zeros_like, weights),) * 2

        def step(state: Any, rows: Any) -> tuple[Any, None]:
            weights, (first, second), count = state
            slope = jax.grad(loss)(weights, rows, *data)
            first = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, first, slope)
            second = jax.tree.map(lambda old, new: 0.999 * old + 0.001 * new**2, second, slope)
            rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            weights = jax.tree.map(
                lambda old, one, two: old - rate * one / (jnp.sqrt(two) + 1e-7), weights, first, second
            )
            return (weights, (first, second), count + 1), None

        def epoch(state: Any, key: Any) -> tuple[Any, tuple[Any, Any]]:
            order = jax.random.permutation(key, train)[: steps * batch].reshape(steps, batch)
            state, _ = jax.lax.scan(step, state, order)
            return state, (loss(state[0], validation, *data), loss(state[0], test, *data))

        return jax.lax.scan(epoch, (weights, moments, 1.0), jax.random.split(key, EPOCHS))[1]

    levels_most = levels.max(initial=0)
    keys = jax.random.split(jax.random.key(0), len(parts))
    arrays = (
        inputs.astype(np.float32),
        levels,
        np.stack(targets).astype(np.float32),
        train,
        validation,
        test,
    )
    chosen, measured = map(np.asarray, jax.jit(jax.vmap(fit))(keys, *arrays))
    return measured[np.arange(len(parts)), chosen.argmin(axis=1)].astype(np.float64)


def first_weights(key: Any, width: int, tables: int, levels: int) -> dict[str, Any]:
    """Return the weights of an untrained network: Glorot's uniform kernels, small embeddings."""
    import jax
    import jax.numpy as jnp

    keys = iter(jax.random.split(key, 3 + tables))
    sizes = [width + tables * EMBEDDED, UNITS, UNITS, 1]
    kernels = [
        jax.random.uniform(next(keys), (fan_in, fan_out), minval=-1, maxval=1)
        * np.sqrt(6 / (fan_in + fan_out))
        for fan_in, fan_out in itertools.pairwise(sizes)
    ]
    return {
        "tables": [0.05 * jax.random.normal(next(keys), (levels, EMBEDDED)) for _ in range(tables)],
        "hidden": [(kernel, jnp.zeros(UNITS)) for kernel in kernels[:-1]],
        "last": kernels[-1],
        "offset": jnp.zeros(()),
    }


def simulate(*, matters: bool, rows: int = 5_000, levels: int = 1_000) -> Case:
    """Return a table of two classes, three numbers and a column of levels with Zipf's frequencies."""
    rng = np.random.default_rng(0)
    chances = 1 / np.arange(1, levels + 1)
    codes = rng.choice(levels, rows, p=chances / chances.sum())
    numbers = rng.normal(size=(rows, 3))
    effects = rng.normal(size=levels) * matters
    logits = numbers[:, 0] - 0.5 * numbers[:, 1] * numbers[:, 2] + effects[codes]
    frame = pl.DataFrame(numbers, schema=["a", "b", "c"]).with_columns(
        pl.Series("level", [f"L{code}" for code in codes.tolist()]),
        pl.Series("y", rng.random(rows) < 1 / (1 + np.exp(-logits))),
    )
    return Case(frame, "y", ("level",), is_binary=True)


def read(
    name: str, target: str, *many: str, drop: Sequence[str] = (), is_binary: bool = False
) -> Callable[[Path], Case]:
    """Return what reads a case from a file in a folder; rows without a target are left out."""

    def of(folder: Path) -> Case:
        frame = pl.read_csv(folder / name, null_values=MISSING, infer_schema_length=None)
        return Case(frame.drop(*drop).drop_nulls(target), target, many, is_binary)

    return of


def each() -> Iterator[tuple[str, Callable[[Words, Rows], Floats]]]:
    """Yield the encodings by name."""
    yield "left out", nothing
    for most in (10, 20, 30, 50):
        yield f"top {most}", top(most)
        yield f"top {most} + frequency", both(top(most), frequency)
    yield "top 20 of 10 rows + frequency", both(top(20, least=10), frequency)
    yield "frequency", frequency
    for width in (16, 32, 64):
        yield f"hash {width} signed", hashed(width, is_signed=True)
        yield f"hash {width}", hashed(width, is_signed=False)
    yield EMBEDDING, nothing


EMBEDDED = 4
EMBEDDING = f"embedding of {EMBEDDED}"
ENCODINGS = dict(each())
SIMULATED: dict[str, Callable[[], Case]] = {
    "levels matter": lambda: simulate(matters=True),
    "levels mean nothing": lambda: simulate(matters=False),
}
READ = {
    "Sacramento": read("Sacramento.csv", "price", "zip", "city", drop=("latitude", "longitude")),
    "titanic": read(
        "kaggle_titanic.csv", "Survived", "Ticket", "Cabin", drop=("Name", "PassengerId"), is_binary=True
    ),
    "mpg": read("mpg_seaborn.csv", "mpg", "name"),
}


if __name__ == "__main__":
    main()
