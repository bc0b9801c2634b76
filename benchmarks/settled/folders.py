"""The settling rule on study folders that were trained to their patience's end: where it would have stopped each run.

A folder keeps the losses of single rows at some epochs only (about 24 per decade), and their means at every epoch. Between
two looks the rows' losses are taken from the epochs kept there, moved to the mean of all epochs between: the means are
exact, and rows spread as after single epochs, a little more than means of several would. Test rows were measured at the
chosen and the last epoch only, so what an earlier stop would have cost is shown on validation rows.
"""

from __future__ import annotations

import numpy as np

from benchmarks.printing import print_table as print_cells
from benchmarks.settled.recordings import judge_epochs
from justright.training.settled import History, SettlingRule, look_after

HEADINGS = (
    *("variant", "seed", "epochs, patience", "epochs, settled", "share", "best epoch, patience", "settled"),
    *("validation loss", "higher by", "last above best", "why"),
)


def print_folders(folders) -> None:
    """Print one line per run of each study folder."""
    import justright as jr
    from justright.records.reader import StoreReader

    cells = []
    for folder in folders:
        result = jr.open_result(folder)
        with StoreReader(result._folder) as store:
            rule = SettlingRule(store.get_meta("table")["constant_loss"])
            for record in store.runs():
                curves = store.curves(variant=record.run.variant, seed=record.run.seed)
                curve, train = (
                    curves[name].to_numpy() for name in ("val_binary_crossentropy", "binary_crossentropy")
                )
                history = read_history(curve, train, store.row_losses(record.run, "validation"))
                cells.append(line(record.run, curve, *judge_epochs(rule, history, len(curve))))
    print_cells(HEADINGS, cells)


def read_history(curve, train, rows) -> History:
    """Return what the rule would have known of a run, from its curves (epochs,) and the rows' losses it kept."""
    looks = []
    while (look := look_after(looks[-1] if looks else 0)) <= len(curve):
        looks.append(look)
    ends, kept = np.array(looks), np.array(sorted(rows))
    starts = np.concatenate([[0], ends[:-1]])
    losses = []
    for first, stop in zip(starts, ends, strict=True):
        inside = kept[(kept >= first) & (kept < stop)]
        if not len(inside):
            inside = kept[[np.argmin(np.abs(kept - (first + stop) / 2))]]
        spread = np.mean([rows[int(epoch)].astype(np.float64) for epoch in inside], axis=0)
        losses.append((spread - spread.mean() + curve[first:stop].mean()) * (stop - first))
    jitter = np.concatenate([[0.0], np.diff(curve) ** 2 / 2])
    sums = (np.add.reduceat(values[: ends[-1]], starts) for values in (train, jitter))
    return History(ends, np.array(losses), *sums)


def line(run, curve, end, why):
    """Return the cells of one run that the rule ends after `end` epochs."""
    best, last = int(np.argmin(curve)), float(curve[end - 1])
    chosen = int(np.argmin(curve[:end]))
    reason = "turned" if "risen" in why else "flat" if why else "patience"
    return (
        *(run.variant, str(run.seed), f"{len(curve):,}", f"{end:,}", f"{end / len(curve):.0%}"),
        *(str(best), str(chosen), f"{curve[best]:.4f}", f"{curve[chosen] - curve[best]:+.4f}"),
        *(f"{last - curve[chosen]:+.4f}", reason),
    )
