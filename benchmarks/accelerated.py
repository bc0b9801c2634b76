"""The accelerators that the engine finds: asked once, or played on a machine that has none, to rehearse their code path."""

from __future__ import annotations

from justright.workers import accelerators
from justright.workers.accelerators import Accelerators

# What is played for a rehearsal: one device, whose memory is unknown.
H100 = Accelerators("cuda", 1, None, "NVIDIA H100 80GB HBM3", "9.0")


def play_accelerators(found: Accelerators) -> None:
    """Let the engine in this process find these accelerators, whatever the machine has.

    Lanes are then computed together, and batch orders drawn in the program. Workers compute on what JAX finds.
    """
    accelerators.may_have_accelerators = lambda: True
    accelerators._answer = lambda: found
    accelerators._asked = lambda key: None  # type: ignore[assignment,misc]  # so that no process asks


def accelerators_here() -> Accelerators:
    """Return this machine's accelerators.

    Raises:
        SystemExit: there are none.
    """
    found = accelerators.find_accelerators()
    if found is None:
        fault = accelerators.accelerator_fault() or "no plugin of JAX for one is installed"
        raise SystemExit(
            f"This needs an accelerator, and JAX finds none here ({fault}); see `justright doctor`, or rehearse on the CPU "
            "with --rehearse."
        )
    return found
