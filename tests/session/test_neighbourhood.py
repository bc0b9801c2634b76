"""From a study of one network to one with neighbours, in the library, on the command line, and when it is resumed."""

from __future__ import annotations

import json
import shlex

import keras
import numpy as np
import pytest
from keras import layers
from tests.refusals import refusal

import justright as jr
from justright.cli.main import main
from justright.errors import InputError, MemoryLimitError
from justright.records.folder import StudyFolder
from justright.session import neighbourhood, runnable, session
from justright.session.neighbourhood import with_neighbours
from justright.session.options import RunOptions
from justright.session.prepare import prepare_study
from justright.study.neighbours import ChangedModel
from justright.study.remedy import NEIGHBOUR_GROUP as GROUP
from justright.study.variant import KerasConfig

pytestmark = pytest.mark.usefixtures("shared_workers")

EPOCHS = 4
NAMES = ["Mine", "Wider", "Narrower", "With dropout", "Longer"]


def write_table(path, rows, *, seed):
    """Write a table whose classes depend on a product of two features."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4))
    y = x[:, 0] * x[:, 1] + 0.3 * random.normal(size=rows) > 0
    np.savetxt(path, np.column_stack([x, y]), "%.5g", ",", header="a,b,c,d,y", comments="")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table, and another whose rows only measure."""
    place = tmp_path_factory.mktemp("tables")
    write_table(place / "rows.csv", 400, seed=0)
    write_table(place / "more.csv", 150, seed=1)
    return place


def study_of(place, build, **options):
    """A short study of one network."""
    split = jr.read_table(place / "rows.csv", target="y").split(validation=100, train=200, order="head")
    return jr.Study(split, {"Mine": build}, jr.Recipe(50, EPOCHS, None), reference=False, **options)


def local_builder():
    """A builder that is sent to workers as it is: they cannot import this file."""

    def build():
        hidden = layers.Dense(8, activation="relu")
        return keras.Sequential([hidden, layers.Dense(1)])

    return build


def no_worker(*args, **named):
    """Stand in for a pool where none may be opened."""
    raise AssertionError("A worker was started.")


@pytest.fixture(scope="module")
def trained(place):
    """The folder of a study of one builder, its neighbours included."""
    study_of(place, local_builder()).run(place / "out", workers=1, report=False)
    return place / "out"


