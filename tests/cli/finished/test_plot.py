"""`justright plot`: every kind becomes a picture, and what cannot be drawn is one sentence."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from matplotlib import pyplot as plt
from typer.testing import CliRunner

from benchmarks.scaling import Study, build_folder
from justright.cli.finished import plot as command
from justright.cli.main import command_line
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.session.outputs import judge_folder
from justright.session.plot_kinds import KINDS
from justright.session.result import Result

runner = CliRunner()
FIRST_BYTES = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A judged study of two networks; treat it as read-only."""
    path = tmp_path_factory.mktemp("plots") / "study"
    build_folder(path, Study(variants=2, seeds=2, rows=60))
    with StudyFolder.open(path, "resume") as opened, Store(opened) as store:
        judge_folder(store, tomllib.loads(opened.study_path.read_text()))
    return path


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Pictures are written where the command is called; no figure stays open."""
    monkeypatch.chdir(tmp_path)
    before = plt.get_fignums()
    yield
    assert plt.get_fignums() == before


def call(*arguments: object) -> tuple[int, str, str]:
    """Run `justright plot` and return its exit code and what it printed."""
    done = runner.invoke(command_line(), ["plot", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("ending", FIRST_BYTES)
def test_the_ending_chooses_the_form(folder, tmp_path, ending):
    """A PNG, an SVG or a PDF; the path is printed."""
    file = tmp_path / f"a{ending}"
    assert call(folder, "capacity", "-o", file) == (0, f"{file}\n", "")
    assert file.read_bytes().startswith(FIRST_BYTES[ending])


def test_without_a_name_the_picture_is_called_after_its_kind(folder, tmp_path):
    """In the working folder."""
    assert call(folder, "capacity") == (0, "capacity.png\n", "")
    assert (tmp_path / "capacity.png").stat().st_size > 1_000


def test_curves_are_drawn_as_the_options_say(folder, monkeypatch):
    """Each option reaches the library's call."""
    asked: dict[str, Any] = {}

    def plot(self, metric=None, **options):
        asked.update(options, metric=metric)
        return plt.subplots()[1]

    monkeypatch.setattr(Result, "plot", plot)
    options = (
        "--metric",
        "loss",
        "--variants",
        "v2,v1",
        "--smoothing-std",
        "2",
        "--ylim",
        "0.5,0.7",
        "--log-x",
    )
    assert call(folder, "history", *options) == (0, "history.png\n", "")
    assert asked == {
        "metric": "loss",
        "group": None,
        "variants": ["v2", "v1"],
        "smoothing_std": 2.0,
        "ylim": (0.5, 0.7),
        "log_x": True,
    }


def test_pictures_are_light_whatever_the_user_s_own_style(folder, tmp_path):
    """And the same study gives the same file."""
    usual, dark = tmp_path / "usual.svg", tmp_path / "dark.svg"
    call(folder, "capacity", "-o", usual)
    with plt.style.context("dark_background"):
        call(folder, "capacity", "-o", dark)
    assert dark.read_bytes() == usual.read_bytes()


def test_help_names_every_kind():
    """The list of kinds in the help text is that of the library."""
    told = command.plot.__doc__ or ""
    assert all(
        f"{kind} " in told or f"{kind}," in told or f"{kind}\n" in told for kind in ("history", *KINDS)
    )
    assert call("--help")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("pie",),
            (
                "`KIND` must be one of 'history', 'fit', 'effects', 'capacity', 'data', 'schedule', 'roc', 'precision_recall', "
                "'calibration', 'confusion', 'residuals'; got 'pie'."
            ),
        ),
        (
            ("fit", "-o", "x.jpg"),
            "`--out` must end in .png, .svg, .pdf; got 'x.jpg'. Name the file otherwise.",
        ),
        (
            ("fit", "--log-x", "--metric", "loss"),
            "Only the plot 'history' takes `--metric` and `--log-x`; got 'fit'. Leave out what it does not take.",
        ),
        (
            ("fit", "--variants", "v1"),
            "`variant` must be left out for the plot 'fit', which shows all networks; got 'v1'.",
        ),
        (
            ("roc", "--variants", "v1,v2"),
            "The plot 'roc' shows one network; got 'v1', 'v2'. Name one of them.",
        ),
        (
            ("history", "--ylim", "low,0.7"),
            "`ylim` must be two finite numbers, the lower one first; got ('low', '0.7'). Leave it out to show all values.",
        ),
        (("history", "--metric", "los"), None),
        (("data",), None),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(folder, tmp_path, arguments, message):
    """Nothing is written then."""
    code, printed, told = call(folder, *arguments)
    assert (code, printed) == (2, "")
    assert told.startswith("justright: ")
    assert told.count("\n") == 1
    assert message is None or told == f"justright: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_picture(folder, tmp_path):
    """Its name may end like one."""
    (tmp_path / "x.png").mkdir()
    assert call(folder, "fit", "-o", "x.png") == (
        2,
        "",
        "justright: `--out` must be a file; 'x.png' is a folder. Name a file in it.\n",
    )


def test_a_folder_without_a_study_is_refused(tmp_path):
    """As by every command."""
    code, printed, told = call(tmp_path / "nothing", "fit")
    assert (code, printed) == (2, "")
    assert told.startswith("justright: A study folder must be one that `justright run` wrote;")
