"""One colour for each variant, as a page names it."""

from __future__ import annotations

from collections.abc import Iterable

from justright.colours import LIGHT


def page_colours(names: Iterable[str]) -> dict[str, str]:
    """Return the CSS colour of each name, the same in every chart and table of a page, which defines it for light and dark.

    With more names than colours they repeat: a legend that toggles variants, or labels, must tell them apart.
    """
    return {name: f"var(--c{number % len(LIGHT) + 1})" for number, name in enumerate(names)}
