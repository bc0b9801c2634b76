"""A line of plain text -> what it counts and the numbers it names: 'Epoch 3/40 | Train Loss: 0.31 | Val. Acc: 70%'."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from justright.logs.formats.json_shapes.json_numbers import to_number
from justright.logs.formats.line_wording import VALUE, plain_lists, plain_names, plain_numbers
from justright.logs.logged_run import Role
from justright.logs.metric_names import NAMELESS, ROLES, direction_of, names_metric, parse_name, words_of
from justright.logs.names.metric_words import word_set
from justright.logs.text.json_text import parse_object

# Times and levels that loggers write before a message, and what glog and TensorFlow do.
PREFIX = re.compile(
    r"^\W*[IWEF]\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]\s*|^\W*(?:INFO|DEBUG|WARNING)(?::\w+)?:(?=\D)\s*|^\[[^\]]*\d:\d\d[^\]]*\]:?\s*|^\W{0,2}(?:[A-Z][a-z]{2},? )?(?:\d{4}[-/]\d\d?[-/]\d\d?|\d\d?[-/]\d\d?[-/]\d{2,4}|\d\d? [A-Z][a-z]{2}(?: \d{4})?|[A-Z][a-z]{2} +\d\d?)?[T ]*\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\W*"
)
MOMENT = re.compile(r"\b(?:\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d)\b")  # elsewhere in a line
EPOCH = re.compile(
    r"\bep(?:och|\.)(?:\((\w+)\))?[\s.:#=\[(_'\"-]*(\d+(?:\.\d+)?)(?![\d.]*\s*(?:s|sec|ms|min|h|%)\b)(?:\s*(?:/|of)\s*\d+)?[\])]?"
    r"|(?<![\w.])(\d+)epoch\b",  # ESPnet's '3epoch results: [train] ...'
    re.IGNORECASE,
)
STEP = re.compile(
    r"(?<!\w)(?:(s(?=:\d)|global[_ ]?steps?|steps?|num_updates|updates?|up\.)|(?:iter|iteration|it|round|tree)s?\b)[\s.:#=\[('\"-]*(\d+)(?![\d.]*\s*(?:/?s|/?sec|ms|%)\b)(?:\s*(?:/|of)\s*\d+)?[\])]?",
    re.IGNORECASE,
)
EPOCH_AND_BATCH = re.compile(
    r"\s*\[\s*(\d+),\s*(\d+)\](?=\s+[A-Za-z])"
)  # PyTorch's tutorial: '[1,  2000] loss: 2.173'
BOOSTER = re.compile(
    r"\s*(?:\[\s*(\d+)\s*(?:/\s*\d+\s*)?\]:?(?=\s)|(\d+):(?=\s+(?:learn|test)\b))"
)  # '[10]  train-auc:0.8', '10: learn: 0.5'
FIRST = re.compile(r"\s*(\d{1,9})(?:\s*[:,|](?=\s)|\s{2})")
NAMED_NUMBER = re.compile(
    rf"(?P<sep>\s*[:=]\s*|\s+(?:is|was|of)\s+|\s+|\()(?P<number>{VALUE})(?P<of>\s*/\s*\d+)?(?P<percent>\s?%)?(?=\.?\.?\.?(?:$|[\s,;|)\]}}'\"+±]))",
    re.IGNORECASE,
)
PIECES = re.compile(
    r"\.{2,}|(?<!\w)['\"]|['\"](?!\w)|[,;|\t\[\](){}<>]|\s-+\s|^-+\s|\s{2,}|[:=](?=\s|$)|[-=]>"
)
# Bars that are not full: what stands in them is of a part of an epoch, and the full one follows.
KERAS_BAR = re.compile(r"(?<![\d/])(\d+)/(\d+) +(?:\[[=>.]+\]|[━╸╺ ]{5,})")
FULL_BAR = re.compile(r"100%\|[^|]*\|")
FULL_BAR_AND_TIME = re.compile(r"100%\|[^|]*\|\s*[\d.]+\w?/[\d.]+\w?\s*\[[\d:]+<[\d:]+,\s*[\d.?]+ ?\w*/\w+")
TQDM_BAR = re.compile(r"(?<![\d.])(\d{1,2})%\|[^|]*\|?[^\[]*(?:\[[^\]]*\]?|$)")
# Reports about another line: they count nothing.
REPORT = re.compile(
    r"\W*(?:\w+\W+){0,2}?(?:best|early[ _-]?stop\w*|restor\w+|load\w*|resum\w+)\b|\[LightGBM\] \[",
    re.IGNORECASE,
)
# Lines whose numbers are of validation rows, though no word of theirs says so: TensorFlow's estimators, PaddleOCR.
EVALUATED = re.compile(r"\bSaving dict for global step\b|\bcur metric\b", re.IGNORECASE)
# 'train (3/40) loss: 0.5', as Catalyst writes, and '3/40 * Epoch (train)'.
EPOCH_OF_ROWS = re.compile(r"\s*(?:train|valid|test|infer)\w* \((\d+)/\d+\)|\s*(\d+)/\d+ \* Epoch \(\w+\):?")
# '***** Evaluating perplexity, Epoch 1/40 *****'
STARRED = re.compile(r"\s*([*=#-])\1*\s*(\w.*?)[\s:|]*\1+\s*")
# A bar over all epochs or steps, of which each state counts: ' 25%|###   | 10/40 ['.
BAR_COUNT = re.compile(r"\d%\|[^|]*\|\s*(\d+)/\d+")
# How far an evaluation has come, as in 'Test: [20/79]': the mean so far follows.
PROGRESS = re.compile(r"\w\W*?\[(?!\s*ep)[^\]\d]*\d+\s*/\s*\d+\s*\]", re.IGNORECASE)
MEMBER = re.compile(r"\b(fold|seed)\b[\s:#=\[(-]*(\d+)", re.IGNORECASE)
# A row of a table for people, as AllenNLP prints one after each epoch: 'loss  |  0.41  |  0.52'.
TABLE_ROW = re.compile(rf"\w\s+\|\s+(?:{VALUE}|N/A)\s+\|\s+(?:{VALUE}|N/A)\s*$", re.IGNORECASE)
LONG_GAP = " " * 100
MAX_NAME_WORDS = 5
MAX_CONTEXT_WORDS = 4


@dataclass(slots=True)
class TextLine:
    """What a line says.

    Args:
        epoch, step: what it counts; None if it does not.
        is_step: whether the line calls what it counts a step or an update.
        is_progress: whether it says how far an evaluation has come.
        is_full_bar: whether it draws a bar that is full.
        in_bar: whether its count is that of a bar over the whole run.
        numbers: name -> number, the rows said before the name if the line says them elsewhere.
        role: rows that a line without numbers announces: 'Validation:'.
        averaged: names of lists of numbers, whose mean is taken.
        first: a whole number that the line begins with, which may count: '12: loss 0.5'.
        fold, seed: which one begins or is said.
    """

    epoch: float | None = None
    step: float | None = None
    is_step: bool = False
    is_progress: bool = False
    is_full_bar: bool = False
    in_bar: bool = False
    numbers: dict[str, float] = field(default_factory=dict)
    role: Role | None = None
    averaged: list[str] = field(default_factory=list)
    first: float | None = None
    fold: float | None = None
    seed: float | None = None


def read_line(line: str, role: Role | None = None, *, in_bars: bool = False) -> TextLine:
    """Return what a line of text says.

    Args:
        line: as written.
        role: rows that a line above announced.
        in_bars: whether numbers in bars that are not full count.

    Example:
        >>> read_line("2026-01-31 12:00:00 INFO Epoch: 3/40 | Train Loss: 0.31 | Val. Acc: 70%").numbers
        {'Train Loss': 0.31, 'Val. Acc': 0.7}
        >>> read_line("Test set: Average loss: 0.05, Accuracy: 98/100 (98%)").numbers
        {'test Average loss': 0.05, 'test Accuracy': 0.98}
    """
    found = TextLine()
    # Plain searches go before patterns, which take ten times as long: a log may have 100,000 lines.
    if LONG_GAP in line:  # over which patterns would take time in proportion to its square
        line = re.sub(r"\s{100,}", LONG_GAP[:9], line)
    text = plain_numbers(line.replace("**", ""))
    text = MOMENT.sub("|", PREFIX.sub("", text))
    text = plain_names(text)
    if "{" in text and _read_object(text, found):
        return found
    if REPORT.match(text) or ("|" in text and TABLE_ROW.search(text)):
        return found
    found.is_full_bar = "%|" in text and FULL_BAR.search(text) is not None
    text = text if in_bars else _without_bars(text)
    role = "validation" if EVALUATED.search(text) else role
    progress = PROGRESS.search(text) if "[" in text else None
    bar = BAR_COUNT.search(text) if in_bars else None
    text = _take_counts(text, found)
    if bar and found.epoch is found.step is None:
        found.epoch, found.step = (float(bar[1]), None) if "epoch" in text.lower() else (None, float(bar[1]))
        found.in_bar = True
        text = text.replace(bar[0], "|") if bar[1] != "0" else ""  # nothing is done yet
    text = plain_lists(text)
    _read_numbers(text, found, role)
    found.is_progress = progress is not None and all(
        parse_name(name).role not in (None, "train") for name in found.numbers if is_measure(name)
    )
    return found


def _without_bars(text: str) -> str:
    """Return a line without bars that are not full, and the numbers in them."""
    bars = list(KERAS_BAR.finditer(text)) if "/" in text else []
    if bars and int(bars[-1][1]) < int(bars[-1][2]):
        return text[: bars[0].start()]
    rest = text[bars[-1].start() :] if bars else text
    return TQDM_BAR.sub("|", FULL_BAR.sub("|", FULL_BAR_AND_TIME.sub("|", rest))) if "%" in rest else rest


def _read_object(text: str, found: TextLine) -> bool:
    """Read a dict that was printed, as Hugging Face's Trainer does."""
    start = text.index("{")
    if text[:start].endswith("=") and NAMED_NUMBER.search(text[:start]):
        return False  # one of several values of a bar: 'loss=0.5, metrics={'acc': 0.8}'
    value = parse_object(text[start : text.rindex("}") + 1]) if "}" in text else None
    if not value:
        return False
    # MLPerf's {'key': 'eval_loss', 'value': 0.5, 'metadata': ...}
    if isinstance(value.get("key"), str) and "value" in value:
        metadata = value.get("metadata")
        counts = metadata if isinstance(metadata, dict) else {}
        value = {
            value["key"]: value["value"],
            **{name.removesuffix("_num"): at for name, at in counts.items()},
        }
    for name, written in value.items():
        if (number := to_number(written)) is None:
            continue
        if name.lower() == "epoch":
            found.epoch = number
        elif name.lower() in ("step", "global_step", "iteration", "iter"):
            found.step, found.is_step = number, "step" in name.lower()
        elif is_kept(name):
            found.numbers[name] = number
    return bool(found.numbers)


