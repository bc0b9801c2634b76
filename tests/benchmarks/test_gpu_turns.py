"""What `benchmarks.gpu` measures and prints, and that processes take turns and leave nothing behind."""

from __future__ import annotations

import argparse
import json
import sys
import time

import psutil
import pytest
from tests.refusals import refusal

import benchmarks.gpu.__main__ as gpu
from benchmarks.gpu.comparison import collect, print_tables, shares
from benchmarks.gpu.kernels import Kernels, kind_of
from benchmarks.gpu.trials import (
    CONTENDERS,
    QUICK,
    REHEARSAL,
    TARGETS,
    Trial,
    all_trials,
    choose_trials,
    read_trial,
)
from benchmarks.gpu.turns import Turn, means_of, peer_command
from benchmarks.peers.case import NETWORKS
from benchmarks.peers.justright_study import Window

SOON = 60.0  # seconds, far more than a process takes to answer


def program(text: str) -> list[str]:
    """Return the command of a contender that is a few lines of Python."""
    return [sys.executable, "-c", text]


ANSWERS = """
import json, sys
print("a word besides")
print(json.dumps({"what a compiler": "says"}))
print(json.dumps({"ready": True}), flush=True)
print(json.dumps({"said": sys.stdin.readline().strip()}), flush=True)
"""


def test_every_trial_has_a_name_that_chooses_it():
    """Also those of the rehearsal, and no trial comes twice."""
    for trial in (*all_trials(), *REHEARSAL):
        assert read_trial(trial.name) == trial
        assert choose_trials(trial.name) == [trial]
    assert len(set(all_trials())) == len(all_trials())


def test_the_quick_trials_are_the_targets_and_then_their_peers():
    """At each network with a target of one lane or of the smallest network, keras.fit and PyTorch are among them."""
    ours = [trial for trial in QUICK if CONTENDERS[trial.contender].is_ours]
    assert QUICK[: len(ours)] == ours
    assert {(trial.network, trial.lanes, trial.precision) for trial in ours} == set(TARGETS)
    for network in ("Tiny", "Large"):
        peers = {trial.contender for trial in QUICK if trial.network == network} - {"justright"}
        assert peers == {"keras-20", "keras-200", "torch-graph", "torch-graph-compiled"}
    assert all_trials()[: len(QUICK)] == QUICK


def test_the_rehearsal_runs_every_contender():
    """So that a contender that cannot start is found without a GPU."""
    assert {trial.contender for trial in REHEARSAL} == set(CONTENDERS)


def test_presets_fill_in_what_is_not_given():
    """What is given counts, also beside a preset."""
    quick = gpu.parse_options(["--quick", "--budget", "300"])
    assert (quick.cases, quick.device, quick.seconds, quick.budget) == (QUICK, "cuda", 2.5, 300.0)
    rehearsal = gpu.parse_options(["--rehearse"])
    assert (rehearsal.cases, rehearsal.device, rehearsal.together) == (REHEARSAL, "cpu", 4)
    everything = gpu.parse_options([])
    assert (everything.cases, everything.seconds, everything.budget) == (None, 3.0, float("inf"))
    profile = gpu.parse_options(["--profile", "Large,32,bfloat16", "--profile", "Tiny,64,tensorfloat32"])
    assert profile.profile == [("Large", 32, "bfloat16"), ("Tiny", 64, "tensorfloat32")]


def test_patterns_choose_trials():
    """In the order of all trials, each once."""
    chosen = choose_trials("justright/Large/8/*, justright/Large/*/tensorfloat32")
    assert {trial.contender for trial in chosen} == {"justright"}
    assert len(chosen) == len(set(chosen)) == 3 + 5 - 1


@pytest.mark.parametrize(
    "text", ["keras-20/Tiny/8/float32", "justright/Tiny/0/float32", "jax/Tiny/1/float32", "Tiny"]
)
def test_what_is_no_trial_is_refused(text):
    """With everything that may be given."""
    assert refusal(choose_trials, text, error=argparse.ArgumentTypeError) == (
        f"a case must be CONTENDER/NETWORK/LANES/PRECISION, with * for any; got {text!r}. "
        "Contenders: justright, keras-20, keras-200, torch, torch-compiled, torch-graph, torch-graph-compiled, torch-graph-autotuned; "
        "networks: Tiny, Small, Medium, Large, L2, Dropout, Combined; precisions: float32, tensorfloat32, bfloat16. "
        "keras.fit trains one lane"
    )


