"""The tables of `benchmarks.engine`, from its measurements as plain values."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from benchmarks.peers.common import NETWORKS

TUTORIAL = "tutorial (Keras on TensorFlow)"
OWN = "justright"  # our own contenders' names begin so
TRAIN_ROWS, VALIDATION_ROWS = 10_000, 1_000
LARGE_UNITS = 512  # from this width on, matrix products are where the time goes
HEADINGS = ("contender", "ms an epoch and run", "min", "max", "/ best f32 peer", "/ tutorial", "GEMM share")
SIDE_HEADINGS = ("contender", "threads", "start-up s", "compile s", "peak MB", "best validation loss")


def print_tables(results: dict) -> None:
    """Print, for each variant, the speeds, and what they cost besides."""
    machine = results["machine"]
    print(
        f"\n{machine['processor']}, {machine['cores']} processors (load before: {machine['load_before']:.1f}); ",
        end="",
    )
    print(
        f"{results['rows']} rows: {TRAIN_ROWS:,} train, {VALIDATION_ROWS:,} validate after every epoch; batch 500."
    )
    print(
        f"justright: throughput of a study of {results['seeds']} seeds on all processors. Versions: {versions(results)}."
    )
    if results["gemm"]:
        rates = ", ".join(f"{library} {rate:.0f}" for library, rate in results["gemm"].items())
        print(
            f"Matrix products in f32, all processors, one thread each: {rates} GFLOP/s; the fastest counts."
        )
    variants = dict.fromkeys(report["variant"] for report in results["measurements"])
    for variant in variants:
        reports = [report for report in results["measurements"] if report["variant"] == variant]
        print(f"\n## {variant}\n")
        print_table(HEADINGS, speed_rows(variant, reports, max(results["gemm"].values(), default=None)))
        print()
        print_table(SIDE_HEADINGS, side_rows(reports))
        for report in reports:
            if "error" in report:
                print(f"\n{report['contender']} did not run: {' '.join(report['error'].split())}")


def speed_rows(variant: str, reports: list[dict], gemm: float | None) -> Iterable[tuple[str, ...]]:
    """Yield the cells of each contender; ratios say how many times longer the other takes."""
    times = by_contender(reports, "milliseconds")
    medians = {name: statistics.median(values) for name, values in times.items()}
    peers = [median for name, median in medians.items() if is_f32_peer(name)]
    flop = NETWORKS[variant].multiplications_flop(TRAIN_ROWS, VALIDATION_ROWS)
    for name, median in medians.items():
        share = f"{flop / (median / 1000) / (gemm * 1e9):.0%}" if gemm and is_large(variant) else ""
        yield (
            name,
            f"{median:.3g}",
            f"{min(times[name]):.3g}",
            f"{max(times[name]):.3g}",
            f"{min(peers) / median:.2f}x" if peers else "",
            f"{medians[TUTORIAL] / median:.2f}x" if TUTORIAL in medians else "",
            share,
        )


def side_rows(reports: list[dict]) -> Iterable[tuple[str, ...]]:
    """Yield start-up, compilation, memory and the loss that shows the same thing was trained."""
    columns = {key: by_contender(reports, key) for key in ("threads", "startup_seconds", "compile_seconds")}
    memory, loss = by_contender(reports, "memory_bytes"), by_contender(reports, "validation_loss")
    for name in memory:
        yield (
            name,
            str(columns["threads"][name][0]),
            f"{statistics.median(columns['startup_seconds'][name]):.1f}",
            f"{statistics.median(columns['compile_seconds'][name]):.1f}",
            f"{max(memory[name]) / 1e6:.0f}",
            f"{statistics.median(loss[name]):.3f}",
        )


def by_contender(reports: list[dict], key: str) -> dict[str, list]:
    """Return {contender: [value of each measurement]}, failures left out."""
    values: dict[str, list] = {}
    for report in reports:
        if "error" not in report:
            values.setdefault(report["contender"], []).append(report[key])
    return values


def is_f32_peer(name: str) -> bool:
    return not name.startswith(OWN) and "bf16" not in name


def is_large(variant: str) -> bool:
    return NETWORKS[variant].units[0] >= LARGE_UNITS


def versions(results: dict) -> str:
    found: dict[str, str] = {}
    for report in results["measurements"]:
        found |= report.get("versions", {})
    return ", ".join(f"{package} {number}" for package, number in sorted(found.items()))


def print_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a Markdown table, columns aligned."""
    cells = [headings, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in cells
    ]
    rule = (
        "|"
        + "|".join("-" * (width + 1) + ("-" if not column else ":") for column, width in enumerate(widths))
        + "|"
    )
    print("\n".join([lines[0], rule, *lines[1:]]))


if __name__ == "__main__":
    raise SystemExit("Run `python -m benchmarks.engine --show FILE`.")
