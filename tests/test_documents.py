"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def docs_tool():
    """Return tools/docs.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_tool", ROOT / "tools" / "docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_up_to_date():
    """`make docs` would change nothing."""
    assert docs_tool().stale_pages() == []


def test_every_command_and_option_is_in_the_command_line_page():
    """A flag without a line in the documents does not exist for its users."""
    from justright.cli.catalogue import list_commands

    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command, spellings in list_commands().items():
        assert f"## justright {command}\n" in page
        for spelling in spellings:
            assert f"`{spelling}" in page, spelling


def test_every_option_the_readme_names_exists():
    """No command in the README can fail for its flags."""
    from justright.cli.catalogue import list_commands

    known = {spelling for spellings in list_commands().values() for spelling in spellings} | {"--logdir"}
    for line in re.findall(r"^ *(?:\$ )?justright .*", README, flags=re.MULTILINE):
        for option in re.findall(r"(?<![\w-])--[a-z-]+", line):
            assert option in known, line


def test_every_link_to_a_file_resolves():
    """Links from one document to another."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_the_readmes_python_runs(tmp_path):
    """The ten lines of code, in a process of their own, as a reader would paste them."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        script = tmp_path / "readme.py"
        script.write_text(block, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.slow
def test_every_example_runs(example, tmp_path):
    """Each in a process of its own and an empty folder."""
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
