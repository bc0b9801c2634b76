"""A warning about a table or its split: plain data that is printed, stored and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright.data.table import Split

# Columns or classes named in a sentence; `columns` has all of them.
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class TableWarning:
    """What may make a verdict say more than is true.

    Args:
        kind: in two or three words, the same for all warnings of its kind.
        columns: the columns it is about; empty for one about rows or classes.
        number: what it was decided by, as the sentence states it.
        text: a sentence with the number and what to do.
    """

    kind: str
    columns: tuple[str, ...]
    number: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the warning as in result.json.

        Example:
            >>> TableWarning("few rows", (), 36, "Only 36 test rows measure.").to_dict()["columns"]
            []
        """
        return asdict(self) | {"columns": list(self.columns)}


# Looks at one split; features only of its training rows.
Guard = Callable[["Split"], Iterable[TableWarning]]
