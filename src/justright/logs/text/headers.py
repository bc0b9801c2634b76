"""Names for the columns of tables that lack them: the user's, or those of a tool that is known to write none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from justright.data.checks import counted
from justright.errors import InputError
from justright.logs.text.log_table import SEPARATORS, split_line

# YOLOv5 of old and YOLOv7: '  0/299   14.6G   0.0658   ...' in results.txt.
YOLO_ROW = re.compile(r"\s*\d+/\d+\s+[\d.]+G(?:\s+\S+){13}\s*")
YOLO_COLUMNS = (
    *("epoch", "gpu_mem", "train/box_loss", "train/obj_loss", "train/cls_loss", "train/loss", "labels"),
    *("img_size", "metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95"),
    *("val/box_loss", "val/obj_loss", "val/cls_loss"),
)


def with_header(name: str, text: str, columns: Sequence[str]) -> str:
    """Return a text with a line that names its columns above it, if the user names them or the tool that wrote it is known.

    Raises:
        InputError: the user names more or fewer columns than there are.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    if not columns and not YOLO_ROW.fullmatch(first):
        return text
    named = columns or YOLO_COLUMNS
    widths = {separator: len(split_line(first, separator)) for separator in SEPARATORS}
    separator = next((one for one, width in widths.items() if width == len(named)), None)
    if separator is None:
        raise InputError(
            f"`columns` must name every column of {name!r}; got {counted(len(named), 'name')} for rows of "
            f"{max(widths.values())}, such as {first.strip()[:80]!r}."
        )
    between = {"wide": "  ", "space": " "}.get(separator, separator)
    return between.join(one.strip().replace(" ", "_") for one in named) + "\n" + text
