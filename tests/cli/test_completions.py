"""What Tab completes, in each shell, and that it answers without the libraries that train."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from justright.cli import completions
from justright.cli.main import command_line

STUDY = """
[variants.Tiny]
group = "sizes"
[variants."L2 + Dropout"]
group = "regularizers"
[variants.Large]
group = "sizes"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with studies in it, one level deep and two, and folders without one."""
    for name in ("runs/houses", "runs/higgs", "alone", "my study"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "study.db").touch()
        (folder / "study.toml").write_text(STUDY)
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / ".hidden").mkdir()
    (tmp_path / "data.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["alone", "my study", "runs/higgs", "runs/houses"]),
        ("ru", ["runs/higgs", "runs/houses"]),
        ("runs/ho", ["runs/houses"]),
        ("./runs/h", ["./runs/higgs", "./runs/houses"]),
        ("~/al", ["~/alone"]),
        ("~nobody-of-this-name/", []),
        ("data", []),
        ("nowhere/a", []),
        ("runs/houses/", []),
    ],
)
def test_study_folders_are_found_however_a_path_begins(here, typed, found):
    """Folders without a study are none, and the beginning stays as it was typed."""
    assert completions.study_folders(typed) == found


def test_an_absolute_path_is_completed(here):
    """As what is pasted from a report is."""
    assert completions.study_folders(f"{here}/runs/hi") == [f"{here}/runs/higgs"]


def test_a_tab_looks_at_a_limited_number_of_folders(here, monkeypatch):
    """At the top of a large disk it must not hang."""
    monkeypatch.setattr(completions, "MAX_FOLDERS", 3)
    assert set(completions.study_folders("")) <= {"alone", "my study"}


def completed(monkeypatch, line, shell="fish"):
    """Return what a shell is told to offer at the end of a line."""
    monkeypatch.setenv("_JUSTRIGHT_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    done = CliRunner().invoke(command_line(), [], prog_name="justright")
    return [offered.split("\t")[0] for offered in done.stdout.splitlines() if offered]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("justright ex", ["export"]),
        ("justright show ru", ["runs/higgs", "runs/houses"]),
        ("justright compare alone ru", ["runs/higgs", "runs/houses"]),
        ("justright export alone T", ["Tiny"]),
        ("justright export alone c", ["curves"]),
        ("justright export alone Tiny --as o", ["onnx"]),
        ("justright export alone Tiny --se", ["--seed"]),
        ("justright plot alone ro", ["roc"]),
        ("justright plot alone history --group ", ["sizes", "regularizers"]),
        ("justright plot alone history --variants Tiny,", ["Tiny,L2 + Dropout", "Tiny,Large"]),
        ("justright predict alone rows.csv --variant L", ["L2 + Dropout", "Large"]),
        ("justright predict data rows.csv --variant L", []),
        ("justright run hi", ["higgs-sim", "higgs"]),
        ("justright run ", []),
        ("justright data higgs-", ["higgs-sim"]),
        ("justright run --study re", ["regularizers", "remedies"]),
        ("justright run --precision f", ["float32"]),
        ("justright run data.csv --out alone --of T", ["Tiny"]),
        ("justright run --fail-on overfits,und", ["overfits,underfits", "overfits,undecided"]),
        ("justright diagnose --fail-on too", ["too short"]),
        ("justright diagnose lo", []),
    ],
)
def test_commands_options_and_names_are_completed(here, monkeypatch, line, offered):
    """Names are those of the study on the same line; nothing is offered where the shell's own files are meant."""
    assert completed(monkeypatch, line) == offered


@pytest.mark.parametrize(
    "content", ["", "variants = 3", "variants.Tiny = 3", "no TOML", "\udcff", "# " + "x" * 1_000_000]
)
def test_a_study_file_that_cannot_be_read_is_no_completion(here, content):
    """There is no place for a message at a Tab."""
    (here / "alone" / "study.toml").write_text(content, errors="surrogateescape")
    folder = SimpleNamespace(name="folder")
    context = SimpleNamespace(params={"folder": "alone"}, args=[], command=SimpleNamespace(params=[folder]))
    assert completions.groups(context, "") == []


