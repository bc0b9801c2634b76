"""Whether JAX computes: with the real one, and with one that hangs, fails or is wrong."""

from __future__ import annotations

import pytest

from justright.cli.checkup.trial import Trial, try_jax

FAKE = """
class devices:
    platform = "gpu"
    def __getitem__(self, number):
        return self
def jit(function):
    return lambda values: values @ values.T + {error}
"""


@pytest.fixture
def play_jax(tmp_path, monkeypatch):
    """Return a function that puts a JAX with this text before the real one."""

    def play(text):
        (tmp_path / "jax").mkdir()
        (tmp_path / "jax" / "__init__.py").write_text(text)
        (tmp_path / "jax" / "numpy.py").touch()
        monkeypatch.syspath_prepend(tmp_path)

    return play


def test_the_jax_that_is_installed_computes():
    """In the environment of a worker; elsewhere there would be nothing to test."""
    assert try_jax() == Trial("cpu")


@pytest.mark.parametrize(
    ("error", "fault"), [("0", ""), ("1", "4,096 of 4,096 numbers of a matrix product are wrong")]
)
def test_every_number_is_checked(play_jax, error, fault):
    """Against NumPy's product; the device is named either way."""
    play_jax(FAKE.format(error=error))
    assert try_jax() == Trial("gpu", fault)


@pytest.mark.parametrize(
    "warning",
    [
        "WARNING:2026-11-28 00:02:39,117:jax._src.xla_bridge:887: {}",
        "/site-packages/jax_plugins/xla_cuda13/__init__.py:90: RuntimeWarning: {}",
    ],
)
def test_what_jax_warns_of_is_kept_where_it_computes(play_jax, warning):
    """Why it does without a device; other lines are those of drivers and compilers."""
    said = "CUDA backend failed to initialize: no supported devices found."
    lines = f"I0000 00:00:01.1 1 a.cc:1] one\\n{warning.format(said)}\\n  warnings.warn(text)\\n"
    play_jax(f"import sys\nsys.stderr.write('{lines}')\n{FAKE.format(error='0')}")
    assert try_jax() == Trial("gpu", complaint=said)


def test_one_that_fails_is_told_by_its_last_line(play_jax):
    """That of the exception."""
    play_jax("raise RuntimeError(\"Unable to initialize backend 'cuda': no driver\")")
    assert try_jax() == Trial(fault="RuntimeError: Unable to initialize backend 'cuda': no driver")


def test_what_is_written_in_front_of_xlas_own_words_is_left_out(play_jax):
    """Date, process and line of its C++ code; a process that ends itself raises nothing."""
    play_jax(
        "import os, sys\n"
        "sys.stderr.write('F1128 00:02:39.330823   11137 parse_flags_from_env.cc:234] Unknown flag in XLA_FLAGS: --x\\n')\n"
        "sys.stderr.flush()\nos.abort()"
    )
    assert try_jax() == Trial(fault="Unknown flag in XLA_FLAGS: --x")


def test_one_that_ends_without_a_word_is_told_by_its_code(play_jax):
    """As when a driver ends the process."""
    play_jax("import os\nos._exit(7)")
    assert try_jax() == Trial(fault="its process ended with code 7")


def test_one_that_hangs_is_not_waited_for(play_jax):
    """It would never answer."""
    play_jax("import threading\nthreading.Event().wait()")
    assert try_jax(seconds=0.2) == Trial(fault="it did not answer within 0.2 seconds")
