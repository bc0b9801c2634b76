"""What the documentation site shows besides docs/, without MkDocs: pages from elsewhere, links between them, the reference."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Document of the repository -> page of the site. The README is its home.
OUTSIDE_DOCS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmark-programs.md",
}
BAR_IN_CODE = re.compile(r"`([^`]*\\\|[^`]*)`")
LINK = re.compile(r"(\]\()(?!https?://|#|mailto:)([^)#\s]+)")
# What a browser fetches by itself when it shows a page. Links that people follow are no part of it.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//[^"' >]+"""
    r"""|<link\b[^>]*\bhref=["']?(?:https?:)?//[^"' >]+"""
    r"""|(?:@import\s*|url\(\s*)["']?(?:https?:)?//[^"')]+"""
)

REFERENCE = """\
# Python

Everything that `import justright as jr` gives. A name is imported when it is first used, so `import justright` is quick.
"""
# Heading -> the public names below it.
SECTIONS = {
    "Tables": ("read_table", "Table", "Split", "tables"),
    "Studies": (
        "Study",
        "Variant",
        "Recipe",
        "mlp",
        "Mlp",
        "KerasConfig",
        "grid",
        "remedies",
        "learning_sizes",
        "run_study",
    ),
    "Results": ("Result", "open_result", "join", "compare", "Comparison", "load_predictor", "Predictor"),
    "What was trained elsewhere": ("diagnose", "Reading", "diagnose_estimator", "callbacks"),
    "scikit-learn": ("JustRightClassifier", "JustRightRegressor"),
    "Errors": ("JustrightError", "InputError", "FolderError"),
}
# Public name of a module -> its members by the names that users type, and where each is defined.
MEMBERS = {
    "tables": {"tables.teacher": "justright.data.tables.Teacher"},
    "callbacks": {
        "callbacks.JustRight": "justright.callbacks.fit_hooks.FitHooks",
        "callbacks.Diagnose": "justright.callbacks.keras_hooks.KerasHooks",
        "callbacks.LightningDiagnose": "justright.callbacks.lightning_hooks.LightningHooks",
    },
}


def reference(exports: Mapping[str, str]) -> str:
    """Return the reference as mkdocstrings takes it: a directive for each public name.

    Args:
        exports: public name -> the module that defines it.
    """
    parts = [REFERENCE]
    for heading, names in SECTIONS.items():
        parts.append(f"## {heading}")
        for name in names:
            for shown, path in MEMBERS.get(name, {name: f"{exports[name]}.{name}"}).items():
                parts.append(f'::: {path}\n    options:\n      heading: "{shown}"')
    return "\n\n".join(parts) + "\n"


def moved_links(markdown: str, page: str) -> str:
    """Return a page's text with links to documents of the repository turned into links to pages of the site.

    Args:
        markdown: the text as it stands in the repository.
        page: the page on the site, such as 'findings/JR101.md'.
    """
    sources = {site: source for source, site in OUTSIDE_DOCS.items()}
    folder = posixpath.dirname(sources.get(page, f"docs/{page}"))

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        site = OUTSIDE_DOCS.get(target, target.removeprefix("docs/"))
        return link[1] + posixpath.relpath(site, posixpath.dirname(page) or ".")

    return LINK.sub(moved, markdown)


def requests_elsewhere(text: str) -> list[str]:
    """Return what a page or style sheet would make a browser fetch from another server."""
    return FETCHED.findall(text)


def bars_in_tables(markdown: str) -> str:
    r"""Return a page whose tables have bars in code; GitHub takes `A\|B` for it, and MkDocs would show the backslash.

    Example:
        >>> bars_in_tables(r"| `A\|B` | two |")
        '| <code>A&#124;B</code> | two |'
    """

    def as_html(code: re.Match[str]) -> str:
        return f"<code>{html.escape(code[1]).replace(chr(92) + '|', '&#124;')}</code>"

    lines = (
        BAR_IN_CODE.sub(as_html, line) if line.startswith("|") else line for line in markdown.split("\n")
    )
    return "\n".join(lines)
