"""Models that are no family's, with every strength that a lane may have for itself, and what their steps are."""

from __future__ import annotations

from dataclasses import replace

import keras
from tests.training.together.mixed_stacks import RECIPE

from justright.runs.shared_programs import companions
from justright.runs.tasks import Member
from justright.study.keras_descriptions import check_keras_optimizer
from justright.study.variant import KerasConfig
from justright.training.network import build_network
from justright.training.together.traced_steps import trace_step

layers, of = keras.layers, keras.regularizers


def everything(strength):
    """Return a model with penalties, constraints and noise of all kinds, in wrappers, nested, and in layers used twice."""
    shared = layers.Dense(6, "tanh", kernel_regularizer=of.L1L2(strength, strength / 2), name="shared")
    nested = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(
                6,
                "elu",
                kernel_regularizer=of.L2(strength),
                bias_constraint=keras.constraints.MaxNorm(1 + strength),
            ),
            layers.AlphaDropout(strength),
        ],
        name="nested",
    )
    inputs = keras.Input((28,))
    hidden = layers.GaussianNoise(strength)(inputs)
    hidden = layers.Dense(
        6, kernel_constraint=keras.constraints.MinMaxNorm(0.1, 1 + strength, 0.9), name="first"
    )(hidden)
    hidden = nested(shared(layers.GaussianDropout(strength)(shared(layers.Dropout(strength)(hidden)))))
    wide = layers.SpatialDropout1D(strength)(layers.Reshape((3, 2))(hidden))
    wrapped = layers.Dense(
        4, "relu", kernel_regularizer=of.OrthogonalRegularizer(strength), activity_regularizer=of.L2(strength)
    )
    wide = layers.TimeDistributed(wrapped, name="wrapped")(wide)
    wide = layers.ActivityRegularization(l1=strength / 10)(layers.Flatten()(wide))
    return keras.Model(inputs, layers.Dense(1, name="last")(wide))


def some(strength, l2):
    """Return a model with noise, and a penalty on a layer that is used twice; of what JAX draws, programs compile for long."""
    shared = layers.Dense(28, "tanh", kernel_regularizer=of.L2(l2))
    inputs = keras.Input((28,))
    return keras.Model(inputs, layers.Dense(1)(layers.Dropout(strength)(shared(shared(inputs)))))


def decaying(rate, steps, decay):
    """Return a recipe with a schedule and a weight decay."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=rate / 10)
    optimizer = check_keras_optimizer(keras.optimizers.AdamW(schedule, weight_decay=decay, clipnorm=decay))
    return replace(RECIPE, optimizer=optimizer, max_epochs=8, patience=3)


def config(model):
    """Return a model as a study keeps it."""
    return KerasConfig(model.to_json())


def traced(name, build, recipe, rows):
    """Return the step of a variant."""
    known = recipe.resolve("binary", len(rows.train[0]))
    network = build_network(name, build, known, seed=0, features=rows.features, outputs=1, task="binary")
    return trace_step(name, network, known, rows)


def task_of(stacks, variants, seeds, **options):
    """Return the task of all seeds of some variants as a plan makes it: name -> (build, recipe)."""
    rows = stacks.rows
    steps = [traced(name, *variant, rows) for name, variant in variants.items()]
    assert len({companions(step.variant, *variants[step.variant], step) for step in steps}) == 1
    known = {
        name: Member(build, recipe.resolve("binary", len(rows.train[0])))
        for name, (build, recipe) in variants.items()
    }
    return stacks.task_of(known, next(iter(known)), seeds, form=steps[0].form, **options)
