"""How often are `diagnose` and its peers right about overfitting? Simulated curves, people's logs, and our own study.

    make diagnose-peers                                        # once: four other tools into .venv-diagnose-peers/
    python -m benchmarks.diagnose [--points 10,30,100] [--cells TEXT ...] [--curves 20] [--tools NAME,...]
    python -m benchmarks.diagnose --corpus ../shared/logs      # every log there, beside what a careful reader says of it
    python -m benchmarks.diagnose --tutorial FOLDER            # a study folder's curves, written as three kinds of logs

The first prints three tables, by kind of noise and number of evaluations: in how many of 100 curves without a rise a tool
claims one, in how many that rise it sees it, both with standard errors, and the sum of both errors. Curves and cells
are those of `benchmarks.diagnose.simulation`; false alarms are means over the shapes of trends there. A tool that knows
remarks and warnings is taken at the level at which it errs less in all cells together, which favours it a little.
`diagnose` is asked as anybody would, for its label. `python -m benchmarks.diagnose.simulation` prints its statistics alone, shape by shape.
docs/calibration.md quotes the tables.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import names_among, program_parser
from benchmarks.diagnose.corpus import print_corpus
from benchmarks.diagnose.peers import PEERS, PEERS_PYTHON, Claims, peer_versions, started_peer
from benchmarks.diagnose.readers_answers import OVERFITS
from benchmarks.diagnose.simulation import (
    NOISE_CELLS,
    POINTS,
    RISING_CELLS,
    SHAPES,
    STRANGE_CELLS,
    Noise,
    Rising,
    null_curves,
    rising_curves,
    training_curves,
)
from benchmarks.diagnose.tutorial import print_tutorial
from benchmarks.host import describe_machine
from benchmarks.printing import print_table

OURS = "justright"
CELL_HEADINGS = ("noise", "evaluations")
LEVELS = Claims._fields

Ask = Callable[[Sequence[float], Sequence[float]], Claims]


@dataclass
class Tally:
    """How often each tool claims overfitting in one cell.

    Args:
        noise, points: the cell.
        rise: of the curves that rise, per lowest level; None in a cell without a rise.
        curves: how many there were.
        claims: tool -> {level: curves}.
    """

    noise: Noise
    points: int
    rise: float | None
    curves: int = 0
    claims: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, tool: str, claims: Claims) -> None:
        """Count what a tool claims of one curve."""
        counts = self.claims.setdefault(tool, dict.fromkeys(LEVELS, 0))
        for level, claim in claims._asdict().items():
            counts[level] += claim

    def share(self, tool: str, level: str) -> float:
        """Return in which share of curves a tool claims overfitting at this level."""
        return self.claims[tool][level] / self.curves


def main() -> None:
    options = parse_options()
    if options.corpus:
        print_corpus(options.corpus, options.peers_python)
    elif options.tutorial:
        print_tutorial(options.tutorial)
    else:
        print_contest(options)


def parse_options() -> argparse.Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("--points", type=names_among(tuple(map(str, POINTS))), default=list(map(str, POINTS)))
    parser.add_argument(
        "--cells", nargs="+", default=[""], metavar="TEXT", help="those whose noise holds one of these texts"
    )
    parser.add_argument("--curves", type=int, default=20, help="of each shape in each cell (default 20)")
    parser.add_argument(
        "--tools", type=names_among((OURS, *PEERS)), default=[OURS, *PEERS], metavar="NAME,..."
    )
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="read people's logs instead")
    parser.add_argument("--tutorial", type=Path, metavar="FOLDER", help="read a study's curves instead")
    return parser.parse_args()


def print_contest(options: argparse.Namespace) -> None:
    """Print false alarms and detections of all tools."""
    versions = peer_versions(options.peers_python)
    tools = [name for name in options.tools if name == OURS or name in versions]
    points = tuple(int(one) for one in options.points)
    with ExitStack() as stack:
        asked: dict[str, Ask] = {
            name: ask_ours
            if name == OURS
            else stack.enter_context(started_peer(options.peers_python, name)).judge
            for name in tools
        }
        nulls = [null_tally(asked, *cell, options.curves) for cell in null_cells(points, options.cells)]
        rises = [
            rising_tally(asked, cell, options.curves * len(SHAPES))
            for cell in rising_cells(points, options.cells)
        ]
    levels = {name: better_level(name, nulls, rises) for name in tools}
    for title, headings, lines in (
        ("Claims a rise where there is none, % of curves", CELL_HEADINGS, null_lines(nulls, levels)),
        ("Sees a rise, % of curves", (*CELL_HEADINGS, "rise"), rising_lines(rises, levels)),
        ("Sum of both errors, %", (*CELL_HEADINGS, "rise"), error_lines(nulls, rises, levels)),
    ):
        print(f"\n{title}\n")
        print_table((*headings, *tools), lines)
    print(f"\n{footer(versions, levels)}")


def null_cells(points: Sequence[int], texts: Sequence[str]) -> Iterator[tuple[Noise, int]]:
    """Yield the cells without a rise that were asked for: those of the simulation, and the counterparts of those with one."""
    cells = [(noise, count) for noise in (*NOISE_CELLS, *STRANGE_CELLS) for count in points]
    cells += [(one.noise, one.points) for one in rising_cells(points, texts)]
    for noise, count in dict.fromkeys(cells):
        if any(text in str(noise) for text in texts):
            yield noise, count


def rising_cells(points: Sequence[int], texts: Sequence[str]) -> Iterator[Rising]:
    """Yield the cells with a rise that were asked for."""
    for cell in RISING_CELLS:
        if cell.points in points and any(text in str(cell.noise) for text in texts):
            yield cell


def null_tally(asked: dict[str, Ask], noise: Noise, points: int, curves: int) -> Tally:
    """Return what all tools say of curves without a rise, of every shape."""
    tally = Tally(noise, points, None)
    for shape in SHAPES:
        rng = seeded(noise, points, shape)
        judge(tally, asked, null_curves(shape, points, noise, curves, rng), rng)
    return tally


def rising_tally(asked: dict[str, Ask], cell: Rising, curves: int) -> Tally:
    """Return what all tools say of curves that rise."""
    tally = Tally(cell.noise, cell.points, cell.rise)
    rng = seeded(cell.noise, cell.points, f"rise {cell.rise:g}")
    judge(tally, asked, rising_curves(cell, curves, rng)[0], rng)
    return tally


def judge(tally: Tally, asked: dict[str, Ask], curves: Any, rng: np.random.Generator) -> None:
    """Ask all tools about the same curves."""
    for train, validation in zip(training_curves(curves, tally.noise, rng), curves, strict=True):
        tally.curves += 1
        for name, ask in asked.items():
            tally.add(name, ask(train, validation))


def ask_ours(train: Sequence[float], validation: Sequence[float]) -> Claims:
    """Return whether `diagnose` says that a curve overfits, as it does of a History."""
    import justright as jr

    found = (
        jr.diagnose({"loss": [*map(float, train)], "val_loss": [*map(float, validation)]}).label in OVERFITS
    )
    return Claims(found, found)


def seeded(noise: Noise, points: int, what: str) -> np.random.Generator:
    """Return the random numbers of one cell, whichever others are asked for."""
    return np.random.default_rng(zlib.crc32(f"{noise}, {points}, {what}".encode()))


def better_level(tool: str, nulls: Sequence[Tally], rises: Sequence[Tally]) -> str:
    """Return the level of a tool's findings at which it errs less, all cells together."""

    def errors(level: str) -> float:
        alarms = [one.share(tool, level) for one in nulls]
        missed = [1 - one.share(tool, level) for one in rises]
        return sum(float(np.mean(part)) for part in (alarms, missed) if part)

    return min(LEVELS, key=errors)


