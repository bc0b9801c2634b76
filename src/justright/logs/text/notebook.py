"""What a program printed, where something else holds it: the cells of a Jupyter notebook, the lines of a Docker log."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

NOTEBOOK = re.compile(r'\s*\{\s*"(?:cells|metadata|nbformat)"')
DOCKER = re.compile(r'\{"log":\s*"')  # begins every line of a container's log
ROW, CELL = re.compile(r"<tr.*?</tr>", re.DOTALL), re.compile(r"<t[hd].*?>(.*?)</t[hd]>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def notebook_text(text: str) -> str | None:
    """Return what the cells of a notebook printed: its last table if any shows one, as Hugging Face's and fastai's do, else all.

    None for a text that is no notebook; an empty text for one without outputs.
    """
    if not NOTEBOOK.match(text) or '"nbformat"' not in text:
        return None
    try:
        cells = json.loads(text).get("cells")
    except ValueError:
        return None
    if not isinstance(cells, list):
        return None
    printed, tables = [], []
    for output in _outputs(cells):
        printed.append(_joined(output.get("text")))
        data = output.get("data")
        shown = _joined(data.get("text/html")) if isinstance(data, dict) else ""
        if "<table" in shown and (table := _table(shown)):
            tables.append(table)
    return tables[-1] if tables else "\n".join(filter(None, printed))


def docker_text(text: str) -> str:
    r"""Return what the lines of a container's log say; one that is half-written is left out.

    Example:
        >>> docker_text('{"log":"epoch 1\\n","stream":"stdout"}\n{"log":"lo')
        'epoch 1\n'
    """
    printed = []
    for line in text.split("\n"):
        try:
            printed.append(str(json.loads(line)["log"]))
        except (ValueError, KeyError, TypeError):
            continue
    return "".join(printed)


def _outputs(cells: list[Any]) -> Iterator[dict[str, Any]]:
    for cell in cells:
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        yield from (one for one in outputs or () if isinstance(one, dict))


def _joined(lines: object) -> str:
    """Return text that notebooks write as a text or a list of lines."""
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""


def _table(shown: str) -> str:
    """Return the rows of a table of training, one a line with tabs between; empty if its header names no epochs or steps."""
    rows = [
        [html.unescape(TAG.sub("", cell)).strip() for cell in CELL.findall(row)] for row in ROW.findall(shown)
    ]
    rows = [row for row in rows if row]
    if len(rows) < 2 or rows[0][0].lower() not in ("epoch", "step"):
        return ""
    return "".join("\t".join(row) + "\n" for row in rows)
