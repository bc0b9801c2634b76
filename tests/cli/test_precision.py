"""What is said before training: in which precision, on what, and whether bfloat16 would be faster."""

from __future__ import annotations

import platform

import pytest
from tests.refusals import refusal

import justright as jr
from justright.cli import run
from justright.cli.run import precision_hint
from justright.workers import accelerators, engines, machine
from justright.workers.accelerators import Accelerators

FASTER = (
    "This processor has bfloat16 products: --precision bfloat16 trains wide networks faster and just as well."
)
WITHOUT = "This processor has no bfloat16 products: --precision bfloat16 gains no speed here."


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """Make this machine's processor one with the given features."""

    def become(features: str, *, kind: str = "x86_64") -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(f"model name : One\nflags : fpu {features}\n")
        monkeypatch.setattr(machine, "CPU_INFO", path)
        monkeypatch.setattr(platform, "machine", lambda: kind)
        monkeypatch.setattr(accelerators, "may_have_accelerators", lambda: False)

    return become


def study_of(units: int, precision: str) -> jr.Study:
    """A study of one network with this number of units."""
    table = jr.read_table("higgs-sim", rows=300)
    split = table.split(validation=100, train=100, order="head")
    return jr.Study(split, [jr.Variant("One", jr.mlp(units))], jr.Recipe(precision=precision))


@pytest.mark.parametrize(
    ("features", "units", "precision", "said"),
    [
        ("avx512_bf16", 512, "float32", FASTER),
        ("amx_bf16 avx512_fp16", 512, "float32", FASTER),
        ("avx512_bf16", 16, "float32", None),
        ("avx512_bf16", 512, "bfloat16", None),
        ("avx2", 512, "bfloat16", WITHOUT),
        ("avx2", 512, "float32", None),
        ("avx2", 16, "bfloat16", None),
    ],
)
def test_bfloat16_is_advised_where_processor_and_networks_gain_by_it(
    processor, features, units, precision, said
):
    """By the features that Linux lists and the widest layer of the study."""
    processor(features)
    assert precision_hint(study_of(units, precision)) == said


def test_nothing_is_said_of_accelerators_or_unknown_processors(processor, monkeypatch):
    """A GPU does the work there, and of other processors nothing is known."""
    processor("avx512_bf16", kind="aarch64")
    assert precision_hint(study_of(512, "float32")) is None
    processor("avx512_bf16")
    monkeypatch.setattr(accelerators, "may_have_accelerators", lambda: True)
    assert precision_hint(study_of(512, "float32")) is None


@pytest.fixture
def on_gpus(monkeypatch):
    """Make this machine one with two GPUs."""
    found = Accelerators("cuda", 2, 63_000_000_000, "NVIDIA H100 80GB HBM3", "9.0")
    for module in (accelerators, engines):
        monkeypatch.setattr(module, "find_accelerators", lambda: found)
    monkeypatch.setattr(accelerators, "may_have_accelerators", lambda: True)


def said_before(study, capsys, engine="local"):
    """Return the lines that `run` prints about what a study trains on."""
    run._say_what_it_trains_on(study, engine)
    return capsys.readouterr().err.splitlines()


@pytest.mark.usefixtures("on_gpus")
@pytest.mark.parametrize(
    ("precision", "words"),
    [
        ("auto", "TF32 (tensor cores)"),
        ("float32", "float32"),
        ("bfloat16", "bfloat16 operands, float32 sums"),
    ],
)
def test_precision_and_devices_are_said_before_training(capsys, precision, words):
    """What 'auto' means is resolved: the user sees it before anything is trained with it."""
    assert said_before(study_of(16, precision), capsys) == [
        f"Precision: {words}, on 2 x NVIDIA H100 80GB HBM3."
    ]


@pytest.mark.usefixtures("on_gpus")
def test_a_cluster_is_not_told_to_have_the_devices_of_this_machine(capsys):
    """What its nodes have is known to it alone."""
    assert said_before(study_of(16, "auto"), capsys, engine="ray") == ["Precision: float32."]


def test_on_a_cpu_the_precision_and_then_the_faster_one_are_said(processor, capsys):
    """The advice follows what it is about."""
    processor("avx512_bf16")
    assert said_before(study_of(512, "auto"), capsys) == ["Precision: float32.", FASTER]


def test_a_precision_that_the_device_lacks_ends_before_training(processor, capsys):
    """In the sentence that the study itself would end with."""
    processor("avx2")
    assert refusal(said_before, study_of(16, "tensorfloat32"), capsys) == (
        "`precision` 'tensorfloat32' needs an NVIDIA GPU of compute capability 8.0 or more; networks are trained on a CPU here. "
        "Take 'auto' or 'float32', or 'bfloat16' for speed."
    )
