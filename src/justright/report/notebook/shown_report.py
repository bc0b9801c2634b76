"""A whole page inside the output of a notebook's cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A report that a notebook shows below its cell.

    The page's scripts and its security policy are its own: a sandbox keeps them from the notebook, and nothing is loaded.

    Args:
        html: the whole page.
        height: of its frame, in pixels.
    """

    html: str = field(repr=False)
    height: int

    def _repr_html_(self) -> str:
        return page_frame(self.html, self.height, title="Report")


def page_frame(html: str, height: int, *, title: str) -> str:
    """Return a frame of so many pixels' height that holds a whole page; `title` says what it is to those who cannot see it."""
    style = f"width: 100%; height: {height}px; border: 0"
    return (
        f'<iframe sandbox="allow-scripts" title="{title}" style="{style}" srcdoc="{escape(html)}"></iframe>'
    )
