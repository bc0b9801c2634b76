"""Commands as calls from Python, for studies that no command can go on with: their rows were in memory, and stand in no file.

What is advised is written as commands (`advice.COMMAND`). Here they become what works for rows in memory: a call of the study
that its user made, of the estimator that made it, or folders recorded in `model.fit` that are joined.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, Literal

from justright.diagnosis.words.advice import COMMAND

# Who made a study whose rows were in memory.
Maker = Literal["study", "estimator", "recorder"]

VALUE = r"(?:'[^']*'(?:\"'\"'[^']*')*|[\w@%+=:,./-]*[\w@%+=:/-])"  # as shlex.quote writes it, before a sentence's full stop
COMMANDS = re.compile(rf"{re.escape(COMMAND)}(?: --[a-z-]+ {VALUE})*")
STUDY_CALL = 'study.run("DIR"'
JOIN_CALL = 'jr.join(["DIR", "OTHER"], "BOTH")'
JOINED = f"recorded in a folder of its own, then {JOIN_CALL}"
# Options of the command that an estimator has as parameters; what trains beside a network is one of its studies.
PARAMETERS = {"seeds": "seeds", "max_epochs": "max_iter"}
BESIDE = {"study": "quick"}


def with_calls(value: Any, maker: Maker) -> Any:  # noqa: ANN401  # of a summary
    """Return plain values with calls in place of the commands in their texts; a lone command becomes a lone call."""
    if isinstance(value, str):
        return COMMANDS.sub(lambda found: _call(found[0], maker, is_alone=found[0] == value), value)
    if isinstance(value, Mapping):
        return {name: with_calls(one, maker) for name, one in value.items()}
    return [with_calls(one, maker) for one in value] if isinstance(value, list | tuple) else value


def _call(command: str, maker: Maker, *, is_alone: bool) -> str:
    """Return the call that does what a command would.

    Example:
        >>> _call("justright run --out DIR --study remedies --of 'My net'", "study", is_alone=True)
        'study.run("DIR", study="remedies", of="My net")'
        >>> _call("justright run --out DIR --max-epochs 80", "estimator", is_alone=True)
        'estimator.set_params(max_iter=80).fit(X, y)'
    """
    if maker == "recorder":
        return JOIN_CALL if is_alone else JOINED
    words = shlex.split(command.removeprefix(COMMAND))
    given = {
        flag.removeprefix("--").replace("-", "_"): value
        for flag, value in zip(words[::2], words[1::2], strict=True)
    }
    if maker == "study":
        return f"{STUDY_CALL}{''.join(f', {one}' for one in _arguments(given))})"
    known = {PARAMETERS[name]: value for name, value in given.items() if name in PARAMETERS} or BESIDE
    return f"estimator.set_params({', '.join(_arguments(known))}).fit(X, y)"


def _arguments(given: Mapping[str, str]) -> list[str]:
    return [
        f"{name}={value if value.isdecimal() else json.dumps(value, ensure_ascii=False)}"
        for name, value in given.items()
    ]