def _take_counts(text: str, found: TextLine) -> str:
    """Read what a line counts; return the rest, with a bar in its place."""
    lowered = text.lower()
    if ("fold" in lowered or "seed" in lowered) and (member := MEMBER.search(text)):
        setattr(found, member[1].lower(), float(member[2]))
        text = f"{text[: member.start()]}|{text[member.end() :]}"
    if both := EPOCH_AND_BATCH.match(text):
        found.epoch, found.step = float(both[1]), float(both[2])
        text = text[both.end() :]
    if of_rows := EPOCH_OF_ROWS.match(text):
        found.epoch = float(of_rows[1] or of_rows[2])
        return re.sub(r"\d+/\d+", "|", text, count=1)
    if booster := BOOSTER.match(text):
        found.step = float(booster[1] or booster[2])
        text = text[booster.end() :]
    elif first := FIRST.match(text):
        found.first = float(first[1])
    if "ep" in lowered and (epoch := EPOCH.search(text)):
        found.epoch = float(epoch[2] or epoch[3])
        before, after = text[: epoch.start()], text[epoch.end() :]
        if re.match(r"\s*[:=]", after):  # 'loss on validation rows at epoch 3: 0.61'
            before = re.sub(r"\b(?:at|after|in|for)\s*$", "", before)
        text = f"{before}|{epoch[1] or ''}|{after}"
    if found.step is None and (step := STEP.search(text)):
        found.step, found.is_step = float(step[2]), step[1] is not None
        text = f"{text[: step.start()]}|{text[step.end() :]}"
    return text


