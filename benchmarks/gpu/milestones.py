"""When does a command get where? `justright run`, with seconds from the start of its process to what its user waits for.

    python -m benchmarks.gpu.milestones run --study quick --seeds 2 --out OUT              # on a GPU
    python -m benchmarks.gpu.milestones --rehearse run --study quick --out OUT             # a GPU is played, on the CPU
    python -m benchmarks.gpu.milestones --costs 3,2.2 run --study quick --out OUT          # and takes as long to start

The last line is JSON: `device` is known, networks are `described`, the `first_result` is there, all are `trained`, the
`report` is written. With --costs waking the driver takes the first number of seconds, and compiling a training program the
second at least: all costs of a start but its own computing. Nothing is compiled before, as on a fresh machine.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.accelerated import H100, play_accelerators

PLAYED_COSTS = Path(__file__).parent / "played_costs"


def main() -> None:
    words = sys.argv[1:]
    os.environ.setdefault("JUSTRIGHT_COMPILE_CACHE", "off")
    from justright.workers import accelerators

    if words[0] == "--rehearse":
        words = words[1:]
        os.environ["JAX_PLATFORMS"] = "cpu"
        play_accelerators(H100)
    elif words[0] == "--costs":
        os.environ["PLAYED_COSTS"], words = words[1], words[2:]
        sys.path.append(str(PLAYED_COSTS))  # workers have this path
        accelerators.may_have_accelerators = lambda: True
    seconds: dict[str, float] = {}
    note_events(seconds)
    code = run_command(words)
    seconds["report"] = since_start()
    print(json.dumps({"code": code} | {name: round(one, 1) for name, one in seconds.items()}), flush=True)
    sys.exit(code)


def run_command(words: list[str]) -> int:
    """Run the command line, and return its exit code."""
    from justright.cli.main import main as justright

    sys.argv[1:] = words
    try:
        justright(words)
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def note_events(seconds: dict[str, float]) -> None:
    """Let a session put down when its study gets where."""
    import justright.session.session as session
    from justright.runs.events import StackCheckpoint

    train, kind_of = session.train_study, session.device_kind

    def note(name: str) -> None:
        seconds.setdefault(name, since_start())

    def device_kind(engine: str) -> Any:
        kind = kind_of(engine)
        note("device")
        return kind

    def train_study(study: Any, pool: Any, handle: Any, *, on_built: Any, **options: Any) -> None:
        def noted(event: Any) -> None:
            handle(event)
            if isinstance(event, StackCheckpoint) and event.finished:
                note("first_result")

        def built(events: Any) -> None:
            note("described")
            on_built(events)

        train(study, pool, noted, on_built=built, **options)
        note("trained")

    session.train_study, session.device_kind = train_study, device_kind


def since_start() -> float:
    """Return the seconds since this process was started."""
    import psutil

    return time.time() - psutil.Process().create_time()


if __name__ == "__main__":
    main()
