"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def spellings(docs_tool) -> dict[str, list[str]]:
    """Return command -> its arguments and options as they are typed."""
    return {
        name: [docs_tool.spelling(parameter) for parameter in command.params]
        for name, command in docs_tool.commands().items()
    }


def test_the_generated_pages_are_up_to_date(docs_tool):
    """`make docs` would change nothing."""
    assert docs_tool.stale_pages() == []


def test_every_command_and_option_is_in_the_command_line_page(docs_tool):
    """A flag without a line in the documents does not exist for its users."""
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command, listed in spellings(docs_tool).items():
        assert f"## justright {command}\n" in page
        for spelling in listed:
            assert f"`{spelling}" in page, spelling


def test_every_option_the_readme_names_exists(docs_tool):
    """No command in the README can fail for its flags."""
    known = {spelling for listed in spellings(docs_tool).values() for spelling in listed} | {"--logdir"}
    for line in re.findall(r"^ *(?:\$ )?justright .*", README, flags=re.MULTILINE):
        for option in re.findall(r"(?<![\w-])--[a-z-]+", line):
            assert option in known, line


def test_every_link_to_a_file_resolves():
    """Links from one document to another."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_finding_has_a_page_and_no_page_lags_behind(docs_tool):
    """A code in an answer leads to a page; a page whose code is gone is deleted with it."""
    from justright.logs.finding_pages import PAGES

    pages = {path.stem for path in (ROOT / "docs" / "findings").glob("JR*.md")}
    assert pages == {page.code for page in PAGES}
    index = (ROOT / "docs" / "findings" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\[(JR\d+)\]\(\1\.md\)", index) == [page.code for page in PAGES]


def test_every_code_that_a_reading_gives_has_a_page():
    """No finding is made of a code written by hand."""
    from justright.logs.finding_pages import PAGES

    used = {
        code
        for path in (ROOT / "src" / "justright").rglob("*.py")
        for code in re.findall(r"\bJR\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert used <= {page.code for page in PAGES}


def keys_of(value):
    """Return every key in nested plain values."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list | tuple) else set()


def test_every_key_of_a_reading_is_in_the_page_on_logs():
    """Its tables are made of docstrings: a key that one of them leaves out is missing in the page."""
    import justright as jr

    page = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8").split("## Keys of `--json`")[1]
    values = {
        "loss": [0.5**epoch for epoch in range(30)],
        "val_loss": [abs(epoch - 10) + 9 for epoch in range(30)],
    }
    found = keys_of(jr.diagnose(values | {"val_accuracy": [0.5] * 30}).to_dict())
    assert {"worsening", "basis", "evaluations"} <= found
    documented = set(re.findall(r"`(\w+)`", page))
    assert found - documented == set()


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
