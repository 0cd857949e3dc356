"""The installation's secret: what keyed hashes, webhook secrets and signed links are made with. One for each database.

On one machine it lies in the data folder, made once and readable by nobody else. Lost, nothing is printed wrongly:
webhooks have to be given new secrets, and likely duplicates of earlier orders are not seen any more.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cardpipe.model.errors import Unavailable

NAME = "secret"


def own_secret(data: Path) -> bytes:
    """The secret of this data folder, made when it is first asked for. Whoever comes second gets what the first made.
    Raises Unavailable where it cannot be read or written."""
    place = data / NAME
    try:
        if not place.exists():
            _make(data, place)
        found = place.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unavailable(
            f"the secret of the data folder cannot be read or written ({type(problem).__name__})"
        ) from None
    if len(found) < 32:
        raise Unavailable("the secret of the data folder is damaged: restore the file from its backup")
    return found.encode()


def _make(data: Path, place: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    beside = data / f".{NAME}-{secrets.token_hex(8)}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody was faster: theirs is the one
            os.link(beside, place)
        folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        beside.unlink(missing_ok=True)
