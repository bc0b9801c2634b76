"""What is installed: JAX's plug-ins and what the extras bring, found without importing any of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from types import MappingProxyType

from justright.workers.accelerators import PLUGINS

# Extra -> the packages that it installs; a test holds them against pyproject.toml.
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ray": ("ray",),
        "cuda": ("jax-cuda13-plugin",),
        "cuda12": ("jax-cuda12-plugin",),
        "excel": ("fastexcel",),
        "lightning": ("lightning",),
        "onnx": ("onnx", "onnxruntime"),
        "database": ("connectorx", "pyarrow"),
    }
)
TPU_LIBRARY = "libtpu"  # JAX finds it by its name, not as a plug-in


def installed_extras() -> dict[str, str | None]:
    """Return extra -> the versions of its packages; None for one that is not complete."""
    found: dict[str, str | None] = {}
    for extra, packages in EXTRAS.items():
        versions = [installed_version(package) for package in packages]
        texts = [
            f"{package} {one}" for package, one in zip(packages, versions, strict=True) if one is not None
        ]
        found[extra] = ", ".join(texts) if len(texts) == len(packages) else None
    return found


def installed_plugins() -> dict[str, str]:
    """Return distribution -> version of what makes JAX use another device than the CPU."""
    found = {point.dist.name: point.dist.version for point in entry_points(group=PLUGINS) if point.dist}
    library = installed_version(TPU_LIBRARY)
    return found | ({TPU_LIBRARY: library} if library else {})


def installed_version(package: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
