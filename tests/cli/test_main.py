"""Exit codes, messages, and what the command line imports."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from justright import plugins
from justright.cli import exit_codes
from justright.cli.main import COMMANDS, command_line
from justright.cli.run import default_folder, resume_command
from justright.errors import FolderError, InputError
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.session.options import RunOptions, StudyOptions, choices_of
from justright.workers.watch import HANG_SECONDS

FRAMEWORKS = ("jax", "keras", "tensorflow", "torch")
LIBRARIES = ("numpy", "polars", "matplotlib", "scipy", "sklearn")

runner = CliRunner()


def start(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, and have it say at its end which modules it imported."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: open(sys.argv.pop(1), 'w').write(' '.join(sys.modules)))\n"
        "from justright.cli.main import main\n"
        "main(sys.argv[2:])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def imported(folder: Path, *arguments: str) -> set[str]:
    """Return the top-level modules that a command imported."""
    place = folder / "modules"
    done = start([str(place), *arguments])
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in place.read_text().split()}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small binary table with a column whose name is hostile, and classes in words."""
    path = tmp_path / "table.csv"
    path.write_text("x,[red]y,label\n" + "".join(f"{row**2},{row % 7},{row % 2}\n" for row in range(60)))
    return path


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, make: Any, tmp_path: Path) -> SimpleNamespace:
    """Stand-ins for the two calls behind `run`, which record what they got and return a result."""
    monkeypatch.setattr("justright.data.guards.registry.find_warnings", lambda split: ())
    calls = SimpleNamespace(
        said_before_report=[],
        prepared={},
        ran={},
        error=None,
        interrupted=False,
        repairs=(),
        summary=make.summary(),
    )

    def prepare_study(options: StudyOptions, **named: Any) -> Any:
        calls.prepared = asdict(options) | named
        if calls.error:
            raise calls.error
        return make.study()

    def run_study(study: Any, out: Path, options: RunOptions, **named: Any) -> Any:
        calls.ran = {"out": out} | asdict(options) | named
        for sink in named["sinks"]:
            sink.handle(make.end("Tiny", "finished"))
        result = {"schema_version": 1, "variants": [{"name": "Tiny", "best": float("nan")}]}
        return SimpleNamespace(
            summary=calls.summary,
            result=result,
            folder=tmp_path,
            interrupted=calls.interrupted,
            repairs=calls.repairs,
            try_report=lambda: calls.said_before_report.append(sys.stdout.buffer.getvalue().decode()),
        )

    for name, stand_in in {"prepare": prepare_study, "session": run_study}.items():
        module = ModuleType(f"justright.session.{name}")
        setattr(module, stand_in.__name__, stand_in)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return calls


def test_help_imports_neither_frameworks_nor_number_libraries(tmp_path):
    """The first answer a user gets must not wait for libraries it does not need."""
    assert not imported(tmp_path, "--help") & {*FRAMEWORKS, *LIBRARIES}


def test_help_of_every_command_is_as_light(tmp_path):
    """Options and examples of the largest command are plain text, too."""
    assert not imported(tmp_path, "run", "--help") & {*FRAMEWORKS, *LIBRARIES}


def test_diagnose_imports_no_framework(tmp_path, log):
    """Another tool's log is read without any of the frameworks."""
    assert not imported(tmp_path, "diagnose", str(log)) & set(FRAMEWORKS)


def test_data_imports_no_framework(tmp_path, table):
    """A table is described without any of the frameworks."""
    assert not imported(tmp_path, "data", str(table), "--target", "label") & set(FRAMEWORKS)