def _read_numbers(text: str, found: TextLine, role: Role | None) -> None:
    said = _Said(role)
    before, last = 0, ""
    for match in NAMED_NUMBER.finditer(text):
        between = text[before : match.start()]
        if match["sep"] == "(":
            is_mean = last and not between.strip() and match["of"] is None and not match["percent"]
            if (
                match["number"][0] in "+-" and is_mean and found.numbers[last] >= 0
            ):  # 'loss: 0.52 (-0.03)': a change
                is_mean = False
            if (
                is_mean and text[match.end() :].lstrip()[:1] == ")"
            ):  # 'Loss 0.52 (0.61)': the mean so far behind
                found.numbers[last] = float(match["number"])
            said.hear(between)
            before, last = match.end(), ""
            continue
        before = match.end()
        name = said.name(between)
        last = ""
        is_next = name and between.endswith(name) and not match["sep"].strip()
        if is_next and match["number"].isdigit() and _names_rows(name):
            found.epoch = float(match["number"]) if found.epoch is found.step is None else found.epoch
            said.hear(name)  # 'Valid 3 loss: 0.61'
            continue
        if not name or (not match["sep"].strip() and not is_kept(name)):
            continue
        value = _value(match, name)
        if value is not None and is_kept(name):
            found.numbers[name] = value
            last = name if match["of"] is None else ""
            if text[match.end() :].startswith(" @"):
                found.averaged.append(name)
        elif match["of"] is not None:  # 'Test: [ 0/79] Loss 0.52'
            said.hear(name)
    if not found.numbers and (starred := STARRED.fullmatch(text)):
        text = f"{starred[2].split('|')[0].rstrip(', ')}:"
        before = 0
    if not found.numbers:
        rest = _Said(None)
        rest.hear(text[before:])
        found.role = rest.role or _heading(text)


