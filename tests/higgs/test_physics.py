"""What HiggsMlp's stock layers compute, against NumPy, and the symmetries they keep."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from justright.higgs.columns import HIGGS_FEATURES, MIN_ANGLES, collision_columns
from justright.higgs.kinematics import particle_columns, positive_columns
from justright.higgs.physics import ANGLES, PHI_LIMIT, SMALLEST, HiggsMlp
from justright.study.catalogue import remedy_named
from justright.study.families import family_from_dict
from justright.study.recipe import Recipe
from justright.study.remedy import Facts

COLUMNS = collision_columns(HIGGS_FEATURES)
PHI, ETA = list(COLUMNS["phi"]), list(COLUMNS["eta"])
OTHERS = [column for column in range(28) if column not in PHI + ETA]
TO_RADIANS = math.pi / PHI_LIMIT
FULL = HiggsMlp(
    (8,),
    **COLUMNS,
    angles="relative",
    rotate=True,
    reflect=True,
    mirror=True,
    pairs=True,
    standardize=True,
    soft_limit=2.0,
    **particle_columns(HIGGS_FEATURES),
    kinematics=True,
    systems=True,
    order_jets=True,
    logarithms=True,
    positive=positive_columns(HIGGS_FEATURES),
)
# What a process does that knows Keras alone.
IN_TORCH = """
import sys, keras, numpy
model = keras.models.load_model("higgs.keras", safe_mode=True)
numpy.save("outputs.npy", keras.ops.convert_to_numpy(model(numpy.load("rows.npy"))))
assert "justright" not in sys.modules and keras.backend.backend() == "torch"
"""


@pytest.fixture(scope="module")
def rows():
    """(40, 28) rows with azimuths over the whole circle."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 28)).astype(np.float32)
    values[:, PHI] = rng.uniform(-PHI_LIMIT, PHI_LIMIT, (40, len(PHI)))
    return values


def inputs_of(family, rows, *, training):
    """What the first hidden layer sees: a model without hidden layers and with an identity at its end."""
    width = family(28, 1).layers[-1].kernel.shape[0]
    model = family(28, width)
    model.layers[-1].set_weights([np.eye(width), np.zeros(width)])
    return np.asarray(model(rows, training=training))


@pytest.mark.parametrize("angles", ANGLES)
@pytest.mark.parametrize("pairs", [False, True])
def test_inputs_are_those_of_numpy(rows, angles, pairs):
    """Other columns, eta, angles and pairs in this order, each computed by hand; no randomness at inference."""
    family = HiggsMlp((), **COLUMNS, angles=angles, pairs=pairs, rotate=True, reflect=True, mirror=True)
    phi, eta = rows[:, PHI].astype(np.float64) * TO_RADIANS, rows[:, ETA]
    own = {
        "as they are": [rows[:, PHI]],
        "cosine and sine": [np.cos(phi), np.sin(phi)],
        "relative": [np.cos(phi[:, 1:] - phi[:, :1]), np.sin(phi[:, 1:] - phi[:, :1])],
    }
    parts = [rows[:, OTHERS], eta, *own[angles]]
    if pairs:
        first, second = np.triu_indices(len(PHI), 1)
        parts.append(np.cos(phi[:, first] - phi[:, second]))
        first, second = np.triu_indices(len(ETA), 1)
        parts.append(np.abs(eta[:, first] - eta[:, second]))
    # float32 angles of up to 2 pi are right to 5e-7, their cosines a little less.
    np.testing.assert_allclose(
        inputs_of(family, rows, training=False), np.concatenate(parts, axis=1), atol=5e-6
    )


def test_relative_angles_are_blind_to_a_turn_and_absolute_ones_are_not(rows):
    """Turning all phi of a row by one angle: a symmetry of what the network sees, whatever its weights."""
    turned = rows.copy()
    turned[:, PHI] += 0.7
    for angles, is_blind in (("relative", True), ("cosine and sine", False)):
        family = HiggsMlp((), **COLUMNS, angles=angles, pairs=True)
        before, after = (inputs_of(family, values, training=False) for values in (rows, turned))
        assert np.allclose(before, after, atol=1e-5) is is_blind


