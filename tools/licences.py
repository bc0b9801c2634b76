"""Write docs/licences.md: under which licence each locked run-time dependency comes, as its own metadata says.

    python tools/licences.py           # write the page
    python tools/licences.py --check   # exit with 1 when the page is out of date

A dependency whose metadata names no licence, or one that is not in `KNOWN`, stops the program: somebody has to look.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "run.txt"
PAGE = ROOT / "docs" / "licences.md"

# Licences that may stand beside Apache-2.0 in one distribution. All are permissive but MPL-2.0, whose condition
# concerns changed copies of its own files only.
KNOWN = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
        "BSD-3-Clause-Open-MPI",
        "GCC-exception-3.1",
        "LicenseRef-scipy-openblas",
    }
)

# What older metadata calls a licence -> its SPDX expression. Those that say "BSD" were looked at: all have three clauses.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

# Looked up by hand where the metadata is silent or names no licence exactly: name -> SPDX expression.
LOOKED_UP = {
    "namex": "Apache-2.0",  # says its LICENSE file; its metadata says nothing
}

HEADER = """\
# Licences

justright is under the Apache License 2.0. Installed beside it, from `requirements/run.txt`; written by
`make licences` from the packages' own metadata. Extras install more: `cuda` and `cuda12` JAX's plug-in (Apache-2.0) and
NVIDIA's libraries, which come under NVIDIA's own licence and not an open one.

| package | version | licence |
|---|---|---|
"""


def main() -> None:
    """Write the page, or compare it with what would be written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 when the page is out of date"
    )
    check = parser.parse_args().check
    page = render_page(read_lock(LOCK.read_text()))
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        sys.exit(f"{PAGE.relative_to(ROOT)} is out of date; run `make licences`.")


def read_lock(text: str) -> list[Requirement]:
    """Return the requirements of a lock file that are for this platform and Python."""
    lines = re.findall(r"^[A-Za-z0-9][^\n\\]*", text, flags=re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


def render_page(requirements: list[Requirement]) -> str:
    """Return the page: a row for each package, by name."""
    rows = []
    for requirement in sorted(requirements, key=lambda each: each.name):
        licence = find_licence(requirement.name, metadata(requirement.name))
        rows.append(f"| {requirement.name} | {str(requirement.specifier).removeprefix('==')} | {licence} |\n")
    return HEADER + "".join(rows)


def find_licence(name: str, info: PackageMetadata) -> str:
    """Return a package's licence as an SPDX expression.

    Looks at `License-Expression` (PEP 639), then the trove classifiers, then `License`.

    Raises:
        SystemExit: the metadata names none, or one that nobody has looked at yet.
    """
    looked_up = LOOKED_UP.get(canonicalize_name(name))
    classifiers = [
        line.split(" :: ")[-1] for line in info.get_all("Classifier", []) if line.startswith("License ::")
    ]
    specific = [each for each in classifiers if each != "OSI Approved"]
    said = looked_up or info.get("License-Expression") or info.get("License") or " OR ".join(specific)
    if not said or (len(said) > 100 and specific):  # some packages put the licence's whole text there
        said = " OR ".join(specific)
    expression = SPDX.get(said, said)
    unknown = set(re.findall(r"[A-Za-z0-9.-]+", expression)) - KNOWN - {"AND", "OR", "WITH"}
    if not expression or unknown:
        sys.exit(
            f"{name}: the licence {said!r} is not in KNOWN of tools/licences.py. Look at it, then add it."
        )
    return expression


if __name__ == "__main__":
    main()
