"""Operations of a compiled step are counted under what they are for."""

from __future__ import annotations

import pytest

from benchmarks.profile import INSTRUCTION, kind_of

WEIGHTS = {(28, 512), (512, 512), (512,)}


@pytest.mark.parametrize(
    ("name", "shape", "kind"),
    [
        ("ynn_fusion.8", (500, 512), "matrix products"),
        ("dot.19", (28, 512), "matrix products"),
        ("gather_bitcast_fusion", (500, 28), "batches"),
        ("wrapped_reduce-window.6", (16, 512), "sums"),
        ("transpose_copy_fusion", (512, 500), "copies, conversions"),
        ("divide_subtract_fusion.5", (512, 512), "optimizer, penalties"),
        ("select_add_fusion.3", (500, 512), "activations, dropout, losses"),
        ("subtract_divide_fusion", (), "rest"),
    ],
)
def test_operations_are_told_apart(name, shape, kind):
    """By the names that XLA gives, and by whether a result is as large as weights or as a batch."""
    assert kind_of(name, shape, WEIGHTS) == kind


def test_shapes_are_read_from_a_compiled_program():
    """Of arrays, scalars and the first of several results."""
    text = """
  %add_fusion = (f32[512,512]{1,0}, f32[4]{0}) fusion(%a, %b), kind=kLoop
  ROOT %dot.1 = bf16[500,1]{1,0} dot(%x, %y)
  %count = s32[] copy(%z)
"""
    assert INSTRUCTION.findall(text) == [("add_fusion", "512,512"), ("dot.1", "500,1"), ("count", "")]
