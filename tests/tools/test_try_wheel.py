"""The check of the wheel: which Pythons it takes, and what it finds wrong with a file."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile

from tools import try_wheel


def write_wheel(path, names):
    """Return `path`, an archive of empty files with these names."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


def metadata():
    """Return the names of what a wheel holds besides the package."""
    return {
        f"justright-1.0.dist-info/{name}"
        for name in ("METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }


def test_the_supported_pythons_are_those_of_the_classifiers():
    """A Python that is added to pyproject.toml is tried, too."""
    assert try_wheel.supported_versions() == ["3.11", "3.12", "3.13", "3.14"]


def test_this_python_is_found_and_one_that_nobody_has_is_not():
    """What is not on the machine is left out, not an error."""
    assert try_wheel.find_python("{}.{}".format(*sys.version_info)) == sys.executable
    assert try_wheel.find_python("3.99") is None


def test_a_complete_wheel_has_no_fault(tmp_path):
    """The package's files and metadata, nothing else."""
    wheel = write_wheel(tmp_path / "a.whl", try_wheel.package_files() | metadata())
    assert list(try_wheel.faults_of_wheel(wheel)) == []


def test_a_wheel_without_the_table_or_with_tests_has_faults(tmp_path):
    """What is missing and what does not belong there are both named."""
    table = "justright/higgs/higgs_sim.parquet"
    names = try_wheel.package_files() - {table} | metadata() | {"tests/conftest.py"}
    assert list(try_wheel.faults_of_wheel(write_wheel(tmp_path / "a.whl", names))) == [
        f"a.whl lacks {table}",
        "a.whl holds tests/conftest.py, which is no file of the package",
    ]


def test_an_sdist_without_its_licence_has_a_fault(tmp_path):
    """Whoever packages it further needs these files."""
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("pyproject.toml", "README.md", "CITATION.cff", "tests/conftest.py", "docs/licences.md"):
            archive.addfile(tarfile.TarInfo(f"justright-1.0/{name}"), io.BytesIO())
    assert list(try_wheel.faults_of_sdist(path)) == ["a.tar.gz lacks LICENSE"]


def test_a_command_that_fails_lacks_a_text_or_warns_is_a_fault(tmp_path):
    """The exit code alone does not say that a command works."""

    def faults(code, *texts):
        return list(try_wheel.faults_of_step([sys.executable, "-c", code], texts, tmp_path))

    assert faults("print('fine')", "fine") == []
    assert [each.splitlines()[0] for each in faults("raise SystemExit(3)")] == [
        f"`{sys.executable} -c raise SystemExit(3)` exits with 3:"
    ]
    assert [each.splitlines()[0] for each in faults("print('fine')", "good")] == [
        f"`{sys.executable} -c print('fine')` does not say 'good':"
    ]
    warns = "import warnings; warnings.warn('old')"
    assert faults(warns) == [f"`{sys.executable} -c {warns}` warns: <string>:1: UserWarning: old"]