def variants_of(folder):
    """Name -> result of each variant."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {item["name"]: item for item in result["variants"]}


@pytest.mark.slow
def test_a_builder_s_neighbours_are_ordinary_variants(trained):
    """Trained, judged, and recorded in study.toml with their roles; parameters as by hand."""
    found = variants_of(trained)
    assert list(found) == NAMES
    assert [item["parameters"] for item in found.values()] == [49, 97, 25, 49, 49]
    assert {item["verdict"]["label"] for item in found.values()} <= {
        "underfits",
        "overfits",
        "just right",
        "undecided",
    }
    assert {name: item["runs"][0]["epochs"] for name, item in found.items()} == {
        name: EPOCHS * (2 if name == "Longer" else 1) for name in NAMES
    }
    described = StudyFolder.open(trained).read_study()
    assert "neighbours" not in described
    roles = {name: (one.get("baseline"), one.get("change")) for name, one in described["variants"].items()}
    assert roles == {
        "Mine": (None, None),
        "Wider": ("Mine", "more capacity"),
        "Narrower": ("Mine", "less capacity"),
        "With dropout": ("Mine", "regularization"),
        "Longer": ("Mine", "longer training"),
    }


@pytest.mark.slow
def test_running_again_adds_none_and_starts_no_worker(trained, place, monkeypatch):
    """Neither with neighbours nor without; those that are recorded stay."""
    monkeypatch.setattr(neighbourhood, "open_pool", no_worker)
    monkeypatch.setattr(session, "open_pool", no_worker)
    before = (trained / "result.json").read_bytes()
    for options in ({}, {"neighbours": False}):
        study_of(place, local_builder(), **options).run(trained, workers=1, report=False)
        assert (trained / "result.json").read_bytes() == before


@pytest.mark.slow
def test_a_folder_is_gone_on_with_from_its_own_description(trained):
    """All five, or the network alone; twice the epochs stay twice as many."""
    study = prepare_study(folder=trained, max_epochs=7, seeds=2)
    assert [one.name for one in study.variants] == NAMES
    assert {one.name: study.recipe_of(one).max_epochs for one in study.variants} == {
        name: 14 if name == "Longer" else 7 for name in NAMES
    }
    alone = prepare_study(folder=trained, neighbours=False)
    assert ([one.name for one in alone.variants], alone.neighbours) == (["Mine"], False)
    assert study.seeds == (1, 2)


@pytest.mark.slow
def test_remedies_of_a_network_are_added_to_its_study(trained):
    """What the folder holds comes first and keeps its recipe; what is there already is not added, by whatever name."""
    study = prepare_study(folder=trained, study="remedies", of="Mine")
    assert [one.name for one in study.variants][:5] == NAMES
    added = study.variants[5:]
    assert {one.baseline for one in added} == {"Mine"}
    assert {"AdamW", "Mixup", "Weight averaging"} <= {one.remedy for one in added}
    assert "Longer training" not in {one.remedy for one in added}  # "Longer"
    assert study.recipe.max_epochs == EPOCHS
    again = prepare_study(folder=trained, study="neighbours", of="Mine")
    assert again.variants == prepare_study(folder=trained).variants


@pytest.mark.slow
def test_an_unknown_network_is_answered_with_the_names(trained):
    """Those of the folder, with the near miss."""
    assert refusal(prepare_study, folder=trained, study="neighbours", of="Wide") == (
        "`--of` must be one of 'Mine', 'Wider', 'Narrower', 'With dropout', 'Longer'; got 'Wide'. Did you mean 'Wider'?"
    )


@pytest.mark.slow
def test_commands_that_verdicts_name_need_the_folder_alone(trained, place, monkeypatch, capsys):
    """Epochs and test rows: no source, no target; what is there is not trained again."""
    monkeypatch.chdir(place)
    command = f"run --out {shlex.quote(str(trained))} --max-epochs 6 --test more.csv --workers 1 --quiet"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(shlex.split(command))
    capsys.readouterr()
    found = variants_of(trained)
    assert {name: [run["epochs"] for run in item["runs"]] for name, item in found.items()} == {
        name: [12 if name == "Longer" else 6] for name in NAMES
    }
    assert json.loads((trained / "result.json").read_text(encoding="utf-8"))["rows"]["test"] == 150


@pytest.mark.slow
def test_layers_of_a_user_s_own_need_not_be_known_to_the_worker(place):
    """A class that only this process has goes with its builder; a subclassed model gets the ladder's networks."""

    @keras.saving.register_keras_serializable("tests")
    class Scale(layers.Layer):
        """A layer of one's own, of any width."""

        def call(self, inputs):
            """Return twice the inputs."""
            return 2 * inputs

    def build():
        return keras.Sequential([Scale(), layers.Dense(8, activation="relu"), layers.Dense(1)])

    study = with_neighbours(study_of(place, build))
    assert [one.name for one in study.variants] == NAMES
    assert {type(one.build) for one in study.variants[1:4]} == {ChangedModel}


@pytest.mark.parametrize("options", [{"new": True}, {"options": RunOptions(new=True)}])
def test_a_new_folder_takes_no_neighbours_from_the_one_beside_it(place, tmp_path, monkeypatch, options):
    """Its builder may have changed since; a folder that is resumed is refused if so."""
    asked = []
    monkeypatch.setattr(runnable, "with_neighbours", lambda study, folder: asked.append(folder) or study)
    monkeypatch.setattr(runnable, "run_study", lambda study, out, **given: out)
    study_of(place, local_builder()).run(tmp_path, **options)
    study_of(place, local_builder()).run(tmp_path)
    assert asked == [None, tmp_path]


def test_a_family_s_neighbours_need_no_worker(place, monkeypatch):
    """They are known from the description."""
    monkeypatch.setattr(neighbourhood, "open_pool", no_worker)
    study = with_neighbours(study_of(place, jr.mlp(6, 4)))
    assert [(one.name, one.build.units) for one in study.variants] == [
        *(
            ("Mine", (6, 4)),
            ("Wider", (12, 8)),
            ("Narrower", (3, 2)),
            ("With dropout", (6, 4)),
            ("Longer", (6, 4)),
        )
    ]
    assert with_neighbours(study) is study
    unwanted = study_of(place, jr.mlp(6, 4), neighbours=False)
    assert with_neighbours(unwanted) is unwanted


FILE = """
{top}
seeds = 1
[table]
source = "rows.csv"
target = "y"
[recipe]
batch_size = 50
max_epochs = 4
[variants.Mine]
family = "mlp"
units = [6]
"""


