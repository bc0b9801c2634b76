"""What MkDocs is told to do besides rendering docs/; `mkdocs.yml` names this file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tools import site_pages  # noqa: E402

from justright import EXPORTS  # noqa: E402  # the package itself imports nothing before a name is used


def on_files(files: Any, config: Any) -> Any:
    """Add the documents that lie outside docs/, the examples they link to, and the reference."""
    for source, page in site_pages.OUTSIDE_DOCS.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for path in (*sorted((ROOT / "examples").glob("*.*")), ROOT / "CITATION.cff"):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    files.append(File.generated(config, "reference.md", content=site_pages.reference(EXPORTS)))
    return files


def on_page_markdown(markdown: str, page: Any, **_others: Any) -> str:
    """Turn links to documents of the repository into links to pages of the site, and write bars as MkDocs reads them."""
    return site_pages.bars_in_tables(site_pages.moved_links(markdown, page.file.src_uri))


def on_post_build(config: Any) -> None:
    """Refuse a site that would ask another server for anything."""
    site = Path(config.site_dir)
    found = [
        f"{path.relative_to(site)}: {request}"
        for ending in ("*.html", "*.css")
        for path in sorted(site.rglob(ending))
        for request in site_pages.requests_elsewhere(path.read_text(encoding="utf-8"))
    ]
    if found:
        raise PluginError("A page must fetch nothing from another server:\n" + "\n".join(found))
