"""What the API answers, as shapes that its OpenAPI description shows. No addresses, no words of a message.

Here is what several doors show; orders have :mod:`cardpipe.api.shapes_orders`, the others
:mod:`cardpipe.api.shapes_doors`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from cardpipe.model.batch import Batch
from cardpipe.model.finding import Finding


class FindingShape(BaseModel):
    """One remark: ``code`` is eternal, ``remedy`` says what to do."""

    level: str
    code: str
    where: str
    message: str
    remedy: str


class ProblemShape(BaseModel):
    """RFC 9457, with every finding at once. ``error`` is refused, conflict, unavailable or bug; ``code`` that of the
    first finding, empty where there is none."""

    type: str
    title: str
    status: int
    error: str
    code: str
    detail: str
    request_id: str
    findings: list[FindingShape]


class PictureShape(BaseModel):
    """A stored picture: what orders name it by, and what was seen without decoding it."""

    picture: str = Field(examples=["sha256:" + 64 * "0"])
    bytes: int
    format: str
    width: int
    height: int
    mode: str
    has_icc: bool
    orientation: int
    findings: list[FindingShape]


class FileShape(BaseModel):
    """A finished file, and where to get it."""

    name: str
    sha256: str
    size: int
    href: str


class BatchShape(BaseModel):
    """Pieces that go to press together."""

    name: str
    id: str
    state: str
    mail_on: str
    format: str
    press: str
    carrier: str
    house: str
    pieces: int
    revision: int
    held: str | None
    files: list[FileShape]


class BatchesShape(BaseModel):
    """Batches, oldest first. ``next`` is the cursor of the next page, null on the last one."""

    batches: list[BatchShape]
    next: str | None


class CancelShape(BaseModel):
    """Why: it stands in the log, so no names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(min_length=1, max_length=200)


def findings(found: Iterable[Finding]) -> list[FindingShape]:
    """Findings as they are shown."""
    return [FindingShape(**finding.as_dict()) for finding in found]


def batch(stored: Batch) -> BatchShape:
    """A batch as it is shown."""
    files = [
        FileShape(name=f.name, sha256=f.sha256, size=f.size, href=f"/v1/batches/{stored.name}/files/{f.name}")
        for f in stored.files
    ]
    return BatchShape(
        name=stored.name, id=stored.id, state=str(stored.state), mail_on=stored.mail_on, format=stored.format,
        press=stored.press, carrier=stored.carrier, house=stored.house, pieces=stored.pieces, revision=stored.revision,
        held=stored.held, files=files,
    )  # fmt: skip
