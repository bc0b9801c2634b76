"""What `import justright` does besides: it sees to it that Keras, imported after it, finds a backend."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("configured", "chosen", "expected"),
    [
        ('{"backend": "nowhere"}', None, "jax"),
        ("[", None, "jax"),
        ("{}", None, "jax"),
        ('{"backend": "numpy"}', None, "None"),  # Keras reads its file itself
        ('{"backend": "nowhere"}', "torch", "torch"),
    ],
)
def test_keras_is_given_a_backend_that_is_there(tmp_path, configured, chosen, expected):
    """Its own default is TensorFlow, which few have; a backend that the user has chosen stays."""
    (tmp_path / "keras.json").write_text(configured)
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {} if chosen is None else {"KERAS_BACKEND": chosen}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import justright, os, sys; print(os.environ.get('KERAS_BACKEND'), 'keras' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.split() == [expected, "False"]
