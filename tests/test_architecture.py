"""The rules that keep the code small and its parts apart, checked on the source files themselves."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parent.parent / "src" / "justright"

# Imports point one way: a package may import those above it in this list, itself, and the modules of `EVERYWHERE`.
LAYERS = (
    "data",
    "study",
    "runs",
    "training",
    "workers",
    "records",
    "statistics",
    "diagnosis",
    "logs",
    "report",
    "session",
    "callbacks",
    "estimators",
    "higgs",
    "cli",
)
EVERYWHERE = frozenset({"colours", "errors", "plugins"})
# Names that two files share, and why.
SHARED_NAMES = {"claims": "how claims are judged, and those of the tutorial"}

# Reading a pickle runs what its writer wrote; sending one to our own worker process does not.
PICKLE_READERS = frozenset({"load", "loads", "Unpickler"})
PICKLE_MODULES = frozenset({"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"})
# (file, call) -> why reading a pickle is safe there.
PICKLE_EXCEPTIONS = {
    (
        "workers/processes.py",
        "pickle.loads",
    ): "a message from a worker process that we started, over its own pipe",
    ("workers/worker.py", "pickle.loads"): "a message from the coordinator, our own parent process",
    (
        "workers/ray_worker.py",
        "pickle.loads",
    ): "a task from the coordinator, through the cluster that it joined",
}

# A folder shows its order; with more files it wants inner folders.
MAX_FILES = 20
# Names of files that say what kind of file it is, not what is in it.
KINDS = frozenset({"__init__", "__main__", "registry"})


class Import(NamedTuple):
    """One imported module, and whether importing the file imports it, too."""

    file: str
    line: int
    module: str
    at_import_time: bool


def source_files() -> list[Path]:
    """All Python files of the package."""
    return sorted(SOURCE.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree, which is only read."""
    return ast.parse(path.read_text())


def relative(path: Path) -> str:
    """The file's name inside the package, with forward slashes."""
    return path.relative_to(SOURCE).as_posix()


def imports_in(path: Path) -> Iterator[Import]:
    """Every import of a file, those under `if TYPE_CHECKING` left out: they are gone at run time."""
    yield from walk_imports(tree_of(path), relative(path), at_import_time=True)


def walk_imports(node: ast.AST, file: str, *, at_import_time: bool) -> Iterator[Import]:
    """The imports below a node; those inside a function are not made when the file is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_type_checking(child.test):
            for other in child.orelse:
                yield from walk_imports(other, file, at_import_time=at_import_time)
        elif isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(file, child.lineno, alias.name, at_import_time)
        elif isinstance(child, ast.ImportFrom):
            yield from from_import(child, file, at_import_time=at_import_time)
        else:
            in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk_imports(child, file, at_import_time=at_import_time and not in_function)


def from_import(node: ast.ImportFrom, file: str, *, at_import_time: bool) -> Iterator[Import]:
    """`from a import b` as imports of `a.b`, so that `from justright import engine` counts as one of engine."""
    assert node.level == 0, f"{file}:{node.lineno}: imports are absolute, so that grep finds them"
    for alias in node.names:
        yield Import(file, node.lineno, f"{node.module}.{alias.name}", at_import_time)


def is_type_checking(test: ast.expr) -> bool:
    """Whether a condition is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def layer_of(file: str) -> str:
    """The package a file lies in, or the module's own name for a file at the top."""
    return file.split("/")[0].removesuffix(".py")


def may_import(importer: str, imported: str) -> bool:
    """Whether one layer may import the other.

    Example:
        >>> may_import("runs", "data"), may_import("data", "runs"), may_import("report", "errors")
        (True, False, True)
    """
    if imported in EVERYWHERE or importer in {imported, "__init__", "__main__"}:
        return True
    return importer in LAYERS and imported in LAYERS and LAYERS.index(imported) < LAYERS.index(importer)


def wrong_direction(item: Import) -> str | None:
    """What is wrong with an import's direction, or None."""
    parts = item.module.split(".")
    # `from justright import __version__` concerns no layer
    if parts[0] != "justright" or len(parts) == 1 or parts[1].startswith("__"):
        return None
    importer, imported = layer_of(item.file), parts[1]
    if may_import(importer, imported):
        return None
    return f"{item.file}:{item.line}: {importer} must not import {imported}"