def null_lines(nulls: Sequence[Tally], levels: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield false alarms by cell."""
    for one in nulls:
        yield str(one.noise), f"{one.points:,}", *(percent(one, *pair) for pair in levels.items())
    if nulls:
        worst = [max(100 * one.share(*pair) for one in nulls) for pair in levels.items()]
        yield "worst cell", "", *(f"{one:.0f}" for one in worst)


def rising_lines(rises: Sequence[Tally], levels: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield detections by cell."""
    for one in rises:
        yield *rising_cell(one), *(percent(one, *pair) for pair in levels.items())


def error_lines(
    nulls: Sequence[Tally], rises: Sequence[Tally], levels: dict[str, str]
) -> Iterator[tuple[str, ...]]:
    """Yield false alarms plus misses by cell with a rise, from the curves without one of the same noise and length."""
    without = {(one.noise, one.points): one for one in nulls}
    sums = []
    for one in rises:
        null = without.get((one.noise, one.points))
        if null:
            sums.append([100 * (null.share(*pair) + 1 - one.share(*pair)) for pair in levels.items()])
            yield *rising_cell(one), *(f"{each:.0f}" for each in sums[-1])
    if sums:
        yield "mean", "", "", *(f"{each:.0f}" for each in np.mean(sums, axis=0))


def rising_cell(one: Tally) -> tuple[str, str, str]:
    return str(one.noise), f"{one.points:,}", f"{one.rise:.0%}"


def percent(tally: Tally, tool: str, level: str) -> str:
    """Return a share in percent with its standard error."""
    share = tally.share(tool, level)
    return f"{100 * share:.1f} ± {100 * (share * (1 - share) / tally.curves) ** 0.5:.1f}"


def footer(versions: dict[str, str], levels: dict[str, str]) -> str:
    """Return which versions and levels were compared, where, and what is missing."""
    from justright import __version__

    said = [f"{name} {number} ({words(levels[name])})" for name, number in versions.items() if name in levels]
    missing = [name for name in PEERS if name not in versions]
    machine = describe_machine()
    return (
        f"{', '.join([f'{OURS} {__version__}', *said])}; NumPy {np.__version__}; "
        f"{machine['processor']}, {machine['cores']} cores."
        + (f" Not installed: {', '.join(missing)}; see `make diagnose-peers`." if missing else "")
    )


def words(level: str) -> str:
    return "every finding counts" if level == "any_level" else "warnings count"


if __name__ == "__main__":
    main()