def test_a_process_waits_for_its_turn_and_reports():
    """What it prints besides is passed over."""
    with Turn(program(ANSWERS), {}) as turn:
        assert turn.wait_until_ready(time.monotonic() + SOON)
        assert turn.measure(time.monotonic() + SOON)["said"] == "go"


def test_a_process_that_fails_says_why():
    """The end of its error output is the error."""
    with Turn(program("raise SystemExit('no such device')"), {}) as turn:
        assert not turn.wait_until_ready(time.monotonic() + SOON)
        assert turn.measure(time.monotonic()) == {"error": "ended before it was ready: no such device"}


def test_a_process_that_is_late_is_given_up():
    """Its children end with it, also suspended ones."""
    text = (
        "import json, subprocess, sys, time, psutil\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "psutil.Process(child.pid).suspend()\n"
        "print(json.dumps({'ready': child.pid}), flush=True)\n"
        "time.sleep(600)\n"
    )
    with Turn(program(text), {}) as turn:
        child = turn._next_report(time.monotonic() + SOON, "ready", 0.0)["ready"]
        assert turn.measure(time.monotonic()) == {"error": "not done after 0 seconds"}
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_group_takes_turns(monkeypatch, tmp_path):
    """In its order, whatever becomes of one of them, and within what is left of the time."""
    monkeypatch.setattr(gpu, "SETTLE_SECONDS", 0.0)
    programs = {None: ANSWERS, QUICK[0]: "raise SystemExit('out of memory')", QUICK[1]: ANSWERS}
    monkeypatch.setattr(gpu, "command_of", lambda trial, *_: program(programs[trial]))
    options = argparse.Namespace(seconds=0.0, compile_seconds=SOON)
    deadline = time.monotonic() + SOON
    lines = list(gpu.measure_group(options, list(programs), tmp_path, None, deadline))
    assert [line["trial"] for line in lines] == ["rates", QUICK[0].name, QUICK[1].name]
    assert [line.get("said") for line in lines] == ["go", None, "go"]
    assert lines[1]["error"] == "ended before it was ready: out of memory"
    assert gpu.compile_limit(options, list(programs), time.monotonic() + 10.0) <= 10.0 - 3 * gpu.TURN_SECONDS


def test_a_command_says_what_to_train():
    """And that its process waits for its turn."""
    command = peer_command("python", "torch_device", {"variant": "Tiny", "lanes": 8})
    assert command[:4] == ["python", "-m", "benchmarks.peers.torch_device", "--in-turns"]
    assert command[6:] == ["--variant", "Tiny", "--lanes", "8"]


def test_the_monitor_averages_what_it_saw():
    """Without the first sample; nothing of a device that gives no figures."""
    assert means_of("0, 345, 70.5\n90, 1980, 300\n100, 1970, 310\n") == {
        "busy_percent": 95.0,
        "clock_mhz": 1975.0,
        "power_watts": 305.0,
    }
    assert means_of("[N/A], 1, 1\n[N/A], 1, 1\n") == {}
    assert means_of("5, 1, 1\n") == means_of("") == {}


class Progress:
    """As much of a progress event as a window reads."""

    def __init__(self, epoch: int, stack: str = "one") -> None:
        self.stack, self.runs, self.epoch, self.seconds = stack, ("a", "b"), epoch, 1.5
        self.latest = {"a": {"val_binary_crossentropy": 1 / epoch}}


def test_a_study_is_held_once_and_counts_only_what_follows():
    """After the second report of each stack that trains; the next two reports lead in."""
    held = []
    window = Window(0.0, lambda: held.append(True))
    window.stacks = 2
    for epoch in (1, 2):
        assert not window.take(Progress(epoch, "one"))
    assert not held
    for epoch in (1, 2):
        assert not window.take(Progress(epoch, "other"))
    assert held == [True]
    for epoch in (10, 20, 30, 40, 50):
        window.take(Progress(epoch, "one"))
        done = window.take(Progress(epoch, "other"))
    assert done
    assert held == [True]
    assert window.compile_seconds == 1.5
    assert window.stack_lanes == 2
    assert window.best == 1 / 50
    # Two lanes of each stack: the one that came later is waited for.
    assert window.epochs == 2 * (50 - 30) + 2 * (50 - 20)


def measured(trial: Trial, milliseconds: float, **values: object) -> dict[str, object]:
    """Return a line of a trial that was measured."""
    versions = {"versions": {"torch": "1"}, "startup_seconds": 5.0, "compile_seconds": 2.0}
    return {"trial": trial.name, "milliseconds": milliseconds, "validation_loss": 0.6} | versions | values


