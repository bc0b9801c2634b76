"""Options of a study, each written once: the commands, the library and the documentation all read them here.

An option is one field: its name, type, default, help text and check. Nothing here imports NumPy or Keras, so
`justright run --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from justright.data.checks import check_whole
from justright.data.readers.registry import format_names
from justright.data.sources import default_source, described_sources, sources
from justright.errors import InputError, check_one_of
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.workers.watch import HANG_SECONDS

DEFAULT_SOURCE = default_source().name
DEFAULT_STUDY = "quick"
# The built-in studies as the help text lists them: the registry itself imports NumPy. A test holds the two together.
STUDY_NAMES = ("quick", "tutorial", "sizes", "regularizers", "remedies", "data", "neighbours")

Check = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class Described:
    """What a field says about an option besides its name, type and default.

    Args:
        help: the help text; None for an option that only the library has.
        metavar: the placeholder for the value in help texts; '' for none.
        flag: the option on the command line; None derives it from the field's name.
        least: the smallest number that the command line allows.
        check: raises InputError for a value that cannot be used; not called for None.
        is_argument: whether it is a positional argument on the command line.
    """

    help: str | None
    metavar: str = ""
    flag: str | None = None
    least: float | None = None
    check: Check | None = None
    is_argument: bool = False


def option(help: str | None, *, default: Any = None, **described: Any) -> Any:  # noqa: A002, ANN401  # as Typer's
    """Return the field of an option; further arguments are those of `Described`."""
    return field(default=default, metadata={"option": Described(help, **described)})


def at_least(least: int) -> dict[str, Any]:
    """Return `least` and `check` for an option that is a whole number."""
    return {"least": least, "check": partial(check_whole, least=least)}


def check_seconds(name: str, value: float) -> None:
    """Raise InputError unless `value` is a positive number of seconds."""
    if not value > 0:  # also NaN
        raise InputError(f"`{name}` must be more than 0 seconds; got {value!r}.")


class Options:
    """Base of the option classes: each value is checked when it is set."""

    __slots__ = ()

    def __post_init__(self) -> None:
        choices = choices_of(type(self))
        for name, described in descriptions(type(self)).items():
            value = getattr(self, name)
            if value is None:
                continue
            if name in choices:
                check_one_of(name, value, choices[name])
            if described.check:
                described.check(name, value)

    def given(self, kind: type[Any]) -> dict[str, Any]:
        """Return name -> value of the options that were given (neither their default nor empty) and are fields of `kind`."""
        defaults = {one.name: one.default for one in fields(type(self))}  # type: ignore[arg-type]  # subclasses are dataclasses
        names = [one.name for one in fields(kind) if one.name in defaults]
        values = {name: getattr(self, name) for name in names}
        return {
            name: value
            for name, value in values.items()
            if value not in ([], ()) and value is not defaults[name]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions(Options):
    """How the columns of a file are found, whatever they are taken for then. None lets the file say."""

    sep: str | None = option(
        "What separates columns, or 'whitespace'. [default: found from the text]", metavar="TEXT"
    )
    decimal: str | None = option("The decimal mark of numbers.", metavar="MARK")
    thousands: str | None = option("What groups the digits of large numbers.", metavar="MARK")
    encoding: str | None = option("The encoding of a text. [default: found]", metavar="NAME")
    header: bool | None = option(
        "Whether the first row names the columns. [default: found]", flag="--header/--no-header"
    )
    sheet: str | None = option("The sheet of a workbook, or the table of a database.", metavar="NAME")
    query: str | None = option("SQL for a database.", metavar="SQL")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(FileOptions):
    """Which table, and how it is read: arguments of `read_table`. None takes the default of `read_table`."""

    source: str | None = option(
        f"{described_sources()}, or a path or URL: {format_names()}; - is standard input. "
        f"[default: the study's own table, or {DEFAULT_SOURCE}]",
        metavar="SOURCE",
        is_argument=True,
    )
    target: str | None = option(
        "The column to predict, or its number in a file without a header.", metavar="COLUMN"
    )
    rows: int | None = option(
        "Keep only this many rows, drawn at random; with --head, the first.", metavar="N", **at_least(1)
    )
    head: bool = option("Take the first rows of --rows.", default=False)
    location: str | None = option(
        f"Read {' or '.join(source.name for source in sources().values() if source.is_remote)} from here, not from its own address.",
        metavar="PATH_OR_URL",
        flag="--from",
    )
    task: Literal["binary", "multiclass", "regression"] | None = option(
        "The kind of target. [default: found from its values]"
    )
    missing: list[str] | None = option(
        "A text that means no value, besides the usual ones (NA, ?, ...). Repeat for more.", metavar="TEXT"
    )
    drop: list[str] | None = option("Leave out a column. Repeat for more.", metavar="COLUMN")
    keep: list[str] | None = option(
        "Keep a column that would be left out, such as an identifier.", metavar="COLUMN"
    )
    categorical: list[str] | None = option("Take a column for categories.", metavar="COLUMN")
    numeric: list[str] | None = option("Take a column for numbers.", metavar="COLUMN")
    group: str | None = option(
        "Rows with equal values here stay in one part of the split. It is no feature.", metavar="COLUMN"
    )
    time: str | None = option("Validate and test on later rows than those that train.", metavar="COLUMN")
    weights: str | None = option(
        "How much each row counts: in training, and wherever losses and metrics are averaged. It is no feature.",
        metavar="COLUMN",
    )
    min_class_rows: int | None = option(
        "Merge classes with fewer rows into one, 'other'.", metavar="N", **at_least(1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions(TableOptions):
    """What is trained, and on which rows: arguments of `prepare_study`. None keeps what the study says.

    An option named like a field of `Recipe` replaces it in the study's recipe.
    """

    test: str | None = option("A second table, whose rows only measure.", metavar="FILE")
    validation: str | None = option("A second table, whose rows choose the epoch.", metavar="FILE")
    study: str | None = option(
        f"{', '.join(STUDY_NAMES)}, or a study file. [default: the study in DIR, or {DEFAULT_STUDY}]",
        metavar="NAME|FILE.toml",
    )
    of: str | None = option(
        "With --study remedies or neighbours: the network they are for, of the study in DIR or of quick.",
        metavar="NAME",
    )
    neighbours: bool | None = option(
        "Whether a study of one network also trains a wider, a narrower, a regularized and a longer trained one, which show "
        "what would help. [default: it does]",
        flag="--neighbours/--no-neighbours",
    )
    trust: bool = option(
        "Open the files and addresses that the study in DIR names, though you have not named them yourself.",
        default=False,
    )
    # `Study` checks it: it knows the upper limit.
    seeds: int | None = option("Runs per variant, each from its own random start.", metavar="N", least=1)
    max_epochs: int | None = option("End every run after this many epochs.", metavar="N", **at_least(1))
    patience: int | None = option(
        "Stop a run this many epochs after its best epoch.", metavar="N", **at_least(1)
    )
    stop: Literal["patience", "settled"] | None = option(
        "settled: also stop a run once neither its best epoch nor its verdict can plausibly change. "
        "[default: settled for quick, else patience]",
    )
    batch_size: int | None = option("Training rows per step.", metavar="N", **at_least(1))
    class_weight: Literal["balanced"] | None = option(
        "Let all classes count alike in training, however rare."
    )
    weighted_rows: Literal["all", "train"] | None = option(
        "Where --weights count: for all rows, or train for the training loss alone. [default: as in DIR, or all]"
    )
    precision: Literal["auto", "float32", "tensorfloat32", "bfloat16"] | None = option(
        "Of matrix products: bfloat16 is faster where the device supports it, tensorfloat32 on NVIDIA GPUs; the networks are "
        "equally good. [default: auto, what Keras takes on the device]"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(Options):
    """How a study is trained, without effect on its numbers: arguments of `run_study` and `Study.run`."""

    workers: int | None = option(
        "Processes that train at the same time. [default: one per core; on GPUs one for each, and further ones that gain]",
        metavar="N",
        **at_least(1),
    )
    engine: Literal["local", "ray"] = option(
        "Where runs train: this machine, or a Ray cluster.", default="local"
    )
    ray_address: str | None = option(
        "Address of the Ray cluster. [default: start Ray on this machine]", metavar="A"
    )
    devices_per_run: int | None = option(
        "Accelerators that train one network together. [default: one, or as many as its memory takes]",
        metavar="N",
        **at_least(1),
    )
    checkpoint_seconds: float = option(
        "Seconds of training between checkpoints: the most that a kill or a power cut can cost.",
        default=CHECKPOINT_SECONDS,
        metavar="S",
        least=0.1,
        check=check_seconds,
    )
    # How long a worker may be silent and idle before it is ended and its runs are tried again.
    hang_seconds: float = option(None, default=HANG_SECONDS, check=check_seconds)
    # Whether idle workers wait a minute for the next study of this process, which then starts at once.
    keep_workers: bool = option(None, default=False)
    new: bool = option("Start in a fresh folder next to DIR if DIR holds a study.", default=False)

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if self.ray_address is not None and self.engine != "ray":
            raise InputError(
                f"`--ray-address` needs --engine ray; got --engine {self.engine}. Give both, or neither."
            )
        if self.devices_per_run is not None and self.engine != "local":
            raise InputError(
                f"`--devices-per-run` needs --engine local; got --engine {self.engine}. Leave one of them out."
            )


def descriptions(kind: type[Any]) -> Mapping[str, Described]:
    """Return name -> description of every option of a class, in the order of its fields."""
    return {one.name: one.metadata["option"] for one in fields(kind)}


def choices_of(kind: type) -> Mapping[str, tuple[str, ...]]:
    """Return name -> allowed values of the options whose type is a `Literal`, or one or None."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for part in parts:
            if get_origin(part) is Literal:
                found[name] = get_args(part)
    return found


def flag_of(kind: type, name: str) -> str:
    """Return how the command line spells an option.

    Example:
        >>> flag_of(TableOptions, "location"), flag_of(StudyOptions, "max_epochs")
        ('--from', '--max-epochs')
    """
    return descriptions(kind)[name].flag or f"--{name.replace('_', '-')}"
