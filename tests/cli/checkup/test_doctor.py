"""`justright doctor` as its users see it: at two widths, as JSON, and its exit code."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from justright.cli.checkup import examination as module
from justright.cli.checkup.examination import Examination, examine
from justright.cli.checkup.shown_examination import print_examination
from justright.cli.checkup.system_devices import SystemDevices
from justright.cli.checkup.trial import Trial
from justright.cli.checkup.troubles import Trouble, find_troubles
from justright.cli.main import command_line
from justright.workers.accelerators import Accelerators

runner = CliRunner()
H100 = "NVIDIA H100 80GB HBM3"
DEVICES = {"platform": "cuda", "count": 2, "memory_bytes": 63_000_000_000, "name": H100, "capability": "9.0"}
PLUGINS = {"jax-cuda13-plugin": "0.11.2"}


@pytest.fixture
def printed(terminal):
    """Return a function that gives the lines of an examination."""

    def lines(found, *, width=80, encoding="utf-8"):
        console, file = terminal(width, encoding)
        print_examination(console, found, find_troubles(found))
        return [line.rstrip() for line in file.getvalue().splitlines()]

    return lines


def test_a_machine_at_80_columns(examination, printed):
    """What networks train on comes before the details."""
    assert printed(examination()) == [
        "justright    0.1.0, Python 3.12.3, Linux 6.8.0 x86_64",
        "Packages     jax 0.11.2, jaxlib 0.11.2, keras 3.15.1, numpy 2.4.6",
        "Trains on    the CPU",
        "Precision    auto is float32; this processor has bfloat16 products, with which",
        "             wide networks train faster (--precision bfloat16)",
        "Processors   16 x AMD EPYC 9654; openblas with 16 threads",
        "Memory       100.0 GB free",
        "Disk         64.0 GB free in /home/ada/work",
        "Cache        12.4 MB in /home/ada/.cache/justright, 64.0 GB free there",
        "Compiled     21 programs, 2.1 MB in",
        "             /home/ada/.cache/justright/compiled/0123456789abcdef",
        "Ray          not installed",
        "Extras       excel (fastexcel 0.21.0); not installed: ray, cuda",
        "",
        "Nothing is missing.",
    ]


def test_a_machine_with_gpus_at_120_columns(examination, printed):
    """Their names, and what a process may take of each."""
    found = examination(
        plugins=PLUGINS,
        devices=DEVICES,
        computes="gpu",
        precision="tensorfloat32",
        variables={"CUDA_VISIBLE_DEVICES": "0,1"},
        ray={"version": "2.49.0", "address": "127.0.0.1:6379", "answers": True},
    )
    lines = printed(found, width=120)
    assert lines[2:5] == [
        "Plug-ins     jax-cuda13-plugin 0.11.2",
        "Trains on    2 x NVIDIA H100 80GB HBM3 (cuda), 63.0 GB of each for a process",
        "Precision    auto is TF32 (tensor cores)",
    ]
    assert "Ray          2.49.0; a cluster answers at 127.0.0.1:6379 (--ray-address auto)" in lines
    assert "Variables    CUDA_VISIBLE_DEVICES=0,1" in lines


def test_troubles_stand_last_with_commands_on_lines_of_their_own(examination, printed):
    """To be copied whole, however narrow the terminal."""
    found = examination(
        system_devices={
            "nvidia": True,
            "nvidia_names": (H100,),
            "nvidia_driver": "580.65.06",
            "is_visible": True,
        },
        compute_fault="it did not answer within 120 seconds",
        computes="",
    )
    assert printed(found)[-7:] == [
        "",
        "1. JAX does not compute here: it did not answer within 120 seconds. Until then",
        "   no network can be trained.",
        "   pip install --force-reinstall jax jaxlib",
        "2. This machine has NVIDIA H100 80GB HBM3 (driver 580.65.06), but JAX has no",
        "   plug-in for it: networks train on the CPU.",
        "   pip install 'justright[cuda]'",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"processors": {"bfloat16_products": None}},
            "Precision    auto is float32; whether bfloat16 is faster on this processor is not known",
        ),
        (
            {"processors": {"bfloat16_products": False}},
            "Precision    auto is float32; bfloat16 gains no speed on this processor",
        ),
        (
            {"system_devices": {"apple": True}},
            "Trains on    the CPU; Apple's GPU is not used, JAX's plug-in for it works with old versions only",
        ),
        (
            {"devices": DEVICES | {"platform": "rocm", "name": "AMD Instinct MI300X", "memory_bytes": None}},
            "Trains on    2 x AMD Instinct MI300X (rocm); justright was not tried on such devices yet",
        ),
        (
            {"cache": {"compiled": None}, "variables": {"JUSTRIGHT_COMPILE_CACHE": "off"}},
            "Compiled     not kept: programs are compiled each time",
        ),
        (
            {"ray": {"version": "2.49.0"}},
            "Ray          2.49.0; --engine ray starts it on this machine",
        ),
        ({"processors": {"blas": None, "blas_threads": None}}, "Processors   16 x AMD EPYC 9654"),
    ],
)
def test_each_state_has_its_words(examination, printed, changes, line):
    """One line for each."""
    assert line in printed(examination(**changes), width=120)


def test_text_from_outside_cannot_act_on_the_terminal(examination, printed):
    """An environment variable may hold anything, and so may a device's name."""
    found = examination(variables={"XLA_FLAGS": "\x1b[2J"}, compute_fault="\x1b[2J", computes="")
    assert not any("\x1b" in line for line in printed(found))
    assert all(line.isascii() for line in printed(found, encoding="ascii"))