def test_the_modules_behind_show_report_and_plot_import_no_framework():
    """Reading a study folder and writing its report need no network."""
    program = (
        "import sys, justright.cli.finished.show, justright.cli.finished.report, justright.report.terminal.study_report, justright.session.result, justright.report\n"
        "import justright.cli.finished.plot, justright.session.make_displays, matplotlib.pyplot\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_run_hands_every_option_to_the_library(library, tmp_path):
    """Names as in the contract; what is not given is None, so that the library's default holds."""
    done = runner.invoke(
        command_line(),
        [
            *("run", "t.csv", "--target", "y", "--rows", "9", "--study", "sizes"),
            *("--out", str(tmp_path), "--seeds", "3"),
            *("--workers", "2", "--max-epochs", "5", "--patience", "4", "--stop", "settled"),
            *("--batch-size", "8", "--precision", "bfloat16"),
            *("--engine", "ray", "--ray-address", "a:1", "--test", "te.csv", "--validation", "va.csv"),
            *("--from", "f.gz", "--checkpoint-seconds", "2.5"),
            *("--new", "--quiet", "--trust", "--task", "binary"),
            *("--missing", "", "--missing", "n/a", "--categorical", "colour", "--numeric", "size"),
            *("--drop", "name", "--keep", "id", "--group", "g", "--time", "t"),
            *("--weights", "w", "--min-class-rows", "3"),
            *("--sep", ";", "--decimal", ",", "--thousands", "."),
            *("--encoding", "latin-1", "--no-header", "--head"),
            *("--sheet", "s", "--query", "q", "--class-weight", "balanced"),
            *("--weighted-rows", "train"),
            *("--of", "Large", "--no-neighbours"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert library.prepared == {
        "source": "t.csv",
        "target": "y",
        "rows": 9,
        "location": "f.gz",
        "task": "binary",
        "missing": ["", "n/a"],
        "categorical": ["colour"],
        "numeric": ["size"],
        "drop": ["name"],
        "keep": ["id"],
        "group": "g",
        "time": "t",
        "weights": "w",
        "min_class_rows": 3,
        "sep": ";",
        "decimal": ",",
        "thousands": ".",
        "encoding": "latin-1",
        "header": False,
        "head": True,
        "sheet": "s",
        "query": "q",
        "class_weight": "balanced",
        "weighted_rows": "train",
        "test": "te.csv",
        "validation": "va.csv",
        "study": "sizes",
        "of": "Large",
        "neighbours": False,
        "trust": True,
        "seeds": 3,
        "max_epochs": 5,
        "patience": 4,
        "stop": "settled",
        "batch_size": 8,
        "precision": "bfloat16",
        "folder": tmp_path,
        "progress": None,
    }
    command = library.ran.pop("command")
    assert command.startswith("justright")  # and what this process was called with
    assert library.ran == {
        "out": tmp_path,
        "workers": 2,
        "engine": "ray",
        "ray_address": "a:1",
        "devices_per_run": None,
        "sinks": [],
        "new": True,
        "checkpoint_seconds": 2.5,
        "hang_seconds": HANG_SECONDS,
        "report": False,  # drawn once the verdicts have been said
        "keep_workers": False,
    }


def test_run_without_arguments_is_the_quick_study_on_the_packaged_table(library):
    """The defaults of the command line."""
    assert runner.invoke(command_line(), ["run"]).exit_code == 0
    assert library.prepared.pop("progress") is not None
    assert library.prepared.pop("folder") == Path("runs/higgs-sim-quick")
    assert library.prepared.pop("trust") is False
    assert library.prepared.pop("head") is False
    assert set(library.prepared.values()) == {None}
    assert library.ran["out"] == Path("runs/higgs-sim-quick")


def test_results_go_to_stdout_and_progress_to_stderr(library):
    """Neither stream holds the other's lines."""
    done = runner.invoke(command_line(), ["run"])
    assert done.stderr.splitlines() == [
        (
            "t.csv: 3 features, target y (binary), rows: 10,000 train, 1,000 validation, 200 test; "
            "left out: 2 rows without a target."
        ),
        "Precision: float32.",
        "Tiny                       seed 0 finished after 400 epochs; best epoch 299, validation 0.5900",
    ]
    assert "Tiny is as good as Large on test rows." in done.stdout


def test_verdicts_are_said_before_the_report_is_drawn(library):
    """A report that takes long, fails, or ends the process hides nothing."""
    assert runner.invoke(command_line(), ["run", "--quiet"]).exit_code == 0
    (before,) = library.said_before_report
    assert "Tiny is as good as Large on test rows." in before
    assert "Folder " not in before
    library.interrupted = True
    runner.invoke(command_line(), ["run", "--quiet"])
    assert len(library.said_before_report) == 1


def test_quiet_shows_no_progress(library):
    """Nothing on stderr."""
    assert runner.invoke(command_line(), ["run", "--quiet"]).stderr == ""


def test_json_is_all_there_is_on_stdout(library):
    """A parser can read stdout as it is; NaN, which JSON has not, is null."""
    done = runner.invoke(command_line(), ["run", "--json"])
    assert json.loads(done.stdout) == {"schema_version": 1, "variants": [{"name": "Tiny", "best": None}]}


def test_a_verdict_named_by_fail_on_exits_with_1(library):
    """And says which variant it was."""
    done = runner.invoke(command_line(), ["run", "--quiet", "--fail-on", "overfits, diverged"])
    assert (done.exit_code, done.stderr) == (1, "justright: --fail-on was met: Large overfits.\n")


def test_a_verdict_that_a_network_has_as_well_counts(library):
    """A network that overfits most and underfits, too, is not let through by asking for the one."""
    library.summary["variants"][0]["verdict"] |= {"label": "overfits", "also": "underfits"}
    done = runner.invoke(command_line(), ["run", "--quiet", "--fail-on", "underfits"])
    assert (done.exit_code, done.stderr) == (1, "justright: --fail-on was met: Tiny underfits.\n")


def test_a_verdict_not_named_exits_with_0(library):
    """Only the labels asked for count."""
    assert runner.invoke(command_line(), ["run", "--fail-on", "diverged"]).exit_code == 0


def test_an_unknown_stopping_rule_is_refused_before_anything_trains(library):
    """The message names both that exist."""
    done = runner.invoke(command_line(), ["run", "--stop", "settle"])
    assert (done.exit_code, library.prepared) == (2, {})
    assert "'settle' is not one of 'patience', 'settled'." in " ".join(done.output.replace("│", " ").split())


def test_a_cluster_s_address_without_the_cluster_is_refused(library):
    """It would be ignored, and the study trained on this machine."""
    done = runner.invoke(command_line(), ["run", "--ray-address", "auto"])
    assert (done.exit_code, library.prepared) == (2, {})
    assert done.stderr == (
        "justright: `--ray-address` needs --engine ray; got --engine local. Give both, or neither.\n"
    )


def test_an_unknown_label_is_refused_before_anything_trains(library):
    """With the nearest label as a hint."""
    done = runner.invoke(command_line(), ["run", "--fail-on", "overfit"])
    assert (done.exit_code, library.prepared) == (2, {})
    assert done.stderr == (
        "justright: `--fail-on` must be one of 'overfits', 'underfits', 'just right', 'undecided', 'diverged'; "
        "got 'overfit'. Did you mean 'overfits'?\n"
    )


@pytest.mark.parametrize("error", [InputError, FolderError])
def test_bad_input_exits_with_2_and_one_message(library, error):
    """No traceback, the message as it was raised, control sequences written out."""
    library.error = error("Column 'a\x1b[2J' must be numeric.")
    done = runner.invoke(command_line(), ["run"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "justright: Column 'a\\x1b[2J' must be numeric.\n"


def test_a_bug_exits_with_70_its_traceback_and_what_to_report(library):
    """Code 1 belongs to --fail-on: a script must not take a crash for a verdict."""
    library.error = ZeroDivisionError("bug")
    done = runner.invoke(command_line(), ["run"])
    assert (done.exit_code, done.stdout) == (70, "")
    *trace, last = done.stderr.splitlines()
    assert (trace[0], trace[-1]) == ("Traceback (most recent call last):", "ZeroDivisionError: bug")
    assert last.startswith(
        "justright: this is a bug in justright, not in your input. Please report it with the lines above and the command: "
        "justright "
    )


def test_panics_of_compiled_libraries_are_bugs_too(library):
    """They are no `Exception`, and Python would end with code 1."""
    library.error = type("PanicException", (BaseException,), {})("unwrap")
    assert runner.invoke(command_line(), ["run"]).exit_code == 70


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "a.csv"),
            (
                "Every file must be usable; 'a.csv' is not: No space left on device. Free some space, and run the same "
                "command again."
            ),
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            (
                "Every file must be usable; one is not: Too many open files. Allow more open files, for instance with "
                "`ulimit -n 1024`."
            ),
        ),
        (
            MemoryError(),
            "There must be enough memory; it is used up. Use fewer rows or columns, or close some programs.",
        ),
    ],
    ids=["disk", "files", "memory"],
)
def test_what_the_machine_refuses_is_one_sentence(library, error, message):
    """Wherever it happens: nobody has to have thought of it there."""
    library.error = error
    done = runner.invoke(command_line(), ["run"])
    assert (done.exit_code, done.stderr) == (2, f"justright: {message}\n")


def test_a_study_without_any_measured_run_exits_with_3(library):
    """Its reasons are printed as always; a verdict that was asked for comes first."""
    for item in library.summary["variants"]:
        for run in item["runs"]:
            run["best_epoch"] = None
    done = runner.invoke(command_line(), ["run", "--quiet"])
    assert (done.exit_code, done.stderr) == (
        3,
        "justright: no run has a best epoch: nothing was measured. The reasons above say what went wrong.\n",
    )
    assert runner.invoke(command_line(), ["run", "--quiet", "--fail-on", "overfits"]).exit_code == 1


def test_the_help_text_lists_every_exit_code():
    """The constants are what is documented."""
    codes = {
        value for name, value in vars(exit_codes).items() if name.startswith("EXIT_") and name != "EXIT_CODES"
    }
    told = runner.invoke(command_line(), ["--help"]).stdout
    told = told[told.index("Exit codes: 0 done") :]
    assert codes == {1, 2, 3, 70, 130}
    assert {int(number) for number in re.findall(r"\b\d+\b", told.partition("A reader")[0])} == codes | {0}


@pytest.mark.parametrize("command", ["show", "report", "plot", "data", "diagnose", "init", "run"])
def test_names_that_are_no_text_are_refused(command):
    """Bytes that are not UTF-8 can be in no database, report or study file."""
    done = runner.invoke(command_line(), [command, "a\udcff.csv"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "justright: Arguments and names of files must be UTF-8 text; got 'a\\udcff.csv'. Rename the file.\n"
    )


@pytest.mark.parametrize("command", ["show", "report", "data", "diagnose", "init", "run"])
def test_names_that_no_file_can_have_exit_with_2(command):
    """A part of a path has at most 255 bytes."""
    done = runner.invoke(command_line(), [command, "x" * 300])
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(r"justright: [^\n]*File name too long\.[^\n]*\n", done.stderr)


def test_an_interrupted_study_exits_with_130_and_the_command_to_go_on(library, monkeypatch, tmp_path):
    """The table of what there is comes first; `--fail-on` does not judge half a study."""
    library.interrupted = True
    monkeypatch.setattr(sys, "argv", ["justright", "run", "--new"])
    done = runner.invoke(command_line(), ["run", "--quiet", "--new", "--fail-on", "overfits"])
    assert done.exit_code == 130
    assert done.stderr == (
        f"justright: interrupted; nothing recorded is lost. To go on: justright run --out {tmp_path}\n"
    )


def test_what_was_found_damaged_is_said_beside_the_results(library):
    """On stderr, a line each, so that `--json` stays JSON."""
    library.repairs = ("Model 'models/Tiny/seed-1.keras' is made again: it is missing.",)
    done = runner.invoke(command_line(), ["run", "--quiet", "--json"])
    assert done.exit_code == 0
    assert done.stderr == "justright: Model 'models/Tiny/seed-1.keras' is made again: it is missing.\n"
    json.loads(done.stdout)


def test_ctrl_c_outside_training_exits_with_130(library):
    """While a table is read nothing is there to resume."""
    library.error = KeyboardInterrupt()
    done = runner.invoke(command_line(), ["run"])
    assert (done.exit_code, done.stderr) == (130, "justright: interrupted.\n")


@pytest.mark.parametrize(
    "arguments",
    [["run", "--engine", "spark"], ["run", "--seeds", "0"], ["show"], ["train"], ["run", "--nosuch"]],
)
def test_wrong_usage_exits_with_2(arguments):
    """Typer's own errors share the code of bad input."""
    done = runner.invoke(command_line(), arguments)
    assert done.exit_code == 2
    assert "Error: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["show", "report"])
def test_a_folder_that_is_none_exits_with_2(command, tmp_path):
    """The message names the folder."""
    done = runner.invoke(command_line(), [command, str(tmp_path / "none")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("justright: ")
    assert repr(str(tmp_path / "none")) in done.stderr


def test_show_prints_the_table_again(monkeypatch, make, tmp_path):
    """The same view as at the end of a run."""
    result = SimpleNamespace(summary=make.summary(), result={"study": "quick"}, folder=tmp_path)
    monkeypatch.setattr("justright.session.result.open_result", lambda folder: result)
    shown = runner.invoke(command_line(), ["show", str(tmp_path)], env={"COLUMNS": "80"})
    assert "Large                 803,329    123  0.586  0.618±0.006  66.2±0.5 %  overfits" in shown.stdout
    assert json.loads(runner.invoke(command_line(), ["show", str(tmp_path), "--json"]).stdout) == {
        "study": "quick"
    }


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_reasons_are_printed_when_asked_for(library, monkeypatch, make, tmp_path, option):
    """By `show` and by `run`: else there is one sentence for each network."""
    summary = make.summary({"Tiny": "overfits"})
    summary["variants"][0]["verdict"]["reasons"] = ["The decisive one.", "Another."]
    result = SimpleNamespace(summary=summary, folder=tmp_path)
    monkeypatch.setattr("justright.session.result.open_result", lambda folder: result)
    assert "Another." in runner.invoke(command_line(), ["show", option, str(tmp_path)]).stdout
    brief = runner.invoke(command_line(), ["show", str(tmp_path)]).stdout
    assert "- Tiny, overfits: The decisive one." in brief
    assert "Another." not in brief
    said = [runner.invoke(command_line(), ["run", "--quiet", *more]).stdout for more in ((), (option,))]
    assert ["Tiny: undecided" in text for text in said] == [False, True]


def test_report_prints_the_path_and_nothing_else(monkeypatch, tmp_path):
    """So that a script can open it."""
    result = SimpleNamespace(summary={}, folder=tmp_path, write_report=lambda: tmp_path / "report.html")
    monkeypatch.setattr("justright.session.result.open_result", lambda folder: result)
    assert runner.invoke(command_line(), ["report", str(tmp_path)]).stdout == f"{tmp_path / 'report.html'}\n"


def test_data_describes_a_table(table):
    """Shape, task, classes, and a line a feature; markup in a name is text."""
    done = runner.invoke(command_line(), ["data", str(table), "--target", "label"], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{table}: 60 rows, 2 features, binary (two values, 0 and 1)"
    assert lines[1] == "Target label: 0 30 (50.0 %), 1 30 (50.0 %)"
    assert lines[5] == (
        "Warning: Only 15 test rows measure: a share of right answers is known to about ±25 percentage points, and most "
        "verdicts will stay open. Use more rows, or test on another file (--test FILE)."
    )
    assert [line.split()[0] for line in lines[9:]] == ["x", "[red]y"]


def test_data_as_json(table):
    """The library's own description."""
    done = runner.invoke(command_line(), ["data", str(table), "--target", "label", "--json"])
    description = json.loads(done.stdout)
    assert description["rows"] == 60
    assert [warning["kind"] for warning in description["warnings"]] == ["few rows"]


def test_init_writes_a_study_that_can_be_read(tmp_path):
    """Every line of the template that is not a comment is a valid study."""
    from justright.study.spec import read_spec, study_from_dict

    path = tmp_path / "study.toml"
    done = runner.invoke(command_line(), ["init", str(path)])
    assert (done.exit_code, done.stdout) == (
        0,
        f"Wrote {path}. Edit it, then: justright run --study {path}\n",
    )
    study = study_from_dict(read_spec(path))
    assert [variant.name for variant in study.variants] == ["Tiny", "Large", "Large, dropout"]
    assert study.split.sizes == {"train": 10_000, "validation": 1_000, "test": 13_000}


def test_init_fits_a_table(tmp_path, monkeypatch):
    """The default recipe and split would make two steps per epoch of 600 rows, and take the first ones."""
    from justright.data.split import PARTS
    from justright.study.spec import read_spec, study_from_dict
    from justright.study.studies import default_split, named_study

    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n % 7},{n % 5},{'yes' if n % 3 else 'no'}\n" for n in range(1_000))
    Path('a "b".csv').write_text(f"a,b,left\n{rows}")
    done = runner.invoke(command_line(), ["init", "--table", 'a "b".csv', "--target", "left"])
    assert (done.exit_code, done.stderr) == (0, "")
    study = study_from_dict(read_spec("study.toml"))
    table = study.split.table
    assert (table.source.source, table.target_name) == ('a "b".csv', "left")
    assert study.split.digest(*PARTS) == default_split(table).digest(*PARTS)
    quick = named_study("quick").recipe_for(study.split)
    found = study.recipe
    assert (found.batch_size, found.max_epochs, found.patience) == (
        quick.batch_size,
        quick.max_epochs,
        quick.patience,
    )


def test_init_takes_no_table_for_a_study_file(tmp_path):
    """`justright init houses.csv` is what people try first; a column without a table is nothing."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    assert runner.invoke(command_line(), ["init", str(path)]).stderr == (
        f"justright: A new study file must not exist yet; {str(path)!r} does. Give another name. For that table: justright init "
        f"--table {str(path)!r}.\n"
    )
    assert runner.invoke(command_line(), ["init", str(tmp_path / "s.toml"), "--target", "a"]).stderr == (
        "justright: `--target` names a column of --table; got 'a' alone. Give both.\n"
    )
    done = runner.invoke(command_line(), ["init", str(tmp_path / "s.toml"), "--table", "none.csv"])
    assert done.stderr.startswith("justright: `--table` must be 'higgs-sim'")


def test_init_keeps_an_existing_file(tmp_path):
    """Nobody's study is overwritten."""
    path = tmp_path / "study.toml"
    path.write_text("mine")
    done = runner.invoke(command_line(), ["init", str(path)])
    assert (done.exit_code, path.read_text()) == (2, "mine")
    assert (
        done.stderr
        == f"justright: A new study file must not exist yet; {str(path)!r} does. Give another name.\n"
    )


def test_a_terminal_without_unicode_gets_ascii(log, tmp_path):
    """Latin-1 and ASCII streams neither fail nor get characters they cannot hold."""
    for encoding in ("ascii", "latin-1"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = start([str(tmp_path / "modules"), "diagnose", str(log)], env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()


def test_the_command_line_lists_every_command_and_option(docs_tool):
    """What documents are checked against."""
    commands = {
        name: tuple(docs_tool.spelling(parameter) for parameter in command.params)
        for name, command in docs_tool.commands().items()
    }
    assert list(commands) == [
        *("run", "show", "compare", "predict", "report", "plot"),
        *("tensorboard", "export", "diagnose", "data", "init", "doctor"),
    ]
    assert commands["run"] == (
        *("SOURCE", "--target", "--rows", "--study", "--out"),
        *("--seeds", "--workers", "--max-epochs", "--patience"),
        *("--stop", "--batch-size", "--precision", "--engine", "--ray-address", "--task"),
        *("--missing", "--categorical", "--test", "--validation", "--of", "--neighbours", "--from"),
        *("--trust", "--sep", "--decimal", "--thousands"),
        *("--encoding", "--header", "--sheet", "--query", "--head"),
        *("--drop", "--keep", "--numeric", "--group", "--time"),
        *("--weights", "--min-class-rows", "--class-weight", "--weighted-rows"),
        *("--devices-per-run", "--checkpoint-seconds", "--new"),
        *("--fail-on", "--json", "--quiet", "--verbose"),
    )


TOY = '''
import typer

MEMBERS = {"commands": ("toy_plugin:greet",)}


def greet(name: str = typer.Argument(help="Who is greeted.", metavar="NAME"), loud: bool = False) -> None:
    """Say hello to somebody.

    Nothing is trained.
    """
    print(f"Hello {name}" + "!" * loud)
'''


@pytest.fixture
def toy_plugin(monkeypatch, tmp_path):
    """One file, installed, that lists a command."""
    (tmp_path / "toy_plugin.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "BUILT_IN", ("toy_plugin",))
    caches = (plugins.plugged_in, plugins._plugins, plugins._members)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()
    sys.modules.pop("toy_plugin", None)


@pytest.mark.usefixtures("toy_plugin")
def test_a_command_from_one_file_is_found_everywhere(docs_tool):
    """In the help text, by the name of its function; when it is called; and in the page that is made of the commands."""
    helped = runner.invoke(command_line(), ["--help"])
    assert [line.split(maxsplit=1) for line in helped.stdout.splitlines()[-2:]] == [
        ["doctor", "Say what networks train on here, and what is missing."],
        ["greet", "Say hello to somebody."],
    ]
    assert runner.invoke(command_line(), ["greet", "Ada", "--loud"]).stdout == "Hello Ada!\n"
    page = docs_tool.command_line_page()
    assert "## justright greet\n\nSay hello to somebody.\n\nNothing is trained.\n" in page
    assert "| `NAME` | Who is greeted. |" in page


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_every_command_has_a_first_line_that_fits_beside_its_name(command):
    """The help text of all commands cuts longer ones off."""
    first, _, rest = (command.__doc__ or "").partition("\n")
    assert len(first) <= 60
    assert first.endswith(".")
    assert rest.startswith("\n")


def test_the_default_folder_is_named_after_source_and_study():
    """Nothing in a source's name can leave the runs folder."""
    assert default_folder("https://x.org/a/../b?c=1.csv.gz", "my/own.toml") == Path("runs/b-c-1-own")
    assert default_folder("../..", "quick").parent == Path("runs")
    assert default_folder(None, None) == Path("runs/higgs-sim-quick")
    assert default_folder(None, "my/own.toml") == Path("runs/own")
    assert default_folder("rows.csv", "remedies", "My net") == Path("runs/rows-remedies-My-net")


def test_help_texts_state_the_library_s_own_values():
    """The options are light to import; what they say of registries and choices elsewhere is what those hold."""
    from justright.data.table import TASKS
    from justright.session.options import STUDY_NAMES
    from justright.study import recipe, studies
    from justright.study.study import WEIGHTED_ROWS
    from justright.workers.engines import ENGINES

    assert tuple(studies.studies()) == STUDY_NAMES
    assert choices_of(StudyOptions) == {
        "task": TASKS,
        "stop": recipe.STOPS,
        "class_weight": ("balanced",),
        "weighted_rows": WEIGHTED_ROWS,
        "precision": recipe.PRECISIONS,
    }
    assert choices_of(RunOptions) == {"engine": tuple(ENGINES)}
    assert CHECKPOINT_SECONDS <= 10  # the most that a kill may cost


def test_a_command_that_resumes_names_the_folder_once():
    """Both spellings of --out give way to the folder that was used."""
    assert resume_command(["run", "--out=a", "--out", "b", "x y"], Path("c")) == "justright run 'x y' --out c"
