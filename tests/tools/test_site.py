"""The site shows every public name and document, its links lead to pages of its own, and it asks no other server."""

from __future__ import annotations

import importlib

import pytest
from tools.site_pages import (
    MEMBERS,
    OUTSIDE_DOCS,
    ROOT,
    SECTIONS,
    bars_in_tables,
    moved_links,
    reference,
    requests_elsewhere,
)

import justright as jr


def test_the_reference_has_every_public_name_once():
    """A name that is added is missing there until someone says under which heading it belongs."""
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(jr.EXPORTS)


def test_the_reference_names_what_is_there():
    """Each directive leads to a class or function of the package, under the name by which users know it."""
    text = reference(jr.EXPORTS)
    paths = [line.removeprefix("::: ") for line in text.splitlines() if line.startswith("::: ")]
    assert "justright.session.result.Result" in paths
    for path in paths:
        module, _, name = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), path
    for shown in (shown for members in MEMBERS.values() for shown in members):
        assert f'heading: "{shown}"' in text


def test_documents_from_elsewhere_exist():
    """A document that is moved takes its page with it."""
    assert [source for source in OUTSIDE_DOCS if not (ROOT / source).is_file()] == []


@pytest.mark.parametrize(
    ("page", "link", "moved"),
    [
        ("index.md", "docs/gpu.md#check", "gpu.md#check"),
        ("index.md", "CHANGELOG.md", "changelog.md"),
        ("five-minutes.md", "../README.md#ten-lines-of-code", "index.md#ten-lines-of-code"),
        ("notebook.md", "../examples/overfit_and_underfit.ipynb", "examples/overfit_and_underfit.ipynb"),
        ("findings/JR101.md", "../diagnose.md", "../diagnose.md"),
        ("findings/JR101.md", "README.md", "README.md"),
        ("benchmark-programs.md", "../docs/faults.md", "faults.md"),
        ("contributing.md", "docs/command-line.md", "command-line.md"),
        ("gpu.md", "#memory", "#memory"),
        ("gpu.md", "https://example.org/docs/a.md", "https://example.org/docs/a.md"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(page, link, moved):
    """On a code host and on the site, a link leads to the same text."""
    assert moved_links(f"See [it]({link}).", page) == f"See [it]({moved})."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<script src="https://example.org/a.js"></script>', 1),
        ('<link rel="stylesheet" href="//example.org/a.css">', 1),
        ("@import url(https://example.org/a.css);", 1),
        ('<img alt="" src="report.png"><a href="https://example.org">a page to follow</a>', 0),
        ('<link rel="stylesheet" href="../assets/a.css"> a { background: url(data:image/png;base64,AA) }', 0),
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_found(text, found):
    """Only what a browser fetches by itself; links are for people."""
    assert len(requests_elsewhere(text)) == found


def test_a_bar_in_the_code_of_a_table_is_shown_without_its_backslash():
    """GitHub wants one there; elsewhere on a page it is text."""
    assert (
        bars_in_tables("| `A\\|<B>` | `C` |\n`A\\|B`") == "| <code>A&#124;&lt;B&gt;</code> | `C` |\n`A\\|B`"
    )
