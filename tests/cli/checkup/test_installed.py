"""Packages that are looked for are those that the extras install."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

from justright.cli.checkup import installed
from justright.cli.checkup.installed import EXTRAS, installed_extras, installed_plugins

ROOT = Path(__file__).resolve().parents[3]
PLUG_INS = {("jax", "cuda13"): "jax-cuda13-plugin", ("jax", "cuda12"): "jax-cuda12-plugin"}


def test_every_extra_is_looked_for_by_its_packages():
    """An extra that is added to the project is added there; those of JAX are what its own extras install."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    requirements = {name: [Requirement(line) for line in lines] for name, lines in extras.items()}
    assert dict(EXTRAS) == {
        name: tuple(PLUG_INS.get((one.name, *one.extras), one.name) for one in lines)
        for name, lines in requirements.items()
    }


def test_an_extra_is_there_if_all_of_its_packages_are(monkeypatch):
    """Half of one cannot be used."""
    monkeypatch.setattr(
        installed,
        "EXTRAS",
        {"whole": ("numpy", "jax"), "half": ("numpy", "no-such-package"), "none": ("no-such-package",)},
    )
    assert installed_extras() == {
        "whole": f"numpy {version('numpy')}, jax {version('jax')}",
        "half": None,
        "none": None,
    }


def test_plug_ins_are_found_by_the_entry_points_that_jax_reads(tmp_path, monkeypatch):
    """Beside libtpu, which JAX finds by its name."""
    for name, points in (
        ("jax-cuda13-plugin", "[jax_plugins]\nxla_cuda13 = jax_plugins.xla_cuda13\n"),
        ("libtpu", ""),
    ):
        folder = tmp_path / f"{name.replace('-', '_')}-0.11.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.11.2\n")
        (folder / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    assert {"jax-cuda13-plugin": "0.11.2", "libtpu": "0.11.2"}.items() <= installed_plugins().items()