def _names_rows(name: str) -> bool:
    """Return whether a name holds a word for rows and nothing else."""
    parsed = parse_name(name)
    return parsed.role is not None and parsed.metric == NAMELESS


def _value(match: re.Match[str], name: str) -> float | None:
    value = float(match["number"])
    if match["of"] is not None:
        whole = float(match["of"].replace("/", ""))
        return value / whole if whole and names_metric(name) else None
    return float(f"{value / 100:.12g}") if match["percent"] else value


@dataclass(slots=True)
class _Said:
    """What a line has said so far that holds for the numbers to come.

    Args:
        role: rows that a word of their own names: 'Test set: loss ...', or the last name before: 'Train Loss: 0.5 Acc: 0.8'.
        metric: one that a word of its own names: 'Loss: train=0.5, val=0.4'.
        names: (metric, role) of what was named.
    """

    role: Role | None
    metric: str = ""
    names: set[tuple[str, Role | None]] = field(default_factory=set)

    def hear(self, text: str) -> None:
        """Take in words that name no number."""
        for piece in _pieces(text):
            self._hear_piece(piece)

    def name(self, text: str) -> str:
        """Return the name of a number by the text before it; empty if it has none."""
        pieces = _pieces(text)
        for piece in pieces[:-1]:
            self._hear_piece(piece)
        name = _known_end(pieces[-1]) if pieces else ""
        if not name:
            self.hear(text)
            return ""
        parsed = parse_name(name)
        if parsed.role is not None and parsed.metric == NAMELESS:  # 'Loss: train=0.5, val=0.4'
            return f"{name} {self.metric}".strip()
        if direction_of(parsed.metric) is None:
            return name
        role = parsed.role or self.role
        if parsed.role is None and (parsed.metric, role) not in self.names and role is not None:
            name = f"{role} {name}"
        self.names.add((parsed.metric, role))
        self.role = role
        return name

    def _hear_piece(self, piece: str) -> None:
        role, is_metric = _announced(piece)
        self.role = role or self.role
        self.metric = piece if is_metric else self.metric