RATES = {
    "trial": "rates",
    "name": "H100",
    "flop_per_second": {"float32": 5e13, "tensorfloat32": 4e14, "bfloat16": 8e14},
    "bytes_per_second": 3e12,
}


def test_shares_are_those_of_the_products_and_of_adams_traffic():
    """By hand: Large has 803,329 weights; its hidden layers' products are most of an epoch's."""
    flop = NETWORKS["Large"].multiplications_flop(10_000, 1_000)
    milliseconds = 1000 * flop / 8e14 * 4
    assert shares(Trial("justright", "Large", 32, "bfloat16"), milliseconds, RATES)[0] == "25%"
    traffic = 803_329 * 4 * 6 * 20
    assert shares(Trial("justright", "Large", 1, "float32"), 2000 * traffic / 3e12, RATES)[1] == "50%"
    assert shares(Trial("justright", "Tiny", 1, "float32"), 1.0, RATES) == ("", "")
    assert shares(Trial("justright", "Large", 1, "float32"), 1.0, {}) == ("", "")


def test_the_tables_compare_with_the_best_peers(capsys):
    """Medians of repeats, targets, ratios, and what failed."""
    machine = {"processor": "Xeon", "cores": 16, "device": "cuda", "rows": "higgs-sim"}
    ours = Trial("justright", "Tiny", 64, "tensorfloat32")
    together = Trial("torch-graph-compiled", "Tiny", 64, "tensorfloat32")
    lines = [
        {"machine": machine},
        RATES,
        measured(ours, 0.01, busy_percent=90.0, stack_lanes=64),
        measured(ours, 0.03, busy_percent=80.0),
        measured(ours, 0.018, busy_percent=85.0),
        measured(Trial("keras-20", "Tiny", 1, "tensorfloat32"), 23.4),
        measured(Trial("torch-graph", "Tiny", 1, "float32"), 1.8),
        measured(together, 0.045),
        {"trial": Trial("torch", "Tiny", 1, "float32").name, "error": "no\n device"},
    ]
    print_tables(json.loads(json.dumps(lines)))
    said = capsys.readouterr().out
    assert said.startswith(
        "\nH100; Xeon, 16 processors; higgs-sim rows: 10,000 train, 1,000 validate; batch 500; torch 1.\n"
        "The device's rates: products float32 50, tensorfloat32 400, bfloat16 800 TFLOP/s; memory 3 TB/s.\n"
        "\n## Tiny\n"
    )
    table = [cells_of(line) for line in said.splitlines() if line.startswith("| justright")]
    assert table[0][2:] == [
        *("tensorfloat32", "0.018", "0.01", "0.03", "0.02 met"),
        *("1.3e+03x", "100x", "2.5x", "", "", "85%"),
    ]
    assert table[1][3:] == ["5.0", "2.0", "0.600", "64", "", ""]
    assert said.endswith("\ntorch/Tiny/1/float32 did not run: no device\n")


def cells_of(line: str) -> list[str]:
    """Return the cells of a Markdown table's row."""
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_repeats_belong_to_one_trial():
    """In the order of first measurements."""
    first, second = QUICK[:2]
    found = collect([measured(first, 1.0), measured(second, 5.0), measured(first, 3.0)])
    assert [(one.trial, one.milliseconds) for one in found] == [(first, 2.0), (second, 5.0)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_NNT", "matrix products"),
        ("void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm>", "matrix products"),
        ("MemcpyD2D", "copies"),
        ("wrapped_convert", "copies"),
        ("void cub::DeviceRadixSortOnesweepKernel", "orders"),
        ("input_reduce_fusion", "sums"),
        ("loop_multiply_fusion", "activations, optimizer, penalties, losses"),
        ("strange", "rest"),
    ],
)
def test_kernels_are_told_apart(name, kind):
    """By words in the names that libraries and XLA give them."""
    assert kind_of(name) == kind


def test_kernels_of_one_kind_are_added():
    """Per epoch, kinds before single kernels, numbers at the end of a name left out."""
    kernels = Kernels([("loop_fusion.1", 2.0), ("loop_fusion.22", 4.0), ("MemcpyD2D", 2.0)])
    assert list(kernels.rows(epochs=2)) == [
        ("all", "4.0000", "1.5", "100.0%"),
        ("ACTIVATIONS, OPTIMIZER, PENALTIES, LOSSES", "3.0000", "1.0", "75.0%"),
        ("COPIES", "1.0000", "0.5", "25.0%"),
        ("loop_fusion", "3.0000", "1.0", "75.0%"),
        ("MemcpyD2D", "1.0000", "0.5", "25.0%"),
    ]
