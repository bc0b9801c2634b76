"""`justright diagnose`: what it prints, writes and refuses, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.log_readings import make_run
from tests.refusals import refusal
from typer.testing import CliRunner

from justright.cli.main import command_line
from justright.cli.optional_files import with_values
from justright.logs.choices import Choices
from justright.session.reading import Reading

runner = CliRunner()


@pytest.fixture
def readings(monkeypatch):
    """Return a function that lets every log hold given runs, and the choices that logs are read with."""
    choices = []

    def hold(*runs, refused=()):
        def read_path(path, chosen):
            choices.append(chosen)
            return Reading(runs, refused)

        monkeypatch.setattr("justright.session.reading.read_path", read_path)
        return choices

    return hold


def call(*arguments, width=100):
    """Run `justright diagnose`."""
    return runner.invoke(command_line(), ["diagnose", *map(str, arguments)], env={"COLUMNS": str(width)})


def test_a_log_that_turned_is_said_to_overfit(log):
    """From the file to the label, through everything."""
    done = call(log)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].startswith(f"{log}: ↑ overfits")


def test_what_can_be_read_is_shown_and_the_rest_exits_with_2(log, tmp_path):
    """As `cat` does: what can be read is shown, what cannot is named."""
    missing = str(tmp_path / "none.csv")
    done = call(missing, log, "--json")
    assert (done.exit_code, len(json.loads(done.stdout))) == (2, 1)
    assert done.stderr == f"justright: A training log must exist; there is no {missing!r}.\n"
    only = call(missing, "--json")
    assert (only.exit_code, only.stdout, only.stderr) == (2, "", done.stderr)


def test_json_holds_one_object_for_each_run(log):
    """Keys as `RunReading.to_dict` has them."""
    (reading,) = json.loads(call(log, "--json").stdout)
    assert (reading["label"], reading["best_at"], reading["format"]) == ("overfits", 30.0, "keras-csv")


def test_what_the_user_says_of_names_reaches_the_reader(readings):
    """Every option, and those that repeat in their order."""
    choices = readings(make_run())
    done = call(
        *("a.csv", "--train", "t", "--validation", "v", "--validation", "w", "--step", "s", "--epoch", "e"),
        *("--metric", "m", "--maximize", "a", "--maximize", "b"),
        *("--minimize", "c", "--run", "r", "--columns", "x,y"),
    )
    assert done.exit_code == 0
    assert choices == [Choices("t", ("v", "w"), "s", "e", "m", ("a", "b"), ("c",), ("x", "y"), "r")]


def test_files_are_written_and_written_again(readings, tmp_path):
    """A report of ours is replaced; what was written is named."""
    readings(make_run())
    files = [tmp_path / name for name in ("r.md", "r.html", "r.png", "r.svg", "r.pdf")]
    for plot in files[2:]:
        for _ in range(2):
            done = call("a.csv", "--markdown", files[0], "--html", files[1], "--plot", plot)
            assert done.exit_code == 0, done.stderr
            assert done.stdout.splitlines()[-3:] == [f"Written: {file}" for file in (*files[:2], plot)]
    assert [file.read_bytes()[:8].strip()[:5] for file in files] == [
        *(b"<!-- ", b"<!doc", b"\x89PNG\r", b"<?xml", b"%PDF-")
    ]


def test_without_a_file_page_and_markdown_are_printed(readings):
    """And nothing else is; a log behind the option stays a log."""
    readings(make_run())
    assert call("--html", "a.csv").stdout.startswith("<!doctype html>\n")
    assert call("--markdown", "a.csv").stdout.startswith("<!-- justright diagnose -->\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--html"], ["--html=-"]),
        (["--html", "log.csv"], ["--html=-", "log.csv"]),
        (["--html", "A.HTML", "log.csv"], ["--html=A.HTML", "log.csv"]),
        (["--markdown", "a.html"], ["--markdown=-", "a.html"]),
        (["--markdown", "--html", "a.html"], ["--markdown=-", "--html=a.html"]),
        (["--html=a.html", "--json"], ["--html=a.html", "--json"]),
        (["--", "--html", "log.csv"], ["--", "--html", "log.csv"]),
    ],
)
def test_a_file_is_taken_only_with_its_ending(arguments, expected):
    """So that no log is ever overwritten by a page."""
    assert list(with_values(arguments)) == expected


def test_another_ending_is_refused():
    """Where the user insists on a file."""
    assert (
        refusal(list, with_values(["--html=log.csv"]))
        == "`--html` takes a FILE that ends in .html; got 'log.csv'. Rename it."
    )


def test_unusable_outputs_are_refused_before_anything_is_read(readings, tmp_path):
    """Whole messages; each says what to do."""
    choices = readings(make_run())
    other = tmp_path / "notes.md"
    other.write_text("mine")
    page = tmp_path / "page.html"
    (tmp_path / "folder.html").mkdir()
    cases = {
        (page, "--html", page): f"`--html` must not replace the log; got {str(page)!r}. Name another file.",
        ("a.csv", "--markdown", other): (
            f"`--markdown` must not replace a file of other origin; {str(other)!r} is one. Name another file, or delete it."
        ),
        ("a.csv", "--html", tmp_path / "folder.html"): (
            f"`--html` takes a file; {str(tmp_path / 'folder.html')!r} is a folder. Name a file in it."
        ),
        ("a.csv", "--plot", "x.jpg"): "`--plot` takes a FILE that ends in .png, .svg, .pdf; got 'x.jpg'.",
        ("a.csv", "--plot", "x.png", "--plot", "y.png"): "`--plot` takes one FILE; got x.png, y.png.",
        ("a.csv", "b.csv", "--plot", "x.png"): "`--plot` draws one log; got 2. Call it for each of them.",
        ("a.csv", "--json", "--html"): (
            "Standard output takes one form; got --json and --html. Name a FILE for the others."
        ),
        ("a.csv", "--json", "--watch"): (
            "`--watch` prints short answers; got --json beside it. Name a FILE, which is written again each time."
        ),
        ("a.csv", "b.csv", "--watch"): (
            "`--watch` follows one file or folder; got 'a.csv', 'b.csv'. Call it for one of them."
        ),
        ("-", "--watch"): "`--watch` follows one file or folder; got '-'. Call it for one of them.",
        ("a.csv", "--fail-on", "overfit"): (
            "`--fail-on` must be one of 'overfits', 'overfits by loss only', 'still improving', 'flat', 'diverged', "
            "'unstable', 'too short', 'undecided'; got 'overfit'. Did you mean 'overfits'?"
        ),
    }
    for arguments, message in cases.items():
        done = call(*arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"justright: {message}\n")
    assert choices == []
    assert other.read_text() == "mine"


def test_fail_on_exits_with_1_and_says_which_run(readings):
    """Any of the labels; an earlier attempt does not count."""
    readings(make_run("flat", name="a"), make_run(name="b"), make_run("diverged", name="c", is_earlier=True))
    met = call("x.csv", "--fail-on", "diverged,overfits")
    assert (met.exit_code, met.stderr) == (1, "justright: --fail-on was met: b overfits.\n")
    assert call("x.csv", "--fail-on", "diverged").exit_code == 0


def test_files_of_a_folder_that_cannot_be_read_are_named(readings):
    """Beside the answer; they do not fail the command."""
    readings(make_run(), refused=("'x.csv' is empty.",))
    done = call("folder")
    assert (done.exit_code, done.stderr) == (0, "justright: 'x.csv' is empty.\n")


def test_explain_prints_the_page_of_a_code_and_needs_no_log():
    """However it is spelled; an unknown code lists those there are."""
    done = call("--explain", "jr101")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "JR101: Overfits")
    assert "How it is decided" in done.stdout
    unknown = call("--explain", "JR999")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("justright: `code` must be one of 'JR101', ")


def test_watch_tells_what_changed_until_a_label_is_met(monkeypatch, tmp_path):
    """The same answer is not told twice; files are written each time."""
    growing = make_run("still improving", name="log")
    page = tmp_path / "page.html"

    def watch(path, choices, *, say):
        assert (path, choices) == (Path("log.csv"), Choices())
        say("There is no 'log.csv' yet: waiting for it.")
        yield Reading((growing,))
        assert "log is still improving" in page.read_text()
        yield Reading((growing,))
        yield Reading((make_run(name="log"),))
        raise AssertionError("the label was met")

    monkeypatch.setattr("justright.session.growing_log.watch", watch)
    done = call("log.csv", "--watch", "--fail-on", "overfits", "--html", page)
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("log: ")] == [
        "log: ↓ still improving",
        "log: ↑ overfits",
    ]
    assert done.stderr == (
        "There is no 'log.csv' yet: waiting for it.\njustright: --fail-on was met: log overfits.\n"
    )


def test_ctrl_c_ends_watching_with_130(monkeypatch):
    """As it ends every other command."""

    def watch(path, choices, *, say):
        yield Reading((make_run("flat"),))
        raise KeyboardInterrupt

    monkeypatch.setattr("justright.session.growing_log.watch", watch)
    done = call("log.csv", "--watch")
    assert (done.exit_code, done.stderr) == (130, "justright: interrupted.\n")


def test_the_library_gives_the_same_outputs():
    """`Reading` has them as methods."""
    run = make_run()
    reading = Reading((run, replace(run, is_earlier=True)))
    assert reading.html().startswith("<!doctype html>")
    assert reading.markdown().startswith("<!-- justright diagnose -->")
    assert reading._repr_html_().startswith('<iframe sandbox="allow-scripts"')
    assert reading.plot().get_title() == "metrics.csv: overfits"