def _heading(text: str) -> Role | None:
    """Return the rows that a line of their own names, a metric besides: 'Test Error:'."""
    words = words_of(text)
    is_heading = text.rstrip().endswith(":") and 0 < len(words) <= MAX_CONTEXT_WORDS
    return parse_name(text).role if is_heading else None


@lru_cache(maxsize=10_000)
def _announced(piece: str) -> tuple[Role | None, bool]:
    """Return the rows that a piece of text names, and whether it names a metric instead."""
    words = words_of(piece)
    if not words or min(len(words), len(piece.split())) > MAX_CONTEXT_WORDS:
        return None, False
    if piece.lower().endswith("metric"):  # GluonTS: "Evaluation metric 'epoch_loss'" is on training rows
        return None, False
    named = [ROLES[word] for word in (words[0], words[-1]) if word in ROLES]
    is_metric = names_metric(piece) and words[-1] != "at"  # 'validation loss at | lm loss value: 3.2'
    # SageMaker: 'train some_objective <loss>=0.5'
    is_said = bool(named) and (not is_metric or words[0] in ROLES)
    return (named[0] if is_said else None), is_metric and not named


@lru_cache(maxsize=10_000)
def _pieces(text: str) -> tuple[str, ...]:
    pieces = (piece.strip(" \t.\"'*#@&!?:=-").removeprefix("and ") for piece in PIECES.split(text))
    return tuple(piece for piece in pieces if re.search(r"[A-Za-z]", piece))


@lru_cache(maxsize=10_000)
def _known_end(piece: str) -> str:
    """Return the last words of a piece that name something: of 'took 3 s with training loss' the last two."""
    words = piece.split()
    while len(words) > 1 and words[-1].lower() in NAME_ENDINGS:
        words.pop()
    is_phrase = len(words) > 1 and len(words_of(" ".join(words[-2:]))) == 1  # 'error rate'
    if len(words) > 1 and not (
        is_phrase or _is_known(words[-1]) or words[-1].isdigit() or words[-1] == "value"
    ):
        return ""
    for start in range(max(0, len(words) - MAX_NAME_WORDS), len(words)):
        if (
            start == len(words) - 1
            or _is_known(words[start])
            or words[start].lower().strip(".") in NAME_BEGINNINGS
            or (start == 0 and len(words) <= 2)
        ):
            return " ".join(words[start:])
    return ""


def _is_known(word: str) -> bool:
    parsed = parse_name(word)
    return parsed.role is not None or direction_of(parsed.metric) is not None


NAME_ENDINGS = frozenset(("set",))  # 'loss on validation set: 0.61'
NAME_BEGINNINGS = word_set(
    "avg average mean smoothed ema moving epoch total running best overall global pseudo binary categorical sparse top macro micro weighted balanced"
    " cross log mean_average root learning current classification reconstruction class box token word character sequence lm mlm"
)


def is_measure(name: str) -> bool:
    """Return whether a number of a text measures success, by its name or as one without: CatBoost's 'learn: 0.5'."""
    parsed = parse_name(name)
    return names_metric(name) or (parsed.metric == NAMELESS and parsed.role is not None)


def is_kept(name: str) -> bool:
    """Return whether a number of a text is worth keeping: a measure of success or a learning rate, not a setting."""
    return is_measure(name) or parse_name(name).metric.startswith("learning_rate")