def test_training_turns_all_phi_of_a_row_by_one_uniform_angle(rows):
    """Angles between particles stay; the turns themselves differ by row and spread over the circle."""
    many = np.repeat(rows, 50, axis=0)
    keras.utils.set_random_seed(1)
    seen = inputs_of(HiggsMlp((), **COLUMNS, rotate=True), many, training=True)
    turn = (seen[:, -len(PHI) :] - many[:, PHI]) * TO_RADIANS
    wrapped = np.angle(np.exp(1j * (turn - turn[:, :1])))
    np.testing.assert_allclose(wrapped, 0, atol=1e-4)
    np.testing.assert_array_equal(seen[:, : len(OTHERS)], many[:, OTHERS])
    # The first two Fourier coefficients of 2,000 uniform angles have a deviation of 0.022: five of them.
    assert abs(np.exp(1j * turn[:, 0]).mean()) < 0.11
    assert abs(np.exp(2j * turn[:, 0]).mean()) < 0.11


@pytest.mark.parametrize(("option", "columns"), [("reflect", ETA), ("mirror", PHI)])
def test_training_gives_all_eta_or_all_phi_of_a_row_one_random_sign(rows, option, columns):
    """Both signs about as often, the same for all columns of a row, and nothing else changes."""
    many = np.repeat(rows, 50, axis=0)
    keras.utils.set_random_seed(1)
    seen = inputs_of(HiggsMlp((), **COLUMNS, **{option: True}), many, training=True)
    order = [*OTHERS, *ETA, *PHI]
    places = [order.index(column) for column in columns]
    signs = seen[:, places] / many[:, columns]
    np.testing.assert_allclose(signs, np.sign(signs[:, :1]) * np.ones(len(columns)), rtol=1e-5)
    assert 0.45 < (signs[:, 0] > 0).mean() < 0.55  # 2,000 fair coins: a deviation of 0.011
    rest = [place for place in range(28) if place not in places]
    np.testing.assert_allclose(seen[:, rest], many[:, order][:, rest], rtol=1e-6)


def test_only_the_other_columns_are_standardised(rows):
    """Eta keeps its zero, so that its mirror stays exact; the layer is one that the engine adapts."""
    model = HiggsMlp((), **COLUMNS, standardize=True)(28, 28)
    model.layers[-1].set_weights([np.eye(28), np.zeros(28)])
    layer = next(one for one in model.layers if isinstance(one, keras.layers.Normalization))
    layer.adapt(rows)
    seen = np.asarray(model(rows))
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    np.testing.assert_allclose(seen[:, : len(OTHERS)], scaled[:, OTHERS], atol=1e-5)
    np.testing.assert_array_equal(seen[:, len(OTHERS) : len(OTHERS) + len(ETA)], rows[:, ETA])


def test_momenta_and_masses_enter_as_logarithms(rows):
    """Those columns and no others; what is not positive counts as the smallest."""
    positive = list(positive_columns(HIGGS_FEATURES))
    assert [HIGGS_FEATURES[column] for column in (positive[0], positive[-1])] == ["lepton_pT", "m_wwbb"]
    assert len(positive) == 13
    family = HiggsMlp((), **COLUMNS, logarithms=True, positive=tuple(positive))
    expected = rows.astype(np.float64)
    expected[:, positive] = np.log(np.maximum(expected[:, positive], SMALLEST))
    order = [*OTHERS, *ETA, *PHI]
    np.testing.assert_allclose(inputs_of(family, rows, training=False), expected[:, order], rtol=1e-5)


def test_a_saved_model_is_plain_keras(rows, tmp_path):
    """It opens in safe mode, names no class of justright, and says the same."""
    model = FULL(28, 1)
    model.save(tmp_path / "higgs.keras")
    loaded = keras.models.load_model(tmp_path / "higgs.keras", safe_mode=True)
    np.testing.assert_array_equal(np.asarray(loaded(rows)), np.asarray(model(rows)))
    modules = {layer["module"] for layer in json.loads(model.to_json())["config"]["layers"]}
    assert all(module.startswith("keras") for module in modules)


