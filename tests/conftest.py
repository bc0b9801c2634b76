"""What all tests share: the real HIGGS rows, and settings that make a run repeatable on a busy machine."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

pytest_plugins = (
    "tests.keras_objects",
    "tests.known_truth",
    "tests.plug_ins",
    "tests.stacks",
    "tests.table_files",
    "tests.terminals",
)

# Read when Keras or JAX is first imported, so set before any test is; a caller's own choice stays.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "agg")

# A shell that runs tests in the background has them ignore Ctrl-C, and the commands that tests start inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Not the user's own cache; one for all test processes, which inherit it: a program is compiled once a test run.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["JUSTRIGHT_CACHE"] = tempfile.mkdtemp(prefix="justright-tests-")
    # Nor what the user trusts: a study that one test has run is one's own in the next.
    os.environ["XDG_STATE_HOME"] = os.environ["JUSTRIGHT_CACHE"]

# What XLA compiles is kept as well, down to the smallest program: many tests and workers share theirs. Each test process has
# a folder of its own: JAX warns where it reads a program that another is just writing.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(
    Path(os.environ["JUSTRIGHT_CACHE"], "programs", os.environ.get("PYTEST_XDIST_WORKER", "all"))
)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

# No deadline: the first example of a property may compile a program, and two test processes share the machine.
settings.register_profile("justright", deadline=None, print_blob=True)
settings.load_profile("justright")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Have garbage collection leave alone what collecting tests makes: a million objects that stay to the end.

    Looking through them took half a second each time that Python, or Keras before a model, collected garbage.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Have files begin in the order below; pytest-xdist would begin with those of the most tests, and end with single long ones."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have the most slow tests, so that no process is left with one of them at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def pytest_unconfigure() -> None:
    """Remove the test run's cache, once all its processes are done."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["JUSTRIGHT_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder that holds real HIGGS rows in higgs/: $JUSTRIGHT_SHARED, else `shared` next to the checkout.

    Skips the test where there is none.
    """
    folder = Path(os.environ.get("JUSTRIGHT_SHARED", ROOT.parent / "shared"))
    if not (folder / "higgs").is_dir():
        pytest.skip(
            f"needs real HIGGS rows: no folder {folder.name}/higgs; set JUSTRIGHT_SHARED to the folder with higgs/"
        )
    return folder


@pytest.fixture(scope="session")
def load_tool() -> Callable[[str], ModuleType]:
    """Return a function that imports a script of tools/ as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def docs_tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    """tools/docs.py as a module."""
    return load_tool("docs")
