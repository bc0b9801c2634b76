"""Contenders' processes, which compile side by side and are measured one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from statistics import mean
from typing import Any

import psutil

from benchmarks.peers.driver import ERROR_CHARACTERS, ROOT

# Two seconds of a GPU's state are worth having: whether it computes all the time, and at which clock.
MONITOR = ("nvidia-smi", "--query-gpu=utilization.gpu,clocks.sm,power.draw", "--format=csv,noheader,nounits")
MONITOR_NAMES = ("busy_percent", "clock_mhz", "power_watts")
MONITOR_MILLISECONDS = 200
# A first sample averages over what came before.
MONITOR_SKIPPED = 1
END_SECONDS = 10.0  # for killed processes to leave the device


class Turn:
    """A contender's process, from its start to its report; use it as a context manager.

    Args:
        command: what to run; it says `{"ready": true}` once everything is compiled, waits for a line, and ends with its
            report.
        variables: its environment besides this process's.
    """

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._said: Queue[str | None] = Queue()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process = subprocess.Popen(
            command,
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._started = time.monotonic()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.error = ""

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill the process and all it started, also suspended ones, and wait until the device is free of them."""
        if self._log.closed:
            return
        if self._process.poll() is None:
            children = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            psutil.wait_procs(children, timeout=END_SECONDS)
        self._process.wait()
        self._listener.join()
        with suppress(OSError):  # it may have died before it read everything
            self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()

    def wait_until_ready(self, deadline: float) -> bool:
        """Return whether everything is compiled, at `deadline` of the monotonic clock at the latest."""
        self._next_report(deadline, "ready", self._started)
        return not self.error

    def measure(self, deadline: float) -> dict[str, Any]:
        """Let the process go on, and return its report and what the device did meanwhile; or {'error': why there is none}."""
        if self.error:
            return {"error": self.error}
        with suppress(OSError):  # dead already: found out below
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        with Monitor() as monitor:
            report = self._next_report(deadline, "done", time.monotonic())
        return {"error": self.error} if self.error else report | monitor.means()

    def _next_report(self, deadline: float, wanted: str, start: float) -> dict[str, Any]:
        """Return the next line of JSON since `start`; {} and an `error` if there is none in time."""
        while not self.error:
            try:
                line = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self.error = f"not {wanted} after {time.monotonic() - start:.0f} seconds"
                break
            if line is None:
                self.error = f"ended before it was {wanted}: {self._last_words()}"
            elif line.startswith("{") and (wanted == "done" or "ready" in json.loads(line)):
                return json.loads(line)
        return {}

    def _listen(self) -> None:
        for line in self._process.stdout:
            self._said.put(line)
        self._said.put(None)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-ERROR_CHARACTERS:]


class Monitor:
    """What `nvidia-smi` says of the first device in the meantime; nothing where there is no such program."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said = ""

    def __enter__(self) -> Monitor:
        with suppress(OSError):
            self._process = subprocess.Popen(
                [*MONITOR, "--id=0", f"--loop-ms={MONITOR_MILLISECONDS}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            self._said = self._process.communicate()[0]

    def means(self) -> dict[str, float]:
        """Return the mean of each figure."""
        return means_of(self._said)


def means_of(lines: str) -> dict[str, float]:
    """Return the mean of each of the monitor's figures; {} of too few samples, or where a device gives no figures."""
    try:
        samples = [
            list(map(float, line.split(",")))
            for line in lines.splitlines()
            if line.endswith(tuple("0123456789"))
        ]
    except ValueError:
        return {}
    columns = zip(*samples[MONITOR_SKIPPED:], strict=True)
    return {name: round(mean(values), 1) for name, values in zip(MONITOR_NAMES, columns, strict=False)}


def peer_variables(*, threads: int) -> dict[str, str]:
    """Return the environment of contenders' programs."""
    path = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(path),
        # Several processes hold memory of the device while they wait for their turn.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        # Each compiles anew: the time is shown.
        "JUSTRIGHT_COMPILE_CACHE": "off",
        "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
        "OMP_NUM_THREADS": str(threads),
    }


def peer_command(python: str, module: str, options: dict[str, object]) -> list[str]:
    """Return the command that starts a contender's program, to wait for its turn.

    Args:
        python: the interpreter.
        module: the program in `benchmarks.peers`.
        options: name -> value, as `benchmarks.peers.case` reads them.
    """
    command = [python, "-m", f"benchmarks.peers.{module}", "--in-turns", "--started", str(time.time())]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return command


def write_line(path: Path | None, line: dict[str, Any]) -> None:
    """Print a result as one line of JSON, and append it to a file."""
    text = json.dumps(line)
    print(text, flush=True)
    if path:
        with path.open("a") as file:
            file.write(text + "\n")
