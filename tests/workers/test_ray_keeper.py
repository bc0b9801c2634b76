"""The keeper, with a program of this file's own in place of Ray: whatever ends first, nothing is left of what it started."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import psutil
import pytest

# A driver that starts a server, which starts an agent in a session of its own that ignores the server's end; then it
# says who they are.
DRIVER = """
    import subprocess, sys

    sys.stdin.readline()
    sleep = "import time; time.sleep(600)"
    server = f"import subprocess, sys; agent = subprocess.Popen([sys.executable, '-c', {sleep!r}], start_new_session=True);" \\
        "print(agent.pid, flush=True); agent.wait()"
    process = subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE)
    print(process.pid, int(process.stdout.readline()), flush=True)
    process.wait()
"""
# A coordinator that does nothing but live.
COORDINATOR = """
    import subprocess, sys, time

    keeper = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE)
    keeper.stdin.write(b"address key\\n")
    keeper.stdin.flush()
    time.sleep(600)
"""
KEEPER = """
    import sys
    from justright.workers import ray_keeper

    ray_keeper.DRIVER = [sys.executable, "-c", {driver!r}]
    ray_keeper.main()
"""
END_SECONDS = 15.0  # far more than it takes, even on a crowded machine

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="only Linux gives the keeper what its descendants leave behind",
)


@pytest.fixture
def family():
    """A coordinator, the server and the agent below it; all of them end with the test."""
    keeper = textwrap.dedent(KEEPER).format(driver=textwrap.dedent(DRIVER))
    command = [sys.executable, "-c", textwrap.dedent(COORDINATOR), keeper]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as coordinator:
        members = [psutil.Process(coordinator.pid)]
        members += [psutil.Process(int(pid)) for pid in coordinator.stdout.readline().split()]
        yield members
        for member in members:
            if member.is_running():
                member.kill()


@pytest.mark.parametrize("victim", [0, 1], ids=["coordinator", "server"])
def test_nothing_is_left_whoever_is_killed(family, victim) -> None:
    """Neither the server nor the agent that would outlive it."""
    family[victim].kill()
    _, alive = psutil.wait_procs(family[1:], END_SECONDS)
    assert alive == []
