"""What a call is refused with, for tests of whole messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from justright.errors import InputError


def refusal(
    function: Callable[..., Any], *arguments: Any, error: type[Exception] = InputError, **options: Any
) -> str:
    """Return the message of the error that this call must raise."""
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)
