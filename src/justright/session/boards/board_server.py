"""TensorBoard's own program on a study's event files, in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.records.folder import StudyFolder

HOST = "localhost"  # seen from this machine only, unless somebody asks for more


def serve_board(folder: Path | str, *, port: int | None = None, host: str | None = None, **flags: Any) -> str:
    """Start TensorBoard on a study folder, in a thread that ends with this process, and return its address.

    Args:
        folder: the study folder, finished or not: what is trained meanwhile appears.
        port: where it listens; 0 takes any free port, None the first free one from TensorBoard's usual 6006 on.
        host: the name or address of the interface it listens on; None is localhost.
        flags: further flags of TensorBoard by their names, for instance `reload_interval=5.0`.

    Raises:
        FolderError: the folder holds no study, or a link.
        InputError: TensorBoard cannot listen there.
    """
    study, host = StudyFolder.open(folder, "read"), host or HOST
    from tensorboard import default, program  # after the folder: it takes seconds

    board = program.TensorBoard(plugins=default.get_plugins())
    board.configure(logdir=str(study.tensorboard_path), port=port, host=host, **flags)
    said = io.StringIO()  # a note on how it reads files, or why it cannot listen
    try:
        with redirect_stderr(said):
            address: str = board.launch()
    except (program.TensorBoardServerException, OSError, SystemExit) as error:  # its server exits
        last = said.getvalue().strip().rpartition("\n")[2]
        reason = str(getattr(error, "msg", "")) or last or str(error)
        place = f"host {host!r}" + ("" if port is None else f" and port {port}")
        raise InputError(
            f"TensorBoard must be able to listen at {place}; it is not: {reason}. Give another `port` or `host`."
        ) from None
    return address
