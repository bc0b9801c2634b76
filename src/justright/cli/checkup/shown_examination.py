"""An examination for a terminal: a line for each thing, then what is wrong and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from justright.cli.checkup.examination import Examination
from justright.cli.checkup.troubles import Trouble
from justright.data.checks import counted
from justright.report.precision_words import PRECISIONS
from justright.report.terminal.terminal import TONE_STYLES, Terminal
from justright.report.terminal.text import plain
from justright.workers.memory import gigabytes

LABEL_WIDTH = 12
MEASURED = ("cuda",)  # the only accelerators that justright was measured on


def print_examination(terminal: Terminal, found: Examination, troubles: Sequence[Trouble]) -> None:
    """Print everything that was found, and then what is wrong and what mends it."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=LABEL_WIDTH)
    grid.add_column(overflow="fold")
    for name, value in lines(found):
        grid.add_row(name, plain(value))
    terminal.print(grid)
    terminal.print()
    if not troubles:
        terminal.print("Nothing is missing.")
        return
    for number, trouble in enumerate(troubles, 1):
        stops = " Until then no network can be trained." if trouble.stops_training else ""
        item = Table.grid(padding=(0, 1, 0, 0))
        item.add_row(
            f"{number}.", Text(plain(trouble.text) + stops, style=TONE_STYLES["bad"] if stops else "")
        )
        terminal.print(item)
        if trouble.command:
            terminal.say(f"   {plain(trouble.command)}")


def lines(found: Examination) -> Iterator[tuple[str, str]]:
    """Yield (what, how it is) for everything, in the order in which people ask."""
    versions = found["versions"]
    yield "justright", f"{versions['justright']}, Python {versions['python']}, {found['system']}"
    yield "Packages", ", ".join(f"{name} {versions[name]}" for name in ("jax", "jaxlib", "keras", "numpy"))
    if found["plugins"]:
        yield "Plug-ins", ", ".join(f"{name} {version}" for name, version in found["plugins"].items())
    yield "Trains on", _devices(found)
    yield "Precision", _precision(found)
    processors = found["processors"]
    blas = (
        f"; {processors['blas']} with {counted(processors['blas_threads'], 'thread')}"
        if processors["blas"]
        else ""
    )
    yield "Processors", f"{processors['count']} x {processors['name']}{blas}"
    yield "Memory", f"{gigabytes(found['memory_free_bytes'])} GB free"
    here, kept = found["disks"]["here"], found["cache"]
    yield "Disk", f"{gigabytes(here['free_bytes'])} GB free in {here['path']}"
    free = gigabytes(found["disks"]["cache"]["free_bytes"])
    yield "Cache", f"{_size(kept['bytes'])} in {kept['path']}, {free} GB free there"
    yield "Compiled", _compiled(kept)
    yield "Ray", _ray(found["ray"])
    present = [f"{name} ({what})" for name, what in found["extras"].items() if what]
    absent = [name for name, what in found["extras"].items() if not what]
    yield (
        "Extras",
        "; ".join(
            filter(None, [", ".join(present), f"not installed: {', '.join(absent)}" if absent else ""])
        ),
    )
    if found["variables"]:
        yield "Variables", ", ".join(f"{name}={value}" for name, value in found["variables"].items())


def _devices(found: Examination) -> str:
    """Return what networks train on."""
    devices = found["devices"]
    if devices is None:
        apple = "; Apple's GPU is not used, JAX's plug-in for it works with old versions only"
        return f"the CPU{apple if found['system_devices']['apple'] else ''}"
    memory = devices["memory_bytes"]
    share = f", {gigabytes(memory)} GB of each for a process" if memory else ""
    untried = "" if devices["platform"] in MEASURED else "; justright was not tried on such devices yet"
    name = devices["name"] or devices["platform"]
    return f"{devices['count']} x {name} ({devices['platform']}){share}{untried}"


def _precision(found: Examination) -> str:
    """Return what `--precision auto` takes, and whether bfloat16 would be faster."""
    auto = f"auto is {PRECISIONS[found['precision']]}"
    if found["devices"]:
        return auto
    is_fast = found["processors"]["bfloat16_products"]
    if is_fast is None:
        return f"{auto}; whether bfloat16 is faster on this processor is not known"
    words = "this processor has bfloat16 products" if is_fast else "bfloat16 gains no speed on this processor"
    return f"{auto}; {words}{', with which wide networks train faster (--precision bfloat16)' if is_fast else ''}"


def _compiled(kept: dict[str, Any]) -> str:
    if kept["compiled"] is None:
        return "not kept: programs are compiled each time"
    return f"{counted(kept['programs'], 'program')}, {_size(kept['compiled_bytes'])} in {kept['compiled']}"


def _ray(found: dict[str, Any]) -> str:
    if found["version"] is None:
        return "not installed"
    if found["answers"]:
        return f"{found['version']}; a cluster answers at {found['address']} (--ray-address auto)"
    return f"{found['version']}; --engine ray starts it on this machine"


def _size(count: int) -> str:
    """Return a number of bytes in megabytes.

    Example:
        >>> _size(1_240_000), _size(0)
        ('1.2 MB', '0.0 MB')
    """
    return f"{count / 1e6:.1f} MB"
