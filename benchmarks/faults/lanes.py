"""Are a run's numbers its own? Runs that share a program as lanes, beside another number of lanes, or other neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.bitwise import Measured, exact
from benchmarks.faults.commands import ACCELERATED_SEEDS, Place
from benchmarks.printing import print_table

# What a program holds besides the undisturbed study's lanes -> the seeds of its lanes, in order; one of them at least is
# in both.
OTHERS = {
    "one lane": [1],
    "two lanes": [1, 2],
    "other neighbours, another place": [9, 8, 2, 1],
}
SHARE = 4  # of the undisturbed study's epochs, the part that is compared
HEADINGS = (
    "lanes",
    "variant",
    "epochs compared",
    "identical",
    "first other",
    "loss differs there",
    "at the end",
)


@dataclass(frozen=True)
class Apart:
    """How far the epochs that two studies have in common are apart, for one variant.

    Args:
        epochs: compared, over all runs.
        same: how many of them are the same, bit by bit.
        first: the first epoch in which a run differs; None if none does.
        at_first, at_end: largest relative difference of the validation loss, in that epoch and in the last one.
    """

    epochs: int
    same: int
    first: int | None = None
    at_first: float = 0.0
    at_end: float = 0.0


def compare_lanes(place: Place) -> None:
    """Train some of the undisturbed study's seeds in other company, and print what that changes."""
    undisturbed = Measured.read(place.path / "undisturbed")
    rows = []
    for number, (name, seeds) in enumerate(OTHERS.items()):
        study, out = f"lanes-{number}", f"with-{name.replace(' ', '-').replace(',', '')}"
        text = place.describe(seeds, epochs=max(2, place.epochs // SHARE))
        (place.path / f"{study}.toml").write_text(text)
        code, said = place.start(out, study=study).end()
        if code:
            raise SystemExit(f"{out} ended with {code}: {said}")
        rows += [(name, *cells) for cells in cells_of(undisturbed, Measured.read(place.path / out))]
    print(f"\nCompared with {len(ACCELERATED_SEEDS)} lanes, those of seeds {ACCELERATED_SEEDS}:")
    print_table(HEADINGS, rows)


def cells_of(first: Measured, other: Measured) -> Iterator[Sequence[str]]:
    """Yield a row of cells for each variant that two studies have in common."""
    for variant, apart in far_apart(first, other).items():
        cells = (variant, str(apart.epochs), str(apart.same))
        if apart.first is None:
            yield *cells, "-", "-", "-"
        else:
            yield *cells, str(apart.first), f"{apart.at_first:.1e}", f"{apart.at_end:.1e}"


def far_apart(first: Measured, other: Measured) -> dict[str, Apart]:
    """Return how far two studies are apart in the epochs that both have, by variant."""
    both = sorted((place_of(name), name) for name in first.epochs.keys() & other.epochs.keys())
    return {
        variant: _apart(first, other, [(epoch, name) for (_, epoch), name in members])
        for variant, members in groupby(both, key=lambda one: one[0][0])
    }


def place_of(name: str) -> tuple[str, int]:
    """Return the variant and the epoch of an epoch of a run.

    Example:
        >>> place_of("Wide, seed 1, 480 rows: epoch 12")
        ('Wide', 12)
    """
    return name.partition(", seed ")[0], int(name.rpartition(" ")[2])


def _apart(first: Measured, other: Measured, names: Sequence[tuple[int, str]]) -> Apart:
    unlike = [(epoch, name) for epoch, name in names if not _is_same(first.epochs[name], other.epochs[name])]
    if not unlike:
        return Apart(len(names), len(names))
    ends = unlike[0][0], names[-1][0]
    at_first, at_end = (
        max(_relative(first, other, name) for epoch, name in names if epoch == end) for end in ends
    )
    return Apart(len(names), len(names) - len(unlike), ends[0], at_first, at_end)


def _is_same(one: dict[str, float | None], two: dict[str, float | None]) -> bool:
    """Whether the metrics that both epochs have are the same: the fixed subset is not measured in each of them."""
    return all(exact(one[key]) == exact(two[key]) for key in one if None not in (one[key], two.get(key)))


def _relative(first: Measured, other: Measured, name: str) -> float:
    losses = first.epochs[name]["val_loss"], other.epochs[name]["val_loss"]
    return abs(losses[1] / losses[0] - 1.0)
