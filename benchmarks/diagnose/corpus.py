"""People's logs, read at the first try: what a careful reader says of each, what we say, and how long it takes."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.diagnose.peers import Claims, peer_versions, started_peer
from benchmarks.diagnose.readers_answers import (
    BY_LOSS_ONLY,
    IMPROVING,
    OVERFITS,
    REFUSED,
    Answer,
    made_answers,
    readers_answers,
)
from benchmarks.printing import print_table
from justright.errors import InputError
from justright.statistics.jitter import NORMAL_MAD

if TYPE_CHECKING:
    from justright.logs.run_reading import MetricReading, RunReading, SetReading
    from justright.session.reading import Reading

TOTAL_HEADINGS = ("logs", "tool", "with curves: read", "overfit: found", "do not: claimed")
HEADINGS = ("log", "reader", "label", "judged", "seconds", "agree")
# A metric that changes by this share of all it ever changed, and by more than so many standard deviations of its jitter,
# after the state to keep: keeping that state gives the improvement away.
CLEAR_SHARE = 0.1
CLEAR_DEVIATIONS = 4.0
AROUND = 3  # measurements whose median stands for one time
TRAIN_LONGER = re.compile(
    r"\b(train|run|continue|resume)\w*\b[^.;]*\b(longer|more epochs|further|more steps)\b", re.I
)
STOP_EARLIER = re.compile(
    r"\b(stop|end)\w*\b[^.;]*\b(earlier|early|sooner|there)\b|\bfewer (epochs|steps)\b", re.I
)


@dataclass(frozen=True)
class Record:
    """What came out of one log.

    Args:
        log: its path in the corpus.
        answer: what should come out.
        reading: ours; None if it was refused.
        refused: why.
        seconds: that it took.
    """

    log: str
    answer: Answer
    reading: Reading | None
    refused: str
    seconds: float

    @property
    def label(self) -> str:
        return self.reading.label if self.reading else REFUSED

    @property
    def agrees(self) -> bool | None:
        """Whether we say what the reader says; None if the reader has no opinion."""
        if not self.answer.labels:
            return None
        return self.label in self.answer.labels and self.counts_agree

    @property
    def counts_agree(self) -> bool:
        """Whether runs and folds are told apart as they should be."""
        if self.reading is None:
            return self.answer.runs is None
        runs = [run for run in self.reading.runs if not run.is_earlier]
        right_runs = self.answer.runs in (None, len(runs))
        return right_runs and self.answer.members in (None, len(self.reading.run.members))

    @property
    def harm(self) -> list[str]:
        """What would do harm in our advice, a sentence each."""
        if self.reading is None:
            return []
        return [what for run in self.reading.runs for what in harmful_advice(run, self.answer.labels)]


def read_corpus(folder: Path) -> Iterator[Record]:
    """Yield what comes out of each log of a corpus, real ones first."""
    for log, answer in (readers_answers(folder) | made_answers(folder)).items():
        yield read_log(folder, log, answer)


def read_log(folder: Path, log: str, answer: Answer) -> Record:
    """Return what comes out of one log."""
    import justright as jr

    started = time.perf_counter()
    reading, refused = None, ""
    try:
        reading = jr.diagnose(folder / log)
    except InputError as error:
        refused = str(error)
    except Exception as error:  # noqa: BLE001  # a bug is counted, and shown among the refusals
        refused = f"BUG: {traceback.format_exc().splitlines()[-2].strip()}: {error!r}"
    return Record(log, answer, reading, refused, time.perf_counter() - started)


def harmful_advice(run: RunReading, reader: frozenset[str]) -> list[str]:
    """Return what in a run's advice would do harm, a sentence each.

    Args:
        run: its reading.
        reader: the labels that agree with the reader; what only the curves show is found without them.
    """
    found = []
    if run.keep and run.sets:
        held, at = run.sets[0], run.keep.at
        course = [(one, course_after(run, held, one, at)) for one in held.others if one.direction == "more"]
        # Where one success metric falls while another rises, either end gives something away.
        if min((sign for _, sign in course), default=0) >= 0:
            found += [
                f"keeps {run.unit} {at:g}, though {one.written} improves from there to the end"
                for one, sign in course
                if sign > 0
            ]
    said = [one.words for one in run.advice]
    if reader and reader <= OVERFITS and reader != BY_LOSS_ONLY:
        found += [f"asks to train longer: {words}" for words in said if TRAIN_LONGER.search(words)]
    if reader == IMPROVING:
        found += [f"asks to stop: {words}" for words in said if STOP_EARLIER.search(words)]
    return found


def course_after(run: RunReading, held: SetReading, metric: MetricReading, at: float) -> int:
    """Return 1 if a metric is clearly better at the end than at a time, -1 if it is clearly worse, 0 otherwise.

    By its own curve and a rule of thumb, so that our trends do not judge themselves.
    """
    times, values = run.curves.named(metric.written, held.role, held.set).finite()
    if len(values) < 2 * AROUND:
        return 0
    then = np.median(values[np.argsort(np.abs(times - at), kind="stable")[:AROUND]])
    gain = float(np.median(values[-AROUND:]) - then)
    jitter = NORMAL_MAD * np.median(np.abs(np.diff(values) - np.median(np.diff(values)))) / 2**0.5
    clear = max(CLEAR_SHARE * np.ptp(values), CLEAR_DEVIATIONS * jitter)
    return int(np.sign(gain)) if abs(gain) > clear else 0


def print_corpus(folder: Path, peers_python: Path) -> None:
    """Print a line about each log of a corpus, disagreements and refusals in words, and totals of all tools."""
    records = list(read_corpus(folder))
    print_table(HEADINGS, map(line, records))
    print_exceptions(records)
    parts = {
        "Real logs": [one for one in records if not one.log.startswith("made/")],
        "Made logs": [one for one in records if one.log.startswith("made/")],
    }
    for title, part in parts.items():
        print(f"\n{title}: {total(part)}")
    claims = {"justright": {one.log: ours(one) for one in records}} | ask_peers(folder, records, peers_python)
    print()
    print_table(
        TOTAL_HEADINGS,
        (tool_line(title, tool, part, claims[tool]) for title, part in parts.items() for tool in claims),
    )


def ours(record: Record) -> list[Claims]:
    """Return what we say of each run of a log that counts, as the peers are asked."""
    runs = record.reading.runs if record.reading else ()
    return [Claims(run.label in OVERFITS, run.label in OVERFITS) for run in runs if not run.is_earlier]


def ask_peers(folder: Path, records: Sequence[Record], python: Path) -> dict[str, dict[str, list[Claims]]]:
    """Return peer -> log -> what it claims of each run; none of a log that it cannot read."""
    found = {}
    for name in peer_versions(python):
        with started_peer(python, name) as peer:
            found[name] = {one.log: peer.read(folder / one.log) for one in records}
    return found


def tool_line(
    title: str, tool: str, records: Sequence[Record], claims: dict[str, list[Claims]]
) -> tuple[str, ...]:
    """Return the cells of a tool: how many logs it reads, and what it finds in those of which the reader has an opinion."""
    curves = [one for one in records if one.answer.has_curves]
    read = sum(bool(claims[one.log]) for one in curves)
    worse = [one for one in curves if one.answer.labels and one.answer.labels <= OVERFITS]
    others = [one for one in curves if one.answer.labels and not one.answer.labels & OVERFITS]
    found, claimed = (
        sum(any(run.any_level for run in claims[one.log]) for one in part) for part in (worse, others)
    )
    return title, tool, f"{read} of {len(curves)}", f"{found} of {len(worse)}", f"{claimed} of {len(others)}"


def line(record: Record) -> tuple[str, ...]:
    """Return the cells of one log."""
    agree = {None: "", True: "yes", False: "NO"}[record.agrees]
    return record.log, record.answer.words, record.label, judged(record), f"{record.seconds:.2f}", agree


def judged(record: Record) -> str:
    """Return what the label is about, and how many runs there are."""
    if record.reading is None:
        return ""
    run = record.reading.run
    what = f"{run.sets[0].judged.written}, {run.sets[0].judged.points}" if run.sets else "training only"
    runs = len(record.reading.runs)
    return f"{what} ({runs} runs)" if runs > 1 else what


def print_exceptions(records: Sequence[Record]) -> None:
    """Print what we say where it is not what the reader says, why logs are refused, and what would do harm."""
    for record in records:
        if record.agrees is False:
            said = record.reading.sentence if record.reading else record.refused
            print(f"\n{record.log}: {record.answer.words}\n- {record.label}: {said}")
            if record.reading and not record.counts_agree:
                print(f"- {len(record.reading.runs)} runs, {len(record.reading.run.members)} members")
        elif record.refused:
            print(f"\n{record.log}: refused, as it should be: {record.refused}")
        for what in record.harm:
            print(f"\n{record.log}: HARM: {what}")


def total(records: Sequence[Record]) -> str:
    """Return the sum of all logs in a line."""
    curves = [one for one in records if one.answer.has_curves]
    opinions = [one for one in records if one.agrees is not None]
    read = sum(one.reading is not None for one in curves)
    agreeing = sum(bool(one.agrees) for one in opinions)
    return (
        f"read {read} of {len(curves)} with curves ({share(read, len(curves))}); "
        f"agree with the reader in {agreeing} of {len(opinions)} ({share(agreeing, len(opinions))}); "
        f"harmful advice for {sum(bool(one.harm) for one in records)}; "
        f"slowest {max((one.seconds for one in records), default=0.0):.2f} s."
    )


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
