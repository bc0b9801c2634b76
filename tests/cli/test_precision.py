"""The line about bfloat16: said where it is true of this processor and of the study, and only there."""

from __future__ import annotations

import platform

import pytest

import justright as jr
from justright.cli.run import precision_hint
from justright.workers import accelerators, machine

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