def test_zsh_gets_help_texts_with_their_brackets(here, monkeypatch):
    """`[default: ...]` is no markup; Rich, where Typer asks it, would take it for some."""
    done = complete_in_a_process(here, "zsh", _TYPER_COMPLETE_ARGS="justright export alone T --se")
    assert (
        done.stdout
        == """_arguments '*: :(("--seed":"Which of the variant''s runs. [default\\\\: its best]"))'\n"""
    )


def complete_in_a_process(
    folder, shell, program="from justright.cli.main import main; main()", **environment
):
    """Return the finished process that answers a shell."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"_JUSTRIGHT_COMPLETE": f"complete_{shell}"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_completing_imports_no_library_of_numbers(here):
    """A shell waits for it at every Tab."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "from justright.cli.main import main\n"
        "main()\n"
    )
    done = complete_in_a_process(
        here, "bash", program, COMP_WORDS="justright\nexport\nalone\n", COMP_CWORD="3"
    )
    words = done.stdout.split("\n")
    assert words[:3] == ["Tiny", "L2\\ +\\ Dropout", "Large"]
    modules = set(words[-2].split())
    assert "justright.cli.completions" in modules
    assert not modules & {"numpy", "polars", "keras", "jax", "matplotlib", "rich.console"}


BASH = """
source <(justright --show-completion)
for typed in "my" '"my' alo; do
    COMP_WORDS=(justright show "$typed"); COMP_CWORD=2; COMPREPLY=()
    _justright_completion justright
    echo "${COMPREPLY[@]}"
done
"""


@pytest.fixture
def bash(here, monkeypatch):
    """Bash, with a `justright` on its path."""
    found = shutil.which("bash")
    if found is None:
        pytest.skip("needs bash")
    command = here / "justright"
    command.write_text(f'#!{found}\nexec "{sys.executable}" -m justright "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")

    def run(program):
        done = subprocess.run([found, "-c", program], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_bash_puts_a_space_onto_the_line_escaped_unless_it_is_quoted(bash):
    """Bash takes what it gets as it is: an unescaped space would make two arguments."""
    assert bash(BASH) == (0, "my\\ study\nmy study\nalone\n", "")


def test_install_completion_lets_bash_read_it_at_its_start(here, bash):
    """One command, once; the next shell completes."""
    code, told, errors = bash("justright --install-completion; true")
    file = here / ".bash_completions" / "justright.sh"
    assert (code, told.splitlines()[0], errors) == (0, f"bash completion installed in {file}", "")
    assert f"source '{file}'" in (here / ".bashrc").read_text()
    assert "complete -o default -F _justright_completion justright" in file.read_text()


def test_a_home_that_cannot_be_written_is_told(here, bash):
    """No traceback of Typer's, and the exit code of bad input."""
    (here / ".bashrc").mkdir()
    code, _, errors = bash("justright --install-completion; exit $?")
    assert code == 2
    assert errors == (
        f"justright: To install completion, '{here}/.bashrc' must be writable; it is not: Is a directory. Have the lines "
        "printed by --show-completion, and put them where your shell reads them.\n"
    )


def test_an_unknown_shell_is_told_with_the_way_out(here, monkeypatch):
    """A cron job or a notebook is no shell; exit code 1 would mean a verdict."""
    done = complete_in_a_process(
        here,
        "bash",
        "import os, shellingham, sys\n"
        "del os.environ['_JUSTRIGHT_COMPLETE']\n"
        "shellingham.detect_shell = lambda: ('nu', '/bin/nu')\n"
        "from justright.cli.main import main\n"
        "main(['--show-completion'])\n",
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "justright: Completion needs a command that bash, zsh, fish or PowerShell started. Start it from there, or print what "
        "such a shell reads at its start: `_JUSTRIGHT_COMPLETE=source_zsh justright`."
    )
