"""What the site's reader of docstrings is told: the sections of ours follow each other without blank lines."""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(\s*)(Args|Attributes|Returns|Yields|Raises|Shape|Examples?):$", re.MULTILINE)


class CloseSections(griffe.Extension):
    """Put a blank line before each section, and call `Example` by the name under which code is shown as code."""

    def on_object(self, *, obj: Any, **_others: Any) -> None:
        """Rewrite one docstring before it is parsed; a class without any has that of the class it extends."""
        if obj.is_class and not obj.docstring:
            obj.docstring = next((parent.docstring for parent in obj.mro() if parent.docstring), None)
        if obj.docstring:
            text = SECTION.sub(r"\n\1\2:", obj.docstring.value)
            obj.docstring.value = text.replace("Example:\n", "Examples:\n")
