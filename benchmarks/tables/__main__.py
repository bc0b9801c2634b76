"""Is a table accepted at the first try, and is the network that comes out as good as a linear model and boosted trees?

    python -m benchmarks.tables ../shared/tables                 # every table in a folder: some ten minutes on two cores
    python -m benchmarks.tables mine.csv --target price          # one of your own
    python -m benchmarks.tables ../shared/tables --only iris.csv,tips.csv --json tables.json
    python -m benchmarks.tables --show tables.json               # the tables again

Each table is given to `justright data FILE` and `justright run FILE --target COLUMN`, and nothing else; the targets are in
targets.toml. Rivals learn from the same rows and the same encoded features. Networks and rivals are chosen by validation
rows and measured on test rows.

The exit code is 1 when a table is refused, or a network is worse than predicting a constant.
"""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.arguments import program_parser
from benchmarks.tables.compare import compare
from benchmarks.tables.first_try import describe, train
from benchmarks.tables.printing import print_record, print_records

TARGETS = Path(__file__).with_name("targets.toml")
# Options that are handed on, to see what another default would do.
OF_RUN = ("--max-epochs", "--seeds", "--batch-size")


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(arguments)
    if options.show:
        records = json.loads(options.show.read_text())
    else:
        records = []
        for path, target in chosen_tables(options).items():
            records.append(try_shown(path, target, options))
            if options.json:  # at once: whoever stops the program keeps what was found
                options.json.write_text(json.dumps(records, indent=1))
    print_records(records)
    return int(any(not one["accepted"] or one.get("worse_than_constant") for one in records))


def read_options(arguments: Sequence[str] | None) -> Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="FOLDER|FILE")
    parser.add_argument("--target", help="the column to predict, in all tables")
    parser.add_argument(
        "--targets", type=Path, default=TARGETS, metavar="FILE.toml", help="file names -> targets"
    )
    parser.add_argument(
        "--only", type=lambda text: text.split(","), metavar="FILE[,FILE]", help="names in the folders"
    )
    for flag in OF_RUN:
        parser.add_argument(flag, metavar="N", help="as `justright run` has it")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where to leave the study folders")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print what --json wrote, and run nothing")
    options = parser.parse_args(arguments)
    if not options.paths and not options.show:
        parser.error("give a FOLDER or FILE, or --show FILE")
    return options


def chosen_tables(options: Namespace) -> dict[Path, str]:
    """Return path -> target of every table that was asked for; end the program where a target is unknown."""
    known = tomllib.loads(options.targets.read_text())
    tables, unknown = {}, []
    for path in files_in(options.paths):
        if options.only and path.name not in options.only:
            continue
        target = options.target or known.get(path.name)
        if target is None:
            unknown.append(path.name)
        else:
            tables[path.resolve()] = str(target)
    if unknown:
        print(
            f"Left out, since {options.targets.name} has no target for them: {', '.join(unknown)}.",
            file=sys.stderr,
        )
    if not tables:
        sys.exit("No table is left to try.")
    return tables


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files among paths, and those in the folders among them, in the order of their names."""
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.iterdir() if one.suffix != ".md") if path.is_dir() else [path]
    return found


def try_shown(path: Path, target: str, options: Namespace) -> dict[str, Any]:
    """Try one table, and say at once how that ended."""
    given = {flag: getattr(options, flag[2:].replace("-", "_")) for flag in OF_RUN}
    words = [word for flag, value in given.items() if value for word in (flag, value)]
    with tempfile.TemporaryDirectory(prefix="justright-") as scratch:
        folder = (options.keep or Path(scratch)) / path.name.replace(".", "-")
        record = try_table(path, target, folder, words)
    print_record(record)
    return record


def try_table(path: Path, target: str, folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """Return what became of one table, as plain values."""
    described = describe(path)
    trained = train(path, target, folder, words)
    record: dict[str, Any] = {
        "table": path.name,
        "target": target,
        "data_accepted": described.is_accepted,
        "run_accepted": trained.is_accepted,
        "accepted": described.is_accepted and trained.is_accepted,
        "code": described.code or trained.code,
        "message": described.message or trained.message,
        "data_seconds": round(described.seconds, 1),
        "seconds": round(trained.seconds, 1),
    }
    return record | (compare(folder) if trained.is_accepted else {})


if __name__ == "__main__":
    sys.exit(main())
