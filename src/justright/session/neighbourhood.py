"""Studies with the neighbours of their networks: of families from their descriptions, of other models tried in a worker.

A worker builds what the neighbours of a model of one's own might be, as it would for training: the caller's process may have
another Keras backend, or no Keras yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from justright.errors import InputError, check_one_of
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.folder import StudyFolder, holds_study
from justright.records.models import save_model_atomically
from justright.runs.events import Event, VariantBuilt
from justright.runs.tasks import Arrays, BuildTask, PartArrays, Storage
from justright.study.families import Family, Mlp
from justright.study.keras_edits import is_plain
from justright.study.neighbours import Builds, ChangedModel, add_apart, keras_builds, neighbours
from justright.study.recipe import Recipe
from justright.study.remedy import NEIGHBOUR_GROUP, Facts
from justright.study.spec import builder_name, variant_from_dict
from justright.study.studies import NamedStudy
from justright.study.study import Study
from justright.study.variant import Build, KerasConfig, Variant
from justright.workers.engines import open_pool
from justright.workers.train import study_rows


def with_neighbours(study: Study, folder: str | Path | None = None) -> Study:
    """Return a study with the neighbours of its network if it has only one and wants them, else the study as it is.

    Args:
        study: what will be trained.
        folder: the study folder; models whose neighbours it holds need not be tried again.
    """
    if not study.neighbours or len(study.variants) > 1:
        return study
    (network,) = study.variants
    made = _neighbours_of(network, study, folder)
    return replace(study, variants=add_apart(study.variants, made, of=network.name))


def study_around(study: Study, chosen: NamedStudy, of: str, folder: str | Path | None = None) -> Study:
    """Return a study with what a built-in study makes of one of its networks, as far as it lacks that.

    Args:
        study: the study that holds the network.
        chosen: the built-in study, such as 'remedies'.
        of: the network's name.
        folder: as for `with_neighbours`.

    Raises:
        InputError: there is no such network, or nothing can be made of it.
    """
    check_one_of("--of", of, [variant.name for variant in study.variants])
    network = study.variant(of)
    if chosen.around is None:
        raise InputError(f"`--of` must come with a study about one network; got {chosen.name!r}.")
    facts = Facts.of(study.split, study.recipe)
    if chosen.around is neighbours:
        made = _neighbours_of(network, study, folder)
    else:
        made = chosen.around(network, facts)
    known = [(one.build, study.recipe_of(one)) for one in study.variants]
    missing = [one for one in made if (one.build, facts.recipe_of(one)) not in known]
    return replace(study, variants=add_apart(study.variants, missing, of=of))


def _neighbours_of(network: Variant, study: Study, folder: str | Path | None) -> tuple[Variant, ...]:
    """Return the neighbours of a network; none if its model cannot be built, which training will say."""
    table = study.split.table
    facts = Facts(table.task, table.feature_names, study.split.sizes["train"], study.recipe)
    if isinstance(network.build, Mlp):
        return neighbours(network, facts)
    builds = _recorded_builds(network, folder) or _tried_builds(network, study)
    return neighbours(network, facts, builds) if builds else ()


def _tried_builds(network: Variant, study: Study) -> Builds:
    """Return the changed networks of a model, as far as a worker can build them."""
    with _trial(study, study.recipe_of(network)) as build:
        own = build(network.build)
        if own is None:
            return {}

        def count(changed: Build) -> int | None:
            built = build(changed)
            return built.parameters if built else None

        return keras_builds(
            own.config,
            own.parameters,
            count=count,
            features=study.split.table.n_features,
            outputs=study_rows(study).outputs,
            builder=None if isinstance(network.build, Family | KerasConfig) else network.build,
        )


@contextmanager
def _trial(study: Study, recipe: Recipe) -> Iterator[Callable[[Build], VariantBuilt | None]]:
    """Yield a function that builds a model in a worker and describes it; it returns None for one that does not fit the table.

    The worker gets a row of each kind: it only builds.
    """
    rows = study_rows(study)
    rows = replace(
        rows,
        train=_first(rows.train),
        validation=_first(rows.validation),
        test=_first(rows.test),
        train_places=None,
        train_weights=None,
        validation_weights=None,
        test_weights=None,
    )
    storage = Storage(
        Path(gettempdir()), write_tensors, read_tensors, save_model_atomically
    )  # nothing is written
    with open_pool("local", rows, storage, workers=1, jobs=1, address=None) as pool:

        def build(changed: Build) -> VariantBuilt | None:
            found: list[Event] = []
            try:
                pool.execute([BuildTask((("A neighbour", changed, recipe),))], found.append)
            except InputError:
                return None
            return next((event for event in found if isinstance(event, VariantBuilt)), None)

        yield build


def _first(arrays: PartArrays) -> Arrays:
    features, targets = arrays
    return features[:1], targets[:1]


def _recorded_builds(network: Variant, folder: str | Path | None) -> Builds:
    """Return the changed networks that a folder holds of this very network; none if it holds none.

    Training refuses the folder should the network be another one by the same name.
    """
    if folder is None or not holds_study(folder):
        return {}
    described: Mapping[str, Any] = StudyFolder.open(folder, "read").read_study().get("variants", {})
    own = described.get(network.name, {})
    builder: Callable[[], Any] | None = None
    if isinstance(network.build, KerasConfig):
        is_same = own.get("keras_config") == network.build.json
    else:
        is_same = own.get("builder") == builder_name(network.build)
        builder = None if isinstance(network.build, Family) else network.build
    found: dict[str, tuple[str, Build]] = {}
    for name, values in described.items() if is_same else ():
        changed = values.get("keras_config")
        has_own_model = "family" in values or changed not in (None, own.get("keras_config"))
        if (
            values.get("baseline") == network.name
            and values.get("group") == NEIGHBOUR_GROUP
            and has_own_model
        ):
            if builder is None or changed is None or is_plain(changed):
                found[values["change"]] = name, variant_from_dict(name, values).build
            else:
                found[values["change"]] = name, ChangedModel(builder, changed)
    return found
