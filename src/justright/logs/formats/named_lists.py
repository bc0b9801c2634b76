"""Text that holds whole curves by name: 'train_losses = [0.7, 0.6]', YAML's lists, a line per metric, Flower's rounds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from justright.logs.formats.json_shapes.json_curves import read_json
from justright.logs.formats.row_counters import EPOCHS, STEPS, plain
from justright.logs.formats.text_lines import is_measure
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source
from justright.logs.text.cell_numbers import NUMBER, parse_number
from justright.logs.text.json_text import parse_literal

VALUE = rf"(?:{NUMBER}|nan|[-+]?inf)"
PAIR = rf"[(\[]\s*\d+\s*,\s*{VALUE}\s*[)\]]"  # Flower's (round, value)
LIST = re.compile(rf"\[\s*(?:{PAIR}|{VALUE})(?:\s*,?\s+(?:{PAIR}|{VALUE})|,(?:{PAIR}|{VALUE}))+\s*,?\s*\]")
ITEM = re.compile(
    rf"(?:\w+\s*:)?\s*(?:-|(?P<count>round|epoch)\s+(?P<at>\d+)\s*[:=])\s*(?P<value>{VALUE})\s*",
    re.IGNORECASE,
)
LINE = re.compile(
    rf"^['\"]?([A-Za-z_][^,;\t\n'\"]*)['\"]?((?:[,;\t] *{VALUE}){{3,}})[,;\t]?[ \r]*$", re.MULTILINE
)
# Flower's summary: what clients or the server evaluated, after each round; but not what clients report of their training.
FLOWER = re.compile(r"losses_(?:centralized|distributed)|History \(loss, (?:centralized|distributed)\)")
HEADING = re.compile(r"(?:[A-Z]+\s*:\s)?\s*(.*?[A-Za-z].*?)\s*:\s*")
NAME = re.compile(r"([A-Za-z_][\w ./()-]*?)['\"]?\s*[:=]?\s*$")
FEWEST = 3  # numbers of a curve; a list of two may be anything
MAX_NAME = 60  # characters


def named_lists(text: str) -> dict[str, list[float]]:
    r"""Return the lists of numbers in a text by their names; nothing if a name is there twice, as in a log of lines.

    Example:
        >>> named_lists("loss = [0.7, 0.6, 0.5]\nval_loss:\n- 0.8\n- 0.7\n- 0.7\n")
        {'loss': [0.7, 0.6, 0.5], 'val_loss': [0.8, 0.7, 0.7]}
    """
    found: dict[str, list[float]] = {}
    is_evaluated = FLOWER.search(text) is not None
    for name, values in (*_in_brackets(text), *_as_items(text), *_in_lines(text)):
        if len(values) < FEWEST or not (is_measure(name) or plain(name) in EPOCHS | STEPS):
            continue
        if name in found:
            return {}
        found[f"validation {name}" if is_evaluated and "fit" not in name else name] = values
    return {**_counts(text, set(map(len, found.values()))), **found}


def _counts(text: str, lengths: set[int]) -> dict[str, list[float]]:
    """Return what counts the items of all lists, as 'round 3: 0.6' says, by its name; nothing if the lists differ in length."""
    items = [item for line in text.split("\n") if (item := ITEM.fullmatch(line.strip())) and item["count"]]
    if len(lengths) != 1 or len(items) < max(lengths):
        return {}
    first = items[: max(lengths)]
    return {first[0]["count"].lower(): [float(item["at"]) for item in first]}


def _in_brackets(text: str) -> Iterator[tuple[str, list[float]]]:
    end = 0
    for match in LIST.finditer(text):
        before = text[end : match.start()].rstrip()[-MAX_NAME:].rpartition("\n")[2]
        end = match.end()
        named = NAME.search(before)
        if named is None:
            continue
        value = parse_literal(match[0])
        pairs = (
            value if isinstance(value, list) else re.split(r"[\s,]+", match[0].strip("[] \n,"))
        )  # NumPy's commas
        numbers = [pair[-1] if isinstance(pair, list) else pair for pair in pairs]
        yield named[1].strip(), [float(number) for number in numbers]


def _as_items(text: str) -> Iterator[tuple[str, list[float]]]:
    name, values = "", list[float]()
    for line in (*text.split("\n"), ""):
        item = ITEM.fullmatch(line.strip())
        if item is not None:
            values.append(parse_number(item["value"]) or float(item["value"]))
            continue
        if name and values:
            yield name, values
        heading = HEADING.fullmatch(line.strip())
        name, values = (heading[1] if heading else ""), []


def _in_lines(text: str) -> Iterator[tuple[str, list[float]]]:
    """Yield the rows of a table with a line for each metric."""
    for match in LINE.finditer(text):
        yield match[1].strip(), [float(number) for number in re.split(r"[,;\t]", match[2])[1:]]


def _found(source: Source) -> Mapping[str, Sequence[float]]:
    return {} if not source.text or source.is_json or source.table is not None else named_lists(source.text)


def _read(source: Source) -> list[LoggedRun]:
    return read_json(replace(source, text=json.dumps(_found(source))))


NAMED_LISTS = LogFormat(
    "lists",
    "text with a list of numbers for each curve, such as YAML",
    _read,
    lambda source: bool(_found(source)),
)
