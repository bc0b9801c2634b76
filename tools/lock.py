"""Write the lock files in requirements/: exact versions and SHA-256 hashes, for every platform and Python >= 3.11.

    python tools/lock.py             # keep the locked versions, follow changes of pyproject.toml
    python tools/lock.py --upgrade   # take the newest versions

| file | what it is for |
|---|---|
| run.txt | `make run`: the package's dependencies, and the build backend that installs the package itself |
| test.txt | `make test`, `make lint`, `make types`: run.txt and the tools |
| torch-cpu.txt | `make test`: a CPU build of torch, taken where pip is set up to find it |
| torch.txt | `make test`: PyPI's torch, for where there is no CPU build, and torch's pure Python dependencies |
| torch-cuda.txt | the libraries that PyPI's torch for Linux cannot be imported without; a CPU build needs none |
| lowest.txt | `make test-lowest`: the oldest versions that pyproject.toml allows |
| site.txt | `make site`: what makes the documentation site, in an environment of its own |

The extras that nothing here installs are in no lock: `cuda` and `cuda12` are several GB, and their versions follow from
that of JAX, which is locked.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
OLDEST_PYTHON = "3.11"
TEST_GROUPS = ("build", "lint", "types", "test", "supply-chain")

# PyTorch's own CPU build (CPython 3.11, Linux x86_64). It is not on PyPI, where torch for Linux is a CUDA build of
# several GB. It has a file of its own because pip prefers, among allowed hashes, one that an index page names.
TORCH_CPU = """\
torch==2.13.0+cpu \\
    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
"""

# Everything that only a CUDA build of torch needs. Triton belongs here: torch imports it only to compile for a GPU.
CUDA_PACKAGE = re.compile(r"(nvidia|cuda|triton)\b")


def main() -> None:
    """Resolve and write all lock files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = ("--upgrade",) if parser.parse_args().upgrade else ()
    run, test, lowest = (REQUIREMENTS / name for name in ("run.txt", "test.txt", "lowest.txt"))
    write(run, compile_lock(run, *groups("build"), *upgrade))
    write(test, compile_lock(test, *groups(*TEST_GROUPS), *constrained_by(run), *upgrade))
    # Nothing locked before is kept: a package that became a direct dependency would stay above its bound.
    write(lowest, compile_lock(None, *groups("build", "test"), "--resolution", "lowest-direct"))
    write_torch_locks(constraints=constrained_by(test), upgrade=upgrade)
    site = REQUIREMENTS / "site.txt"
    write(site, compile_lock(site, "--group", "site", *upgrade))


def groups(*names: str) -> tuple[str, ...]:
    """Return uv's arguments for these dependency groups, besides the package's own dependencies."""
    return ("pyproject.toml", *(argument for name in names for argument in ("--group", name)))


def constrained_by(path: Path) -> tuple[str, str]:
    """Return uv's arguments for keeping to the versions in `path`, which is named relative to the checkout."""
    return ("--constraints", path.relative_to(ROOT).as_posix())


def compile_lock(current: Path | None, *arguments: str) -> str:
    """Return the lock file's text; versions in `current`, if any, are kept where they still fit.

    Without index addresses: whoever installs decides where from, the hashes decide what.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        if current is not None and current.exists():
            output.write_text(current.read_text())
        command = [sys.executable, "-m", "uv", "pip", "compile", *arguments, "--quiet"]
        command += ["--universal", "--python-version", OLDEST_PYTHON, "--fork-strategy", "fewest"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--output-file", str(output)]
        subprocess.run(command, cwd=ROOT, check=True)
        return output.read_text()


def write_torch_locks(*, constraints: tuple[str, str], upgrade: tuple[str, ...]) -> None:
    """Resolve torch once; what only a CUDA build needs goes into a file of its own."""
    path = REQUIREMENTS / "torch.txt"
    entries = split_entries(compile_lock(path, "--group", "torch", *constraints, *upgrade))
    cuda = [entry for entry in entries if CUDA_PACKAGE.match(entry)]
    write(path, "".join(entry for entry in entries if entry not in cuda))
    write(REQUIREMENTS / "torch-cuda.txt", "".join(cuda))
    write(REQUIREMENTS / "torch-cpu.txt", TORCH_CPU)


def split_entries(text: str) -> list[str]:
    """Return the requirements of a lock file, each with its hashes and comments."""
    return re.findall(r"^[A-Za-z0-9].*\n(?:[ \t].*\n)*", text, flags=re.MULTILINE)


def write(path: Path, text: str) -> None:
    """Write the lock file under a header that says how it is made."""
    header = "# Written by `make lock` from pyproject.toml; do not edit.\n"
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    path.write_text(header + body)
    print(f"{path.relative_to(ROOT)}: {len(split_entries(body))} packages")


if __name__ == "__main__":
    main()
