"""HIGGS is a plug-in: no code outside its package names it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import justright

SOURCE = Path(justright.__file__).parent
# Files that may name it, and why.
ALLOWED = {"plugins.py": "lists the plug-ins that come with the package"}


def code_that_names_it(path: Path) -> Iterator[str]:
    """Yield each identifier and string with HIGGS in it; docstrings and comments may use it as an example."""
    tree = ast.parse(path.read_text())
    texts = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        values = [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
        if id(node) not in texts and any("higgs" in value.lower() for value in values):
            yield f"{path.relative_to(SOURCE).as_posix()}:{getattr(node, 'lineno', '?')}"


def test_nothing_outside_names_higgs():
    """So that another domain can be added, or this one left out, without a change anywhere else."""
    files = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] != "higgs"]
    found = [place for path in files for place in code_that_names_it(path)]
    assert [place for place in found if place.split(":")[0] not in ALLOWED] == []


def test_the_check_sees_names_strings_and_imports(tmp_path, monkeypatch):
    """Each line but the docstring is found."""
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    path = tmp_path / "x.py"
    path.write_text('"""Like higgs."""\nimport a.higgs\nHIGGS = 1\nb = "higgs-sim"\nread_higgs()\nc.higgs\n')
    assert {place.split(":")[1] for place in code_that_names_it(path)} == {"2", "3", "4", "5", "6"}
