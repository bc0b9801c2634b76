"""What does stopping when settled save, and what does it cost? The tutorial's variants on real HIGGS rows.

    python -m benchmarks.settled record --higgs FOLDER --out OUT [--variants Tiny,Small] [--seeds 0-19] [--seconds 280]
    python -m benchmarks.settled table  --out OUT [--seeds 20-39]
    python -m benchmarks.settled folders STUDY_FOLDER...

FOLDER holds HIGGS-prefix.csv.gz (the first 11,000 rows) and heldout.parquet (other rows, to measure on). `record` trains
each run once, with the tutorial's recipe and its patience of 200, and keeps the losses of every validation row and of
5,000 test rows after *every* epoch (5-50 MB per run). It stops after `--seconds` and goes on where it was when called
again. `table` then replays any rule on these losses, through the engine's own code, and judges both ends of each run as
a study of that seed would be judged. `folders` shows where the rule would have stopped the runs of study folders that
were trained with patience alone, from the losses they keep. docs/settled.md shows the tables.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.arguments import names_among, program_parser
from benchmarks.peers.case import NETWORKS


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("command", choices=["record", "table", "folders"])
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--higgs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("settled"))
    parser.add_argument("--variants", type=names_among(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--seeds", type=seed_range, default="0-19", metavar="FIRST-LAST")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--precision", default="float32", help="of the 512-wide variants")
    options = parser.parse_args()
    if options.command == "folders":
        from benchmarks.settled.folders import print_folders

        print_folders(options.folders)
    elif options.command == "table":
        from benchmarks.settled.recordings import print_table

        print_table(options.out, options.variants, options.seeds)
    else:
        from benchmarks.settled.recorder import record

        record(options)


def seed_range(text: str) -> range:
    """Return the seeds of `FIRST-LAST`, both included."""
    first, last = (int(part) for part in text.split("-"))
    return range(first, last + 1)


if __name__ == "__main__":
    main()
