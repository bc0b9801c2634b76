"""JSON as logs really hold it: NaN, Python literals written by `str()`, trailing commas, one object per line."""

from __future__ import annotations

import ast
import json
import math
import re
from dataclasses import dataclass
from typing import Any

MAX_LITERAL_CHARACTERS = 8 * 1024 * 1024  # Python's parser needs about a hundred bytes for each
# What a text that was meant as JSON or as a Python literal begins with. '[12] loss: 0.5', '[2026-01-31 ...' and '[INFO]'
# begin lines of plain text.
BEGINNING = re.compile(
    r"""\s*(?:\w*[dD]ict\(|\{\s*(?:["'}{\[]|$)|\[\s*(?:["'\]{\[]|-?[\d.]+(?:[eE][-+]?\d+)?\s*(?:,|$)|$))"""
)
# '[1,  2000] loss: 2.173' is no JSON either.
BRACKETS_BEFORE_WORDS = re.compile(r"\s*\[[^\[\]{}\"'\n]*\][ \t]*[A-Za-z]")
NAMES = {
    "true": True,
    "false": False,
    "null": None,
    "nan": math.nan,
    "NaN": math.nan,
    "inf": math.inf,
    "Infinity": math.inf,
}
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},"]')  # what opens, closes and parts values, texts apart
CLOSING = {"[": "]", "{": "}"}
NOT_JSON = object()  # stands for text that holds no value


def looks_like_json(text: str) -> bool:
    """Return whether a text begins as a JSON object or list, or as Python writes one.

    Example:
        >>> [
        ...     looks_like_json(text)
        ...     for text in ('{"loss": [1,', "{'loss': 1}", "[12] loss: 0.5", "[INFO] epoch 1")
        ... ]
        [True, True, False, False]
    """
    return bool(BEGINNING.match(text)) and not BRACKETS_BEFORE_WORDS.match(text)


def parse_literal(text: str) -> Any:  # noqa: ANN401  # parsed JSON is anything
    """Return the value of a text that Python wrote with `str()`, or of JSON with trailing commas; `NOT_JSON` if it is neither.

    Nothing is called: of `np.float64(0.5)`, `tensor(0.5, device='cuda:0')`, `array([0.5])` and
    `defaultdict(<class 'list'>, {...})` the value inside is taken.

    Example:
        >>> parse_literal("{'loss': [np.float64(0.5), nan], 'val_loss': array([0.25, -inf]),}")
        {'loss': [0.5, nan], 'val_loss': [0.25, -inf]}
    """
    if len(text) > MAX_LITERAL_CHARACTERS:
        return NOT_JSON
    plain = re.sub(r"<[\w\s.']*>", "None", text.strip())  # <class 'list'>
    try:
        return _value(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError):
        return NOT_JSON


def _value(node: ast.expr) -> Any:  # noqa: ANN401  # parsed JSON is anything
    match node:
        case ast.Constant(value=value) if not isinstance(value, bytes | complex) and value is not ...:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {
                _key(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None
            }
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Call(args=[*_, inner]):
            return _value(inner)
    raise ValueError(type(node).__name__)


def _key(node: ast.expr) -> str:
    return str(_value(node))


def closed_json(text: str) -> Any:  # noqa: ANN401  # parsed JSON is anything
    """Return the value of JSON that ends in the middle, as a killed run leaves it, without what is half-written; None of other text.

    Of a list of objects, such as one per epoch, an object that is not whole is left out.

    Example:
        >>> closed_json('[{"epoch": 0, "loss": 0.7}, {"epoch": 1, "lo')
        [{'epoch': 0, 'loss': 0.7}]
        >>> closed_json('{"loss": [0.7, 0.6], "val_loss": [0.8, 0.')
        {'loss': [0.7, 0.6], 'val_loss': [0.8]}
    """
    opened: list[_Opened] = []
    for token in TOKEN.finditer(text):
        match token[0]:
            case "[" | "{":
                opened.append(_Opened(token[0], token.start()))
            case "]" | "}":
                if not opened or CLOSING[opened.pop().bracket] != token[0]:
                    return None
            case "," if opened:
                opened[-1].comma = token.start()
            case '"':  # a text that does not end
                break
    if not opened:
        return None
    kept = len(opened)
    while kept > 1 and opened[kept - 1].bracket == "{":
        kept -= 1
        if opened[kept - 1].bracket == "[":
            break
    if opened[kept - 1].bracket != "[" or opened[kept - 1].comma < 0:
        kept = len(opened)
    last = opened[kept - 1]
    whole = text[: last.comma if last.comma >= 0 else last.start + 1]
    try:
        return json.loads(whole + "".join(CLOSING[one.bracket] for one in reversed(opened[:kept])))
    except (ValueError, RecursionError):
        return None


@dataclass(slots=True)
class _Opened:
    """A list or object that has begun: where, and its last comma."""

    bracket: str
    start: int
    comma: int = -1


def parse_records(text: str) -> tuple[list[dict[str, Any]], list[int], bool] | None:
    r"""Return the objects of JSON Lines, the numbers of lines that hold none, and whether the last line is half-written.

    None if it is other text: fewer than two lines, a first line that is no object, or more lines without one than with.

    Example:
        >>> parse_records('{"loss": 0.5}\n{"loss": NaN}\n{"lo')
        ([{'loss': 0.5}, {'loss': nan}], [], True)
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) < 2 or not lines[0][1].lstrip().startswith("{"):
        return None
    found, bad = [], []
    for number, line in lines:
        value = parse_object(line)
        if value is None:
            bad.append(number)
            if len(bad) > 1 + len(lines) // 2:
                return None
        else:
            found.append(value)
    is_half_written = bool(bad) and bad[-1] == lines[-1][0] and lines[-1][1].lstrip().startswith("{")
    if parse_object(lines[0][1]) is None or len(found) < len(bad):
        return None
    return found, bad[:-1] if is_half_written else bad, is_half_written


def parse_object(line: str) -> dict[str, Any] | None:
    """Return the JSON object of a line, or the dict that Python printed; None if it holds none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = parse_literal(line.strip().removesuffix(","))
    return value if isinstance(value, dict) else None
