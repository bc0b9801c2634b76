"""What will be trained: studies, variants, recipes and model families. Pure data; Keras only inside builders."""

from justright.study.catalogue import remedies
from justright.study.families import Family, Mlp, mlp
from justright.study.recipe import LOSSES, PRECISIONS, SCORES, Recipe
from justright.study.spec import read_spec, study_from_dict, study_to_dict, study_to_toml
from justright.study.studies import default_split, named_study
from justright.study.study import Study, learning_sizes
from justright.study.variant import KerasConfig, Variant

__all__ = [
    "LOSSES",
    "PRECISIONS",
    "SCORES",
    "Family",
    "KerasConfig",
    "Mlp",
    "Recipe",
    "Study",
    "Variant",
    "default_split",
    "learning_sizes",
    "mlp",
    "named_study",
    "read_spec",
    "remedies",
    "study_from_dict",
    "study_to_dict",
    "study_to_toml",
]
