"""A design's lock: what its files were when it was last proofed, so that a change cannot hide behind an old version.

``digests.toml`` is written by ``cardpipe design proof`` beside the design and belongs into version control.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cardpipe.catalog.designs import DesignFolder
from cardpipe.model.finding import Finding, error, note
from cardpipe.prepress.art import KINDS

FILE = "digests.toml"
_HEAD = "# Written by `cardpipe design proof`, never by hand. A change of these files needs a higher version.\n"


class Lock(BaseModel):
    """What the file says: a version, and the SHA-256 of each file that a card of that version is made from."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: int = Field(ge=1)
    sha256: dict[str, str]


def judge(source: DesignFolder, folder: Path) -> list[Finding]:
    """Whether the design is what was proofed, or has a higher version."""
    where = f"designs/{source.design.name}/{FILE}"
    again = f"run 'cardpipe design proof {source.design.name}'"
    try:
        lock = Lock.model_validate(tomllib.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return [note("design.proof.none", where, "the design was never proofed", again)]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as problem:
        said = str(problem).splitlines()[0]
        return [error("design.lock.unreadable", where, f"cannot be read: {said}", "fetch it from version control")]
    version = source.design.version
    if version < lock.version:
        return [
            error("design.version", where, f"version {version} is older than the proofed {lock.version}", "raise it")
        ]
    changed = sorted(
        name for name in {*lock.sha256, *source.digests} if lock.sha256.get(name) != source.digests.get(name)
    )
    if not changed:
        return []
    if version > lock.version:
        return [note("design.proof.old", where, f"its proofs show version {lock.version}, not {version}", again)]
    what = f"{', '.join(_as_saved(name, source) for name in changed)} changed and the version is still {version}"
    remedy = f"write version = {version + 1}; where {version} was never printed, delete {FILE} instead; then {again}"
    return [error("design.version", where, what, remedy)]


def text(source: DesignFolder) -> str:
    """The lock of a design as it is."""
    rows = "".join(f'"{name}" = "{digest}"\n' for name, digest in source.digests.items())
    return f"{_HEAD}version = {source.design.version}\n\n[sha256]\n{rows}"


def _as_saved(name: str, source: DesignFolder) -> str:
    """A file as its artist knows it: a page that was made says of what."""
    stem, _, kind = name.rpartition(".")
    saved = next((f"{stem}.{other}" for other in KINDS if f"{stem}.{other}" in source.files), "")
    return f"the page of {saved}" if saved and kind == "pdf" else name
