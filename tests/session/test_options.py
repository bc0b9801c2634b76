"""Options are written once: a field is an option of the command line and of the library, with its help and its check."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import typer
from tests.refusals import refusal
from typer.testing import CliRunner

from justright.cli import main
from justright.cli.parameters import takes_options
from justright.errors import InputError
from justright.session import options, prepare
from justright.session.options import (
    Options,
    RunOptions,
    StudyOptions,
    TableOptions,
    at_least,
    flag_of,
    option,
)
from justright.study.recipe import Recipe

runner = CliRunner()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreTableOptions(TableOptions):
    """The table's options and a toy one."""

    skip: int | None = option("Leave out this many rows at the start.", metavar="N", **at_least(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreStudyOptions(StudyOptions):
    """A study's options, as they are when the table's have the toy one."""

    skip: int | None = MoreTableOptions.__dataclass_fields__["skip"]


@takes_options(order=("source",))
def train(study_options: MoreStudyOptions, run_options: RunOptions) -> None:
    """Prepare a study, as `run` does."""
    prepare.prepare_study(study_options)


def test_an_added_field_is_an_option_everywhere(monkeypatch):
    """One field: in the help text, checked on the command line and in the library, and an argument of `read_table`."""
    asked = []

    def read(source, *, progress, **given):
        asked.append({"source": source} | given)
        raise InputError("That is all.")

    monkeypatch.setattr(prepare, "read_table", read)
    monkeypatch.setattr(prepare, "TableOptions", MoreTableOptions)
    monkeypatch.setattr(main, "COMMANDS", (train, *main.COMMANDS))
    app = main.command_line()

    said = " ".join(runner.invoke(app, ["train", "--help"]).stdout.split())
    assert "--skip N Leave out this many rows at the start. [x>=2]" in said
    refused = runner.invoke(app, ["train", "t.csv", "--skip", "1"])
    assert (refused.exit_code, asked) == (2, [])
    assert "Invalid value for '--skip'" in refused.stderr
    taken = runner.invoke(app, ["train", "t.csv", "--skip", "3"])
    assert (taken.exit_code, taken.stderr) == (2, "justright: That is all.\n")
    with pytest.raises(InputError, match=r"`skip` must be a whole number of at least 2; got 1\."):
        MoreStudyOptions(skip=1)
    with pytest.raises(InputError, match=r"That is all\."):
        prepare.prepare_study(MoreStudyOptions(source="u.csv"), skip=4)
    assert asked == [{"source": "t.csv", "skip": 3}, {"source": "u.csv", "skip": 4}]


def test_an_option_of_a_recipe_takes_its_place_in_the_study():
    """By its name alone: nothing else lists the recipe's options."""
    given = StudyOptions(max_epochs=7, stop="settled", rows=3).given(Recipe)
    assert given == {"max_epochs": 7, "stop": "settled"}


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (TableOptions, {"rows": 0}, "`rows` must be a whole number of at least 1; got 0."),
        (TableOptions, {"rows": True}, "`rows` must be a whole number of at least 1; got True."),
        (
            StudyOptions,
            {"stop": "settle"},
            "`stop` must be one of 'patience', 'settled'; got 'settle'. Did you mean 'settled'?",
        ),
        (RunOptions, {"workers": 1.5}, "`workers` must be a whole number of at least 1; got 1.5."),
        (
            RunOptions,
            {"ray_address": "auto"},
            "`--ray-address` needs --engine ray; got --engine local. Give both, or neither.",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_when_it_is_set(kind, values, message):
    """Wherever it comes from: before anything is read."""
    assert refusal(kind, **values) == message


@pytest.mark.parametrize("kind", [StudyOptions, RunOptions])
def test_every_option_of_the_command_line_says_what_it_is(kind):
    """No help text is missing, and no two options share a flag."""
    described = options.descriptions(kind)
    assert [
        name for name, one in described.items() if one.help is not None and not one.help.endswith((".", "]"))
    ] == []
    assert len({flag_of(kind, name) for name in described}) == len(described)


def test_a_command_s_own_parameter_takes_the_place_of_the_option_of_that_name():
    """`data` needs its SOURCE, which `run` may leave out; the command's own come last."""
    taken = []

    @takes_options(order=("rows",))
    def toy(table: TableOptions, source: str = typer.Argument(), loud: bool = False) -> None:
        taken.append((table, source, loud))

    app = typer.Typer()
    app.command()(toy)
    assert runner.invoke(app, ["--rows", "2"]).exit_code == 2
    assert runner.invoke(app, ["a.csv", "--rows", "2", "--loud"]).exit_code == 0
    assert taken == [(TableOptions(source="a.csv", rows=2), "a.csv", True)]
    assert issubclass(TableOptions, Options)


def test_the_help_of_commands_is_made_of_the_options():
    """Every option with a help text is in the help of `run`."""
    said = runner.invoke(main.command_line(), ["run", "--help"]).stdout
    for kind in (StudyOptions, RunOptions):
        for name, one in options.descriptions(kind).items():
            if one.help is not None and not one.is_argument:
                assert flag_of(kind, name).split("/")[0] in said
