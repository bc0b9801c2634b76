"""`result.json`: the part of a summary that other programs may rely on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from justright.report.summary import result_json


def render_json(summary: Mapping[str, Any]) -> str:
    """Return the text of `result.json`: UTF-8, indented, ending in a line break, NaN as null.

    Raises:
        ValueError: the summary holds a NaN or an infinity, which `summarise` never lets through.

    Example:
        >>> render_json({"study": "quick", "variants": []}).splitlines()[2]
        '  "study": "quick",'
    """
    return json.dumps(result_json(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
