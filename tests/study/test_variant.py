"""Variants: names that are safe everywhere, and builders that can be sent to another process."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.errors import InputError
from justright.study.families import mlp
from justright.study.variant import KerasConfig, Variant, as_variants, check_name

NAME_RULE = "A variant's name must be 1 to 80 letters, digits, spaces or '_.,+=()-', beginning with a letter or digit; got "


def small():
    """A model of one layer."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])


@pytest.mark.parametrize(
    "name", ["Tiny", "L2 + dropout", "mlp(512, l2=0.001)", "2 × 64", "größer", "a.b-c_d"]
)
def test_usual_names_are_taken(name):
    """Letters of any script, digits, and the marks that descriptions need."""
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "../up", "a/b", "a\\b", ".hidden", "-x", "a\nb", "a\x1b[2J", "a\u202eb", "x" * 81, "a ", "a.", "<b>",
     "a|b", "a'b", "C:x", 3, None],
)  # fmt: skip
def test_names_that_could_leave_a_folder_or_a_table_cell_are_refused(name):
    """Separators, control characters, markup, quotes, leading and trailing marks, and what is not text."""
    assert refusal(Variant, name, mlp(4)) == f"{NAME_RULE}{name!r}."


@given(st.text(max_size=90))
def test_any_accepted_name_is_one_harmless_path_component(name):
    """Whatever is accepted is printable, has no separator, and stays what it is as a file name."""
    try:
        check_name(name)
    except InputError:
        return
    assert name.isprintable()
    assert not set(name) & set("/\\:*?\"'<>|`$&;\0")
    assert name == name.strip()
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            3,
            "Variant 'x' must be built by a family such as mlp(16), a callable or a keras.Model; got 3.",
        ),
        (
            lambda units, depth=1: None,
            (
                "The builder of variant 'x' must be callable without arguments; it requires ['units']. "
                "Wrap it: lambda: build(...)."
            ),
        ),
    ],
)
def test_builders_that_cannot_build_are_refused(build, message):
    """At once, on the host, in one sentence."""
    assert refusal(Variant, "x", build) == message


@pytest.mark.torch
def test_a_network_of_pytorch_is_refused_at_once():
    """It can be called, so that it would pass for a function that makes a model, until a worker calls it."""
    torch = pytest.importorskip("torch")
    for build in (torch.nn.Sequential(torch.nn.Linear(3, 1)), torch.nn.Linear):
        with pytest.raises(InputError) as caught:
            Variant("x", build)
        name = getattr(build, "__name__", "Sequential")
        assert str(caught.value) == (
            f"Variant 'x' must be a network of Keras; {name} is one of PyTorch. Write its layers with keras.layers, or train it "
            "as you do, and have its log read: justright diagnose LOG."
        )


def test_of_a_model_only_the_architecture_is_taken():
    """Each seed starts from weights of its own, so an instance's weights cannot count."""
    build = Variant("x", small()).build
    assert isinstance(build, KerasConfig)
    assert keras.models.model_from_json(build.json).count_params() == 4


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({}, "`variants` must hold at least one variant; got none."),
        (
            [mlp(4)],
            (
                f"`variants` must hold Variant objects or map names to builders; got {mlp(4)!r}. Write for instance "
                "variants={'Mine': justright.mlp(64)}."
            ),
        ),
        (
            "quick",
            (
                "`variants` must map names to builders, or hold Variant objects; got 'quick'. Write for instance variants={'Mine': "
                "justright.mlp(64)}; built-in studies are trained by `justright run TABLE --study NAME`."
            ),
        ),
        (
            {"Tiny": mlp(4), "tiny": mlp(8)},
            "Variant names must differ, and not only in case; got 'Tiny' and 'tiny'.",
        ),
    ],
)
def test_sets_of_variants_that_clash_are_refused(variants, message):
    """None, things that are not variants, and names that would share a folder on some systems."""
    assert refusal(as_variants, variants) == message


def test_everything_wrong_with_variants_is_said_at_once():
    """Of one variant, and of all of a study's."""
    assert refusal(Variant, "a/b", mlp(2), recipe=3, group=4, remedy="L2") == (
        "A variant's name must be 1 to 80 letters, digits, spaces or '_.,+=()-', beginning with a letter or digit; got "
        "'a/b'. The group of variant 'a/b' must be a text; got 4. Variant 'a/b' is a remedy (L2) and must name its "
        "`baseline`; got None. The recipe of variant 'a/b' must be a Recipe or None; got 3. Write Recipe(batch_size=32)."
    )
    assert refusal(as_variants, {"a": 3, "b": mlp(2), "c": 4}) == (
        "Variant 'a' must be built by a family such as mlp(16), a callable or a keras.Model; got 3. "
        "Variant 'c' must be built by a family such as mlp(16), a callable or a keras.Model; got 4."
    )
