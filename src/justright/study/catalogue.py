"""The catalogue of remedies: for each, what it changes, how strongly, and a pure function that makes the variant."""

from __future__ import annotations

from justright.errors import InputError
from justright.higgs.collisions import has_collisions
from justright.higgs.kinematics import particle_columns
from justright.study import changes
from justright.study.changes import Facts
from justright.study.remedy import LESS_CAPACITY, LONGER_TRAINING, Remedy


def _has_classes(facts: Facts) -> bool:
    return facts.task != "regression"


def _has_raw_inputs(facts: Facts) -> bool:
    return not facts.is_standardised


def _has_collisions(facts: Facts) -> bool:
    return has_collisions(facts.feature_names)


def _has_particles(facts: Facts) -> bool:
    try:
        particle_columns(facts.feature_names)
    except InputError:
        return False
    return True


CATALOGUE: tuple[Remedy, ...] = (
    Remedy(
        "Fewer units",
        "every hidden layer keeps this share of its units",
        (0.25, 0.0625),
        changes.fewer_units,
        LESS_CAPACITY,
    ),
    Remedy(
        "Fewer layers",
        "this many hidden layers are left out, the last first; one always stays",
        (1, 3),
        changes.fewer_layers,
        LESS_CAPACITY,
    ),
    Remedy(
        "L1",
        "the loss also counts the absolute kernel weights, times this",
        (1e-5, 1e-4, 1e-3),
        changes.family_option("l1"),
    ),
    Remedy(
        "L2",
        "the loss also counts the squared kernel weights, times this",
        (1e-4, 1e-3, 1e-2),
        changes.family_option("l2"),
    ),
    Remedy(
        "L1 + L2",
        "an L1 penalty of this factor and an L2 penalty of ten times it",
        (1e-5, 1e-4),
        changes.l1_l2,
    ),
    Remedy(
        "AdamW",
        "each step also shrinks all weights by this times the learning rate, apart from the gradient",
        (0.1, 1.0, 10.0),
        changes.weight_decay,
        needs_family=False,
    ),
    Remedy(
        "Dropout",
        "training zeroes this share of the hidden units at random, anew at each step",
        (0.2, 0.5, 0.7),
        changes.family_option("dropout"),
    ),
    Remedy(
        "L2 + dropout",
        "dropout of this share beside the tutorial's L2 penalty of 0.0001",
        (0.2, 0.5),
        changes.l2_dropout,
    ),
    Remedy(
        "Batch normalisation",
        "each hidden layer is brought to mean 0 and variance 1 over the batch before its activation",
        (1,),
        changes.family_switch("batch_normalization"),
    ),
    Remedy(
        "Input noise",
        "training adds Gaussian noise of this standard deviation to each input",
        (0.1, 0.3),
        changes.family_option("input_noise"),
    ),
    Remedy(
        "Mixup",
        "training mixes each row with another one, by a weight from Beta(this, this)",
        (0.2, 1.0),
        changes.recipe_option("mixup"),
        needs_family=False,
    ),
    Remedy(
        "Label smoothing",
        "training spreads this share of each label over all classes",
        (0.05, 0.2),
        changes.recipe_option("label_smoothing"),
        needs_family=False,
        is_for=_has_classes,
    ),
    Remedy(
        "Weight averaging",
        "what is validated and kept is an exponential moving average of the weights with this decay a step (EMA)",
        (0.98, 0.995, 0.998),
        changes.recipe_option("ema"),
        needs_family=False,
    ),
    Remedy(
        "Cosine schedule",
        "the learning rate falls from this along a half cosine to 0 at the epoch limit",
        (0.001, 0.003),
        changes.cosine_schedule,
        needs_family=False,
    ),
    Remedy(
        "Longer training",
        "the epoch limit and the patience are twice as large",
        (2,),
        changes.longer_training,
        LONGER_TRAINING,
        needs_family=False,
    ),
    Remedy(
        "Standardised inputs",
        "each column is brought to mean 0 and variance 1 over the training rows",
        (1,),
        changes.family_switch("standardize"),
        is_for=_has_raw_inputs,
    ),
    Remedy(
        "Soft limits",
        "each input, standardised, enters as 2 tanh(x / 2): none is larger than 2, small ones stay as they are",
        (2.0,),
        changes.family_option("soft_limit"),
    ),
    Remedy(
        "Random turns",
        "training turns all phi of a row by one random angle: a collision has no preferred direction",
        (1,),
        changes.physics_option(rotate=True),
        is_for=_has_collisions,
    ),
    Remedy(
        "Random reflections",
        "training gives all eta of a row one random sign: the beam's two ends are alike",
        (1,),
        changes.physics_option(reflect=True),
        is_for=_has_collisions,
    ),
    Remedy(
        "Random mirrors",
        "training gives all phi of a row one random sign: a collision and its mirror image are alike",
        (1,),
        changes.physics_option(mirror=True),
        is_for=_has_collisions,
    ),
    Remedy(
        "Cosine and sine of phi",
        "each phi enters as its cosine and sine, so that -pi and pi are the same",
        (1,),
        changes.physics_option(angles="cosine and sine"),
        is_for=_has_collisions,
    ),
    Remedy(
        "Relative phi",
        "each phi enters as cosine and sine of its angle to the lepton's, which no turn changes",
        (1,),
        changes.physics_option(angles="relative"),
        is_for=_has_collisions,
    ),
    Remedy(
        "Angles between particles",
        "cosines of the angles between any two particles, and sizes of their differences in eta, are given as well",
        (1,),
        changes.physics_option(pairs=True),
        is_for=_has_collisions,
    ),
    Remedy(
        "Masses and momenta",
        "masses of all pairs of particles, and sums of their momenta, are given as well",
        (1,),
        changes.particle_option("kinematics"),
        is_for=_has_particles,
    ),
    Remedy(
        "Masses of groups",
        "masses of three and more particles, and with the W that made the lepton, are given as well",
        (1,),
        changes.particle_option("systems"),
        is_for=_has_particles,
    ),
    Remedy(
        "Jets by b-tag",
        "jets come in the order of their b-tags, then momenta, so that those of a b quark have fixed places",
        (1,),
        changes.particle_option("order_jets"),
        is_for=_has_particles,
    ),
    Remedy(
        "Logarithms",
        "momenta and masses enter as their logarithms",
        (1,),
        changes.logarithms,
        is_for=_has_particles,
    ),
)
