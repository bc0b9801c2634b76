"""What launchers and collectors of logs write before each line: which of several processes, which container, which host."""

from __future__ import annotations

import json
import re
from collections import Counter

from justright.logs.metric_names import names_metric

# '[rank0]: ', 'rank 3: ', '[default0]:', '[GPU 1] ', '[1,0]<stdout>:', '[1,mpirank:0,algo-1]<stdout>:', and Slurm's '0: '.
PROCESS = re.compile(
    r"[ \t]*(?:\[?(?:rank|gpu|default|process|proc|worker)[ :=_]?(\d+)\]?(?::[ \t]?|[ \t]+|(?=\[))"
    r"|\[\d+,(?:mpirank:)?(\d+)(?:,[\w-]+)?\]<std(?:out|err)>:[ \t]?"
    r"|\[?(\d{1,4})\]?:[ \t]?(?=.*\b(?:ep(?:och)?|steps?|iter(?:ation)?|loss)\b)|(\d{1,4}):[ \t]*$)",
    re.IGNORECASE,
)
SAMPLE = 200  # lines that tell whether they begin so
MOST_PROCESSES = 1024
MESSAGES = ("message", "msg", "log", "text")  # of JSON that logging writes
NAMES_NUMBER = re.compile(r"([A-Za-z][\w ./-]*?)\s*[:=]?\s*[-+]?\d*\.\d+")


def of_one_process(text: str) -> tuple[str, str]:
    r"""Return the lines of one process without what its launcher wrote before them, and a sentence if there are several.

    Lines of no process are kept. Every process measures the same network, or its share of the same rows.

    Example:
        >>> of_one_process("[rank0]: epoch 1 loss: 0.5\n[rank1]: epoch 1 loss: 0.6\n")[0]
        'epoch 1 loss: 0.5\n'
    """
    lines = text.split("\n")
    sample = [line for line in lines[: 2 * SAMPLE] if line.strip()][:SAMPLE]
    found = [match for line in sample if (match := PROCESS.match(line))]
    if 2 * len(found) <= len(sample):
        return text, ""
    counts = Counter(map(_process, found))
    is_numbered_only = any(match[3] is not None for match in found)
    if len(counts) > MOST_PROCESSES or (is_numbered_only and min(counts.values()) < 2):
        return text, ""  # numbers that count: CatBoost's trees
    first = min(counts)
    kept = []
    for line in lines:
        match = PROCESS.match(line)
        if match is None or _process(match) == first:
            kept.append(line[match.end() :] if match else line)
    several = f"The log holds the lines of {len(counts)} processes: those of process {first} were read."
    return "\n".join(kept), several if len(counts) > 1 else ""


def _process(match: re.Match[str]) -> int:
    return int(next(group for group in match.groups() if group is not None))


def message_text(text: str) -> str | None:
    r"""Return the messages of JSON that a program's logging wrote, if they hold the numbers; None for other text.

    Example:
        >>> message_text('{"message": "epoch 1 loss: 0.5"}\n{"message": "epoch 2 loss: 0.4"}\n')
        'epoch 1 loss: 0.5\nepoch 2 loss: 0.4\n'
    """
    if not text.startswith("{"):
        return None
    messages: list[str] = []
    told = 0
    for line in text.split("\n"):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and not any(map(names_metric, record)):
            message = next((record[name] for name in MESSAGES if isinstance(record.get(name), str)), "")
            messages.append(message.rstrip("\n"))
            told += any(map(names_metric, NAMES_NUMBER.findall(message)))
        elif record is not None or not messages:  # a half-written line is left out
            return None
        if len(messages) == SAMPLE and not told:
            return None
    return "".join(f"{message}\n" for message in messages) if told > 1 else None
