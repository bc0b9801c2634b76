"""The option `--fail-on LABEL[,LABEL]`."""

from __future__ import annotations

from collections.abc import Sequence


def labels_to_fail_on(fail_on: str | None, known: Sequence[str]) -> list[str]:
    """Return the labels named by --fail-on.

    Raises:
        InputError: one of them does not exist.

    Example:
        >>> labels_to_fail_on("overfits, diverged", ["overfits", "diverged"])
        ['overfits', 'diverged']
    """
    from justright.errors import check_one_of

    labels = [label.strip() for label in (fail_on or "").split(",") if label.strip()]
    for label in labels:
        check_one_of("--fail-on", label, known)
    return labels
