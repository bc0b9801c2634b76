"""Build the sdist and the wheel into dist/, and try the wheel as a user would, on each supported Python of this machine.

    python tools/try_wheel.py                # every Python that pyproject.toml names; those not found are said
    python tools/try_wheel.py 3.12 3.13      # these, which must be found

The build is `python -m build`: the wheel is made from the sdist. For each Python a fresh environment gets the wheel and,
from the index, what it asks for; nothing of the checkout can be imported there. It exits with 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
CLASSIFIER = "Programming Language :: Python :: "
SECONDS = 600  # a command that takes longer hangs

LOG = "epoch,loss,val_loss\n" + "".join(f"{n},{1 / (n + 1)},{0.5 + 0.01 * (n - 8) ** 2}\n" for n in range(30))

# (command, texts that its output holds). The study is the default one, on the packaged table, cut short.
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("--version", ("justright",)),
    ("--help", ("Usage:", "diagnose", "doctor")),
    ("data higgs-sim", ("binary",)),
    ("run --max-epochs 4 --seeds 1 --out study", ("Tiny", "underfits", "report.html")),
    ("show study", ("Tiny", "underfits")),
    ("report study", ("report.html",)),
    ("plot study history -o history.svg", ("history.svg",)),
    ("export study Tiny -o tiny.py", ("tiny.py",)),
    ("diagnose log.csv", ("overfits",)),
)
LIBRARY = """
import justright as jr
import keras

assert keras.backend.backend() == "jax"
result = jr.open_result("study")
assert len(result.verdicts) == 7, result.verdicts
assert result.best.load().count_params() > 0
assert jr.read_table("higgs-sim").rows > 10_000
print("in", jr.__file__)
"""
VERSIONS = """
import platform
from importlib.metadata import version

print("Python " + platform.python_version(), *(f"{name} {version(name)}" for name in ("jax", "keras", "numpy", "polars")), sep=", ")
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, look into both files, and try the wheel on each Python."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="X.Y", help="only these Pythons, which must be found")
    wanted = parser.parse_args(arguments).versions
    found = {version: find_python(version) for version in wanted or supported_versions()}
    for version in (version for version, python in found.items() if python is None):
        print(f"Python {version}: not on this machine{'' if wanted else ', left out'}.")
    if (wanted and None in found.values()) or not any(found.values()):
        return 1
    with tempfile.TemporaryDirectory(prefix="justright-wheel-") as folder:
        sdist, wheel = build(Path(folder) / "build")
        faults = [*faults_of_wheel(wheel), *faults_of_sdist(sdist)]
        for version, python in found.items():
            if python is not None:
                faults += [
                    f"Python {version}: {each}" for each in try_wheel(wheel, python, Path(folder) / version)
                ]
    for fault in faults:
        print(f"FAILED {fault}")
    return 1 if faults else 0


def supported_versions() -> list[str]:
    """Return the Pythons that pyproject.toml names, such as 3.11."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [each.removeprefix(CLASSIFIER) for each in project["classifiers"] if each.startswith(CLASSIFIER)]
    return [name for name in names if re.fullmatch(r"\d+\.\d+", name)]


def find_python(version: str) -> str | None:
    """Return an interpreter of that version: this one, one of pyenv, or one on the PATH that starts."""
    if version == "{}.{}".format(*sys.version_info):
        return sys.executable
    of_pyenv = sorted(PYENV.glob(f"versions/{version}.*/bin/python"))
    for candidate in (*map(str, reversed(of_pyenv)), shutil.which(f"python{version}")):
        # A shim on the PATH may be there without a Python behind it.
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    return None


def build(folder: Path) -> tuple[Path, Path]:
    """Return the sdist and the wheel that `python -m build` writes into an emptied dist/."""
    shutil.rmtree(DIST, ignore_errors=True)
    python = make_environment(sys.executable, folder, "build")
    subprocess.run([python, "-m", "build", "--outdir", DIST, ROOT], check=True, capture_output=True)
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    print(f"{sdist.name}: {sdist.stat().st_size:,} bytes; {wheel.name}: {wheel.stat().st_size:,} bytes")
    return sdist, wheel


def make_environment(python: str, folder: Path, *packages: str) -> Path:
    """Return the interpreter of a new virtual environment with `packages`."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = folder / "bin" / "python"
    pip = [inside, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    subprocess.run([*pip, *packages], check=True)
    return inside


def package_files() -> set[str]:
    """Return what the package holds in the checkout, as paths inside the wheel."""
    source = ROOT / "src"
    files = (path for path in (source / "justright").rglob("*") if path.is_file())
    return {path.relative_to(source).as_posix() for path in files if path.parent.name != "__pycache__"}


def faults_of_wheel(wheel: Path) -> Iterator[str]:
    """Yield what the wheel lacks, and what it holds besides the package and its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    expected = package_files()
    for name in sorted(expected - names):
        yield f"{wheel.name} lacks {name}"
    for name in sorted(names - metadata - expected):
        yield f"{wheel.name} holds {name}, which is no file of the package"
    for ending in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        if not any(name.endswith(f".dist-info/{ending}") for name in metadata):
            yield f"{wheel.name} lacks {ending}"


def faults_of_sdist(sdist: Path) -> Iterator[str]:
    """Yield what an sdist lacks that its tests and its citation need."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "tests/conftest.py",
        "docs/licences.md",
    ):
        if needed not in names:
            yield f"{sdist.name} lacks {needed}"


def try_wheel(wheel: Path, python: str, folder: Path) -> Iterator[str]:
    """Yield what goes wrong with the wheel in a fresh environment of `python`."""
    started = time.monotonic()
    inside = make_environment(python, folder / "environment", str(wheel))
    installed = time.monotonic()
    outside = folder / "outside"
    outside.mkdir()
    (outside / "log.csv").write_text(LOG)
    command = inside.with_name("justright")
    steps: list[tuple[list[object], tuple[str, ...]]] = [([inside, "-m", "pip", "check"], ("No broken",))]
    steps += [([command, *line.split()], texts) for line, texts in COMMANDS]
    steps += [([inside, "-c", LIBRARY], (str(folder),))]
    for step, texts in steps:
        yield from faults_of_step(step, texts, outside)
    if (outside / "study" / "report.html").stat().st_size < 10_000:
        yield "the report is nearly empty"
    versions = subprocess.run(
        [inside, "-c", VERSIONS], check=True, capture_output=True, text=True
    ).stdout.strip()
    print(
        f"{versions}: installed in {installed - started:.0f} s, tried in {time.monotonic() - installed:.0f} s"
    )
    shutil.rmtree(folder)  # a gigabyte each


def faults_of_step(step: Sequence[object], texts: Sequence[str], folder: Path) -> Iterator[str]:
    """Yield what is wrong with one command: its exit code, a text it lacks, or a warning of Python's."""
    said = " ".join(Path(part).name if isinstance(part, Path) else str(part).strip() for part in step)
    ended = subprocess.run(
        [str(part) for part in step],
        cwd=folder,
        env={
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "PYTHONHOME", "KERAS_BACKEND")
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    output = ended.stdout + ended.stderr
    if ended.returncode != 0:
        yield f"`{said}` exits with {ended.returncode}:\n{output}"
        return
    for text in texts:
        if text not in output:
            yield f"`{said}` does not say {text!r}:\n{output}"
    if warned := re.findall(r"^.*\b\w*Warning: .*$", output, re.MULTILINE):
        yield f"`{said}` warns: {'; '.join(warned)}"


if __name__ == "__main__":
    sys.exit(main())
