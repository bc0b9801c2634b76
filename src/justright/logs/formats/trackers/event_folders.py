"""Which folders of event files are one run: TensorBoard has no word for it but the folder's name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from justright.logs.discovery.halves import ROLES, WORDS, role_in_name
from justright.logs.logged_run import Role
from justright.logs.metric_names import parse_name

CATBOOST = "learn"


@dataclass(frozen=True, slots=True)
class Place:
    """What the folder of an event file says about it.

    Args:
        home: the folder of the whole run.
        prefix: what the names of its series begin with, so that they differ from those of the run's other folders.
        suffix: what they end with.
        role: the rows.
        is_catboost: whether CatBoost wrote it.
    """

    home: Path
    prefix: str = ""
    suffix: str = ""
    role: Role | None = None
    is_catboost: bool = False

    @property
    def order(self) -> int:
        """Where its series come among those of the run: the run's own, then training, validation and test."""
        return 0 if self.role is None else 1 + list(WORDS).index(self.role)

    def written(self, tag: str) -> str:
        """Return the name of a tag's series."""
        return tag if self.role_of(tag) != self.role else self.prefix + tag + self.suffix

    def role_of(self, tag: str) -> Role | None:
        """Return the rows of a tag's series: what it says itself before the folder, such as 'val/loss' in Ultralytics' train/."""
        return parse_name(tag).role or self.role


def places_of(tags: Mapping[Path, Sequence[str]]) -> dict[Path, Place]:
    """Return the place of each folder, given the tags in its event files.

    Example:
        >>> folders = {Path("runs/a/train"): ("loss",), Path("runs/a/val"): ("loss",)}
        >>> [str(place.home) for place in places_of(folders).values()]
        ['runs/a', 'runs/a']
    """
    places: dict[Path, Place] = {}
    stems: dict[Path, list[tuple[Path, str]]] = defaultdict(list)
    for folder, names in tags.items():
        word = folder.name.lower()
        if series := _added_scalars(folder.name, names):
            places[folder] = Place(folder.parent, suffix=series)
        elif word in ROLES and list(names) == [
            folder.parent.name
        ]:  # as tensorboardX adds them: loss/train, with the tag 'loss'
            places[folder] = Place(folder.parent.parent, suffix=f"/{word}", role=ROLES[word])
        elif word in ROLES:
            stems[folder.parent].append((folder, word))
        elif (parts := role_in_name(folder.name)) is not None:
            stems[folder.parent / parts[0]].append((folder, parts[1]))
        else:
            places[folder] = Place(folder)
    homes = set(places)
    for home, halves in stems.items():
        roles = {ROLES[word] for _, word in halves}
        for folder, word in halves:
            is_exact = folder.name.lower() == word
            if len(roles) > 1 or (is_exact and home in homes):
                is_catboost = any(other == CATBOOST for _, other in halves)
                places[folder] = Place(home, f"{word}/", role=ROLES[word], is_catboost=is_catboost)
            else:  # alone: its name tells the rows only if it is nothing but the word
                places[folder] = Place(folder, role=ROLES[word] if is_exact else None)
    return {folder: places[folder] for folder in tags}


def _added_scalars(name: str, tags: Sequence[str]) -> str:
    """Return '_train' for the folder loss_train with the tag 'loss', which `add_scalars('loss', {'train': ...})` makes."""
    stem = tags[0].replace("/", "_")
    return name[len(stem) :] if len(tags) == 1 and name.startswith(f"{stem}_") else ""