@pytest.mark.parametrize(
    ("top", "options", "count"),
    [
        ("", {}, 5),
        ("", {"neighbours": False}, 1),
        ("neighbours = false", {}, 1),
        ("neighbours = false", {"neighbours": True}, 5),
        ("train_sizes = [50, 100]", {}, 5),
    ],
)
def test_a_study_file_says_whether_it_wants_neighbours(place, monkeypatch, top, options, count):
    """The option wins."""
    monkeypatch.chdir(place)
    (place / "mine.toml").write_text(FILE.format(top=top))
    assert len(prepare_study(study="mine.toml", **options).variants) == count


def test_a_description_that_no_worker_can_build_has_no_neighbours(place, monkeypatch):
    """Training says what is wrong with it."""

    class Broken:
        """A pool whose worker refuses everything."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, tasks, handle):
            """Refuse."""
            raise InputError("No.")

    monkeypatch.setattr(neighbourhood, "open_pool", lambda *args, **named: Broken())
    study = study_of(place, KerasConfig('{"class_name": "Gone"}'))
    assert [one.name for one in with_neighbours(study).variants] == ["Mine"]


def test_the_default_study_s_networks_have_remedies_and_neighbours(place, monkeypatch):
    """On a table of one's own, without a folder: any network of it, regularized ones and the linear one included."""
    monkeypatch.chdir(place)
    remedies = prepare_study(source="rows.csv", target="y", study="remedies", of="Medium")
    assert (remedies.variants[0].name, remedies.variants[0].build.units) == ("Medium", (64, 64, 64))
    assert {one.baseline for one in remedies.variants[1:]} == {"Medium"}
    assert (remedies.name, remedies.seeds, remedies.recipe.max_epochs) == ("remedies", (1, 2, 3), 150)
    near = prepare_study(source="rows.csv", target="y", study="neighbours", of="Dropout")
    assert [one.name for one in near.variants] == ["Dropout", "Wider", "Narrower", "More dropout", "Longer"]
    assert near.variants[0].baseline is None
    line = prepare_study(source="rows.csv", target="y", study="neighbours", of="Linear")
    assert [one.name for one in line.variants] == ["Linear", "Ladder wider", "With L2", "Longer"]
    assert {one.group for one in line.variants[1:]} == {GROUP}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"study": "remedies", "of": "Lrge"},
            (
                "`--of` must be one of 'Linear', 'Linear L2', 'Tiny', 'Small', 'Medium', 'Large', 'L2', 'Dropout', "
                "'Combined'; got 'Lrge'. Did you mean 'Large'?"
            ),
        ),
        (
            {"of": "Large"},
            (
                "`--of` names the network of a study about one, --study remedies or neighbours; got --study quick. "
                "Give both, or leave it out."
            ),
        ),
        (
            {"study": "sizes", "of": "Large"},
            (
                "`--of` names the network of a study about one, --study remedies or neighbours; got --study sizes. "
                "Give both, or leave it out."
            ),
        ),
    ],
)
def test_a_network_that_cannot_be_meant_is_refused(place, monkeypatch, options, message):
    """Whole messages, before anything trains."""
    monkeypatch.chdir(place)
    assert refusal(prepare_study, source="rows.csv", target="y", **options) == message


@pytest.mark.slow
def test_a_wider_neighbour_that_memory_has_no_room_for_is_left_out_and_said(place, tmp_path, monkeypatch):
    """The network itself fits: a study of it is not refused because of what was added to it. Alone, it is refused."""
    train, tried = session.train_study, []

    def full(study, *args, **named):
        tried.append([one.name for one in study.variants])
        if "Wider" in tried[-1] or study.name == "too large":
            raise MemoryLimitError("Training must fit into memory: it does not.")
        return train(study, *args, **named)

    monkeypatch.setattr(session, "train_study", full)
    result = study_of(place, jr.mlp(4)).run(tmp_path / "out", workers=1, report=False)
    assert tried == [NAMES, [name for name in NAMES if name != "Wider"]]
    assert list(variants_of(tmp_path / "out")) == tried[-1]
    assert result.repairs == (session.WIDER_LEFT_OUT,)
    with pytest.raises(MemoryLimitError):
        study_of(place, jr.mlp(4), name="too large").run(tmp_path / "other", workers=1, report=False)
    assert [len(names) for names in tried[2:]] == [5, 4]