@cache
def all_imports() -> tuple[Import, ...]:
    """Every import of every file."""
    return tuple(item for path in source_files() for item in imports_in(path))


def module_graph(*, types: bool) -> dict[str, set[str]]:
    """Module -> the package's modules it imports, wherever in it; with `types` also those that only types need."""
    modules = {relative(path).removesuffix(".py").replace("/", "."): path for path in source_files()}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text())
        if types:
            for node in ast.walk(tree):
                if isinstance(node, ast.If) and is_type_checking(node.test):
                    node.test = ast.Constant(value=True)
        imported = (item.module for item in walk_imports(tree, name, at_import_time=True))
        graph[name] = {
            found for module in imported if (found := module_of(module, modules)) not in (None, name)
        }
    return graph


def module_of(imported: str, modules: Collection[str]) -> str | None:
    """The module of the package in which an imported name lies, without packages that only gather names.

    Example:
        >>> module_of("justright.data.table.Table", {"data.table"})
        'data.table'
    """
    parts = imported.split(".")
    if parts[0] != "justright":
        return None
    for end in range(len(parts), 1, -1):
        if ".".join(parts[1:end]) in modules:
            return ".".join(parts[1:end])
    return None


def circles(graph: Mapping[str, Set[str]]) -> list[set[str]]:
    """Groups of modules that reach each other: every pair on a common circle."""
    reached = {name: reachable(name, graph) for name in graph}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in graph}
    return [set(group) for group in groups if group]


def reachable(start: str, graph: Mapping[str, Set[str]]) -> set[str]:
    """All modules that one imports, directly or through others; itself only if it lies on a circle."""
    found: set[str] = set()
    left = [*graph[start]]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += graph[name]
    return found


def root_of(item: Import) -> str:
    """The first name of the imported module."""
    return item.module.split(".")[0]


def test_imports_point_one_way() -> None:
    """From data down to cli, and never back; not inside a function either."""
    assert [problem for item in all_imports() if (problem := wrong_direction(item))] == []


def test_only_training_imports_jax() -> None:
    """Everything else works, and starts quickly, without it."""
    jax = [item for item in all_imports() if root_of(item) in {"jax", "jaxlib"}]
    assert jax != []
    assert [item for item in jax if layer_of(item.file) != "training"] == []


def test_keras_is_imported_inside_functions() -> None:
    """Keras takes seconds to import and picks its backend then: only training may name it at the top."""
    keras = [item for item in all_imports() if root_of(item) == "keras"]
    assert keras != []
    assert [item for item in keras if item.at_import_time and layer_of(item.file) != "training"] == []


def test_slow_libraries_are_imported_inside_functions() -> None:
    """`justright --help` answers at once: what takes long to import waits until it is needed."""
    slow = {"matplotlib", "pandas", "scipy", "sklearn", "tensorboard"}
    found = [item for item in all_imports() if root_of(item) in slow and item.at_import_time]
    # Its estimators are subclasses of scikit-learn's, imported when they are first asked for.
    assert [item for item in found if (layer_of(item.file), root_of(item)) != ("estimators", "sklearn")] == []


def test_nothing_reads_a_pickle() -> None:
    """A file from a stranger must not run code: no unpickling, and NumPy never asked for pickled objects."""
    found = [
        f"{relative(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in source_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and reads_pickle(node, path)
    ]
    assert found == []


def test_no_pickle_reader_is_imported_by_name() -> None:
    """`from pickle import loads` would hide from the test above."""
    readers = [item for item in all_imports() if root_of(item) in PICKLE_MODULES]
    assert [item for item in readers if item.module.split(".")[-1] in PICKLE_READERS] == []


def reads_pickle(call: ast.Call, path: Path) -> bool:
    """Whether a call unpickles: `pickle.loads(...)` and its like, or `allow_pickle=` anything but False."""
    for keyword in call.keywords:
        if keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False":
            return True
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in PICKLE_READERS:
        return False
    name = ast.unparse(call.func)
    return name.split(".")[0] in PICKLE_MODULES and (relative(path), name) not in PICKLE_EXCEPTIONS


def test_no_module_imports_itself_through_others() -> None:
    """No circle, neither one inside functions nor one of types alone: each file can be understood after those it needs."""
    graph = module_graph(types=True)
    assert [sorted(group) for group in circles(graph)] == []