@pytest.mark.slow
@pytest.mark.torch
def test_a_saved_model_opens_in_torch_without_justright(rows, tmp_path):
    """With every option on; sorting and masses come out the same there, to float32's last digits."""
    pytest.importorskip("torch", reason="needs torch, which `make test` installs")
    model = FULL(28, 1)
    model.save(tmp_path / "higgs.keras")
    rows = rows.copy()
    positive = list(positive_columns(HIGGS_FEATURES))
    rows[:, positive] = (
        np.abs(rows[:, positive]) + 0.3
    )  # masses of particles without momentum are rounding errors
    np.save(tmp_path / "rows.npy", rows)
    done = subprocess.run(
        [sys.executable, "-c", IN_TORCH],
        cwd=tmp_path,
        env=os.environ | {"KERAS_BACKEND": "torch", "TORCHDYNAMO_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        np.load(tmp_path / "outputs.npy"), np.asarray(model(rows)), rtol=1e-3, atol=1e-4
    )


def test_columns_are_found_by_name():
    """HIGGS has six azimuths, the lepton's first, and five pseudorapidities."""
    assert [HIGGS_FEATURES[column] for column in PHI[:2]] == ["lepton_phi", "missing_energy_phi"]
    assert (len(PHI), len(ETA)) == (6, 5)
    facts = Facts("binary", HIGGS_FEATURES, 10_000, Recipe())
    turns = remedy_named("Random turns")
    assert turns.is_for(facts)
    assert not turns.is_for(replace(facts, feature_names=("phi", "age")))


def test_members_survive_plain_values():
    """Every option through a study file's values."""
    family = HiggsMlp((8,), dropout=0.2, **COLUMNS, angles="relative", rotate=True, pairs=True)
    assert family_from_dict(json.loads(json.dumps(family.to_dict()))) == family


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: collision_columns(["age", "income"]),
            (
                f"The symmetries of a collision need at least {MIN_ANGLES} columns whose names end in '_phi' and one in "
                "'_eta', as in HIGGS; got ['age', 'income']. Leave them out, or name the columns."
            ),
        ),
        (
            lambda: HiggsMlp((4,), phi=(1,)),
            f"`phi` must name at least {MIN_ANGLES} columns of azimuths; got [1].",
        ),
        (
            lambda: HiggsMlp((4,), phi=(1, 2), eta=(2, 3)),
            "A column is an azimuth or a pseudorapidity, not both; got [2].",
        ),
        (
            lambda: HiggsMlp((4,), phi=(1, -2)),
            "`phi` must be a list of column numbers, counted from 0; got (1, -2).",
        ),
        (lambda: HiggsMlp((4,), phi=(1, 1)), "`phi` must name each column once; got [1, 1]."),
        (
            lambda: HiggsMlp((4,), phi=(1, 2), angles="relativ"),
            "`angles` must be one of 'as they are', 'cosine and sine', 'relative'; got 'relativ'. Did you mean 'relative'?",
        ),
        (
            lambda: HiggsMlp((4,), phi=(1, 2), rotate=1),
            "`rotate` must be true or false; got 1.",
        ),
        (
            lambda: HiggsMlp((4,), phi=(1, 2), logarithms=True),
            "`logarithms` needs columns in `positive`; got []. Use `positive_columns`.",
        ),
        (
            lambda: HiggsMlp(
                (4,), phi=(1, 2), **particle_columns(HIGGS_FEATURES) | {"tags": (8, 12)}, order_jets=True
            ),
            "`order_jets` needs 4 columns in `tags`, one per jet; got [8, 12]. Use `particle_columns`.",
        ),
        (
            lambda: HiggsMlp((4,), phi=(1, 9))(4, 1),
            "`phi` and `eta` must be columns in 0..3, the table's features; got [9].",
        ),
    ],
)
def test_bad_values_are_refused(make, message):
    """One whole sentence each."""
    assert refusal(make) == message