@pytest.mark.slow
def test_this_machine_is_examined_as_json(tmp_path, monkeypatch):
    """With the real JAX, without a GPU and without network; the keys are those that the type names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUSTRIGHT_CACHE", str(tmp_path / "cache"))
    done = runner.invoke(command_line(), ["doctor", "--json"])
    found = json.loads(done.stdout)
    assert list(found) == [*Examination.__annotations__, "troubles"]
    assert (found["computes"], found["compute_fault"], found["disks"]["here"]["path"]) == (
        "cpu",
        "",
        str(tmp_path),
    )
    assert done.exit_code == int(any(trouble["stops_training"] for trouble in found["troubles"]))
    assert done.stderr == ""


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Return a function that plays the answers of JAX, and sets the rest of the machine aside."""

    def play(found, fault, trial):
        monkeypatch.setenv("JUSTRIGHT_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)
        monkeypatch.setattr(module, "find_accelerators", lambda: found)
        monkeypatch.setattr(module, "accelerator_fault", lambda: fault)
        monkeypatch.setattr(module, "ask_ahead", lambda: None)
        monkeypatch.setattr(module, "try_jax", lambda: trial)
        monkeypatch.setattr(module, "find_system_devices", SystemDevices)

    return play


def test_accelerators_are_those_that_the_engine_would_take(play):
    """And so is the precision that `auto` means on them."""
    play(Accelerators("cuda", 2, 63_000_000_000, H100, "9.0"), None, Trial("gpu"))
    found = examine()
    assert (found["devices"], found["precision"]) == (DEVICES, "tensorfloat32")


def test_it_exits_with_1_if_something_stops_training(play):
    """And with 0 if networks only train more slowly than they could."""
    play(None, "JAX found no device for its plugin, and takes the CPU", Trial("cpu"))
    assert runner.invoke(command_line(), ["doctor"]).exit_code == 0
    play(None, None, Trial(fault="it did not answer within 120 seconds"))
    done = runner.invoke(command_line(), ["doctor"])
    assert done.exit_code == 1
    assert "Until then no network can be trained." in " ".join(done.stdout.split())


def test_a_trouble_is_the_same_in_json(play):
    """Text, command, and whether it stops training."""
    play(None, None, Trial(fault="it did not answer within 120 seconds"))
    done = runner.invoke(command_line(), ["doctor", "--json"])
    wanted = Trouble(
        "JAX does not compute here: it did not answer within 120 seconds.",
        "pip install --force-reinstall jax jaxlib",
        stops_training=True,
    )
    assert json.loads(done.stdout)["troubles"][0] == {
        "text": wanted.text,
        "command": wanted.command,
        "stops_training": True,
    }