def test_folders_stay_small() -> None:
    """More than about twenty files show no order."""
    counts = Counter(path.parent.relative_to(SOURCE).as_posix() for path in source_files())
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES + 1} == {}


def test_a_name_means_one_thing() -> None:
    """No two files have one name, so that a name in a message or a test says which is meant."""
    names = Counter(path.stem for path in source_files() if path.stem not in KINDS)
    assert {name for name, count in names.items() if count > 1} == SHARED_NAMES.keys()


def test_every_file_says_what_it_is_for() -> None:
    """Every file begins with a docstring."""
    silent = [relative(path) for path in source_files() if not ast.get_docstring(tree_of(path))]
    assert silent == []


def test_annotations_are_postponed() -> None:
    """`from __future__ import annotations` in every file with code, so that what types need is not imported."""
    eager = [relative(path) for path in source_files() if not postpones_annotations(path)]
    assert eager == []


def postpones_annotations(path: Path) -> bool:
    """Whether a file postpones its annotations, or has none at its top."""
    body = tree_of(path).body
    has_code = any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AnnAssign) for node in body)
    return not has_code or any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body
    )


def test_every_exception_is_still_needed() -> None:
    """An exception that nothing uses any more is deleted, so that the list stays honest."""
    calls = {
        (relative(path), ast.unparse(node.func))
        for path in source_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in PICKLE_READERS
    }
    assert [key for key in PICKLE_EXCEPTIONS if key not in calls] == []


def test_no_module_is_called_utils() -> None:
    """A name that says nothing collects everything."""
    assert [
        relative(path)
        for path in source_files()
        if path.stem in {"utils", "util", "helpers", "misc", "common"}
    ] == []


def test_tests_mirror_the_source() -> None:
    """Every folder of tests belongs to a package of the same name, or to tools/ or benchmarks/."""
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/test_*.py")}
    assert folders <= {*LAYERS, "tools", "benchmarks"}


def test_the_rules_see_what_they_forbid() -> None:
    """The checks themselves: each finds the one offence in a file written for it."""
    offender = ast.parse(
        "def f():\n    import jax\nif TYPE_CHECKING:\n    import torch\nfrom justright import training\n"
    )
    found = list(walk_imports(offender, "data/x.py", at_import_time=True))
    assert found == [
        Import("data/x.py", 2, "jax", at_import_time=False),
        Import("data/x.py", 5, "justright.training", at_import_time=True),
    ]
    assert wrong_direction(found[1]) == "data/x.py:5: data must not import training"
    lazy = Import("study/study.py", 1, "justright.session.session.run_study", at_import_time=False)
    assert wrong_direction(lazy) == "study/study.py:1: study must not import session"
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [{"b", "c"}]
    for source in (
        "pickle.loads(b'')",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
    ):
        assert reads_pickle(ast.parse(source, mode="eval").body, SOURCE / "data" / "x.py"), source
    for source in ("json.loads(text)", "np.load(path, allow_pickle=False)", "cloudpickle.dumps(builder)"):
        assert not reads_pickle(ast.parse(source, mode="eval").body, SOURCE / "data" / "x.py"), source


def test_every_third_party_import_is_a_declared_dependency() -> None:
    """pyproject.toml names all that the package imports, and nothing that it does not."""
    project = tomllib.loads((SOURCE.parent.parent / "pyproject.toml").read_text())["project"]
    declared = {distribution_name(line) for line in project["dependencies"]}
    optional = {
        distribution_name(line) for lines in project["optional-dependencies"].values() for line in lines
    }
    first_names = {root_of(item) for item in all_imports()}
    imported = {
        IMPORT_TO_DISTRIBUTION.get(name, name.replace("_", "-"))
        for name in first_names - set(sys.stdlib_module_names) - {"justright", "__future__"}
    }
    assert imported - declared - optional - WHERE_PRESENT.keys() == set()
    assert declared - imported - NOT_IMPORTED.keys() == set()


IMPORT_TO_DISTRIBUTION = {"google": "protobuf", "sklearn": "scikit-learn"}
# Imported where the user has it.
WHERE_PRESENT = {"pandas": "a frame that the user hands over"}
# Needed without being imported.
NOT_IMPORTED: dict[str, str] = {}


def distribution_name(requirement: str) -> str:
    """The name in a requirement such as `jax>=0.10`."""
    return requirement.split(">=")[0].split("[")[0].strip()
