"""What is installed is what is written down: the locks, the software bill of materials and the licence list agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(path):
    """Return name -> version of a lock file, for every platform."""
    requirements = [
        Requirement(line) for line in re.findall(r"^[A-Za-z0-9][^\n\\]*", path.read_text(), re.MULTILINE)
    ]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in requirements}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_locked_package_has_a_version_and_a_hash(path):
    """So that no one between the index and us can exchange a file."""
    entries = re.findall(r"^[A-Za-z0-9].*\n(?:[ \t].*\n)*", path.read_text(), re.MULTILINE)
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), entry.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


def test_lowest_versions_are_the_bounds_of_the_project():
    """`make test-lowest` tests what pyproject.toml promises, not something newer."""
    lowest = locked(ROOT / "requirements" / "lowest.txt")
    for text in PROJECT["project"]["dependencies"]:
        requirement = Requirement(text)
        (bound,) = [each.version for each in requirement.specifier if each.operator == ">="]
        found = Version(lowest[canonicalize_name(requirement.name)])
        assert found.release[: len(Version(bound).release)] == Version(bound).release, text


def test_the_extras_for_gpus_take_the_jax_of_the_project():
    """A plug-in fits one version of JAX only: another bound would be another JAX."""
    (jax,) = [line for line in PROJECT["project"]["dependencies"] if Requirement(line).name == "jax"]
    for extra, of_jax in (("cuda", "cuda13"), ("cuda12", "cuda12")):
        (text,) = PROJECT["project"]["optional-dependencies"][extra]
        requirement = Requirement(text)
        assert (requirement.name, requirement.extras) == ("jax", {of_jax})
        assert requirement.specifier == Requirement(jax).specifier


@pytest.mark.parametrize("name", ["run", "test", "lowest"])
def test_no_lock_of_run_or_test_holds_libraries_for_gpus(name):
    """They are several GB, and `make run` and `make test` use none of them."""
    packages = locked(ROOT / "requirements" / f"{name}.txt")
    assert [one for one in packages if re.match(r"nvidia|cuda|jax-(?!lib)", one)] == []


def test_the_bill_of_materials_lists_every_locked_package(tmp_path):
    """The command of `make sbom`, and its file against the lock it was made from."""
    pytest.importorskip("cyclonedx_py", reason="only in the environment of `make test`")
    makefile = (ROOT / "Makefile").read_text()
    arguments = (
        re.search(r"-m cyclonedx_py (.*?)\n\n", makefile, re.DOTALL).group(1).replace("\\\n", " ").split()
    )
    out = tmp_path / "sbom.json"
    arguments[arguments.index("--output-file") + 1] = str(out)
    command = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    bill = json.loads(out.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {canonicalize_name(each["name"]): each["version"] for each in bill["components"]}
    assert listed == locked(ROOT / "requirements" / "run.txt")
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    assert bill["metadata"]["component"]["name"] == PROJECT["project"]["name"]


def test_the_licence_page_is_what_the_metadata_say():
    """`make licences` would change nothing; where other versions are installed than locked, nothing can be said."""
    from importlib.metadata import PackageNotFoundError, version

    for name, wanted in locked(ROOT / "requirements" / "run.txt").items():
        try:
            is_locked_version = version(name) == wanted
        except PackageNotFoundError:
            continue  # for another platform, as its marker says
        if not is_locked_version:
            pytest.skip(f"needs the locked versions: {name} is {version(name)}, locked is {wanted}")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "licences.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
