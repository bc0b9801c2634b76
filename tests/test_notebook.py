"""The notebook that follows TensorFlow's tutorial: its cells run, and it is kept without what they showed."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).resolve().parent.parent / "examples" / "overfit_and_underfit.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
# In place of the tutorial's sizes, which take minutes.
SMALL = {
    "ROWS": 700,
    "N_VALIDATION": 100,
    "N_TRAIN": 200,
    "BATCH_SIZE": 100,
    "MAX_EPOCHS": 2,
    "PATIENCE": None,
    "LARGE": 8,
}
NETWORKS = ["Tiny", "Small", "Medium", "Large", "L2", "Dropout", "Combined"]


@dataclass
class Executed:
    """What is left of a notebook whose cells have all run: its names, and what each cell's last line gave."""

    names: dict[str, Any]
    shown: list[Any]


def sources(kind: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the text and the tags of each cell of a kind."""
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == kind:
            yield "".join(cell["source"]), cell["metadata"].get("tags", [])


def run_cell(text: str, names: dict[str, Any]) -> Any:
    """Run a cell as IPython does, and return the value of its last line; None if a semicolon silences that."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(PATH), "exec"), names)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), str(PATH), "eval"), names)
    return None if text.rstrip().endswith(";") else value


@pytest.fixture(scope="module")
def executed(tmp_path_factory, shared_workers) -> Iterator[Executed]:
    """The notebook, executed in small sizes in an empty folder."""
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        plt.switch_backend("agg")
        for text, tags in sources("code"):
            shown.append(run_cell(text, names))
            if "parameters" in tags:
                assert set(SMALL) <= set(names)
                names |= SMALL
        yield Executed(names, shown)
    plt.close("all")


def test_the_notebook_is_kept_without_outputs() -> None:
    """Results of some machine do not belong into the repository."""
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert [cell["execution_count"] for cell in cells] == [None] * len(cells)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])


def test_the_notebook_begins_with_the_tutorial_s_own_sizes() -> None:
    """Its networks, rows, batches and stopping rule."""
    [text] = [text for text, tags in sources("code") if "parameters" in tags]
    names: dict[str, Any] = {}
    exec(text, names)
    wanted = ("N_VALIDATION", "N_TRAIN", "BATCH_SIZE", "MAX_EPOCHS", "PATIENCE", "LARGE")
    assert [names[name] for name in wanted] == [1_000, 10_000, 500, 10_000, 200, 512]


def test_every_step_stands_beside_what_it_was_in_the_tutorial() -> None:
    """A table of two columns before each of them."""
    texts = [text for text, _ in sources("markdown")]
    assert sum("| there | here |" in text for text in texts) >= 7


@pytest.mark.slow
def test_the_cells_train_and_judge_the_tutorial_s_seven_networks(executed) -> None:
    """The second study goes on in the folder of the first, and trains only what is new there."""
    result = executed.names["result"]
    assert [item["name"] for item in result.summary["variants"]] == NETWORKS
    assert all(run["epochs"] == 2 for item in result.summary["variants"] for run in item["runs"])
    assert result.verdicts.height == 7
    assert set(result.effects["remedy"]) == {"L2", "Dropout", "Combined"}


@pytest.mark.slow
def test_what_the_cells_show_is_short_in_a_console_and_html_in_a_notebook(executed) -> None:
    """Tables, splits, studies, results, the report, and frames of Polars."""
    shown = [value for value in executed.shown if hasattr(value, "_repr_html_")]
    kinds = [type(value).__name__ for value in shown]
    assert kinds == [
        *("Table", "Split", "Study", "Result", "DataFrame", "Result", "DataFrame", "DataFrame", "ShownReport")
    ]
    for value in shown:
        assert value._repr_html_().startswith("<")
        assert len(str(value)) < 3_000
    assert executed.names["rows"].keys() == set(executed.names["table"].feature_names)
