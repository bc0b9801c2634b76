"""Keras Tuner's tuners: their trials are read from the project folder, which the tuner keeps up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.tuners.keras_tuner import KERAS_TUNER, project_files
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name
from justright.logs.source import Source


def _is_tuner(source: object) -> bool:
    return is_of_package(source, "keras_tuner", "kerastuner") and hasattr(source, "project_dir")


def _read(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of a library that may be absent
    folder = Path(source.project_dir)
    files = project_files(folder)
    if not files:
        raise InputError(
            f"A tuner of Keras Tuner must have tried something; the folder of this {type_name(source)}, {str(folder)!r}, "
            "holds no trials. Call `search` first."
        )
    return KERAS_TUNER.runs(Source(folder, files=files, choices=choices))


KERAS_TUNERS = ObjectKind("a tuner of Keras Tuner whose `search` had a callback that logs", _is_tuner, _read)
