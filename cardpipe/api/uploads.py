"""Pictures on their way in: judged in the darkroom, kept by their digest; and uploads that need no key.

A planned upload is a text that carries its own terms (whose, for what, how large, until when), signed with the
installation's secret: nothing of it is stored until bytes come. In a bucket they wait for :func:`finish` to judge them;
on this API they are judged while they are sent, and only what is good is kept. What waits for ``finish`` there is a
file of what was seen, with no picture in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cardpipe.api import shapes
from cardpipe.model.errors import Bug, Conflict, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.pipeline import pictures
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.wiring import Shop

if TYPE_CHECKING:
    from cardpipe.storage.bucket import BucketArtifacts

#: How long bytes may be sent, and how long after that an upload may be finished.
OPEN_SECONDS, FINISH_SECONDS = 600, 3600

_SIGNED = 32  # figures of the signature: 128 bits
_TEXT = re.compile(
    r"(?P<body>upl_(?P<name>[0-9a-f]{24})\.(?P<tenant>[a-z0-9][a-z0-9-]{0,63})\.(?P<mode>live|test)"
    r"\.(?P<use>photo|signature)\.(?P<most>[0-9]{1,9})\.(?P<until>[0-9]{1,12}))\.(?P<mac>[0-9a-f]{32})"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One planned upload: whose, under which name, for which use, at most how many bytes, until when (Unix time)."""

    scope: Scope
    name: str
    use: str
    most: int
    until: int
    text: str

    @property
    def expires_at(self) -> str:
        """ISO 8601, UTC."""
        return dt.datetime.fromtimestamp(self.until, dt.UTC).isoformat().replace("+00:00", "Z")


def keep(house: Shop, scope: Scope, data: bytes, use: str) -> tuple[shapes.PictureShape, bool]:
    """Judge a picture in the darkroom and store it; whether it is new. Raises Refused with every finding."""
    kept = pictures.keep(house, scope, data, cast("pictures.Use", use))
    facts = kept.facts
    shape = shapes.PictureShape(
        picture=kept.ref, bytes=len(data), format=facts.format, width=facts.width, height=facts.height,
        mode=facts.mode, has_icc=facts.has_icc, orientation=facts.orientation, findings=shapes.findings(kept.findings),
    )  # fmt: skip
    return shape, kept.fresh


def plan(house: Shop, scope: Scope, use: str, most: int) -> tuple[Upload, str, dict[str, str]]:
    """A new upload, the address to PUT it to, and the headers to send."""
    if not 1 <= most <= MAX_BYTES:
        raise Bug(f"an upload of {most} bytes was planned")
    until = int(house.clock.now().timestamp()) + OPEN_SECONDS
    name = secrets.token_hex(12)
    body = f"upl_{name}.{scope.tenant}.{scope.mode}.{use}.{most}.{until}"
    made = Upload(scope, name, use, most, until, f"{body}.{_signature(house, body)}")
    if (bucket := _bucket(house)) is not None:
        return made, *bucket.presign_put(scope, name, OPEN_SECONDS)
    return made, f"/v1/pictures/uploads/{made.text}", {}


def read(house: Shop, text: str, scope: Scope | None = None) -> Upload:
    """The upload that this text was given for: to send bytes to, or (``scope``) to be finished by its owner. Raises
    Refused (``upload.unknown``) for another's, an invented one, and one that is over."""
    match = _TEXT.fullmatch(text)
    if match is not None and hmac.compare_digest(match["mac"], _signature(house, match["body"])):
        owner, until = Scope(match["tenant"], match["mode"]), int(match["until"])
        last = until if scope is None else until + FINISH_SECONDS
        if scope in (None, owner) and house.clock.now().timestamp() <= last:
            return Upload(owner, match["name"], match["use"], int(match["most"]), until, text)
    what = error("upload.unknown", "upload", "is none that was planned, or is over", "plan another one")
    raise Refused("there is no such upload", [what])


def put(house: Shop, upload: Upload, data: bytes) -> shapes.PictureShape:
    """Bytes that came to this API. The same again is answered as the first time; raises Conflict (``upload.taken``)
    for others, Refused with every finding, then nothing was kept."""
    if _bucket(house) is not None:
        what = error("upload.elsewhere", "upload", "was planned for the bucket", "PUT it to the address that was given")
        raise Refused("uploads go to the bucket", [what])
    seen = _seen(house, upload)
    if seen is not None:
        if seen.picture == f"sha256:{hashlib.sha256(data).hexdigest()}":
            return seen
        what = error("upload.taken", "upload", "has another picture already", "plan an upload for each picture")
        raise Conflict("this upload was made already", [what])
    shape, _ = keep(house, upload.scope, data, upload.use)
    _note(house, upload, shape)
    return shape


def finish(house: Shop, upload: Upload) -> shapes.PictureShape:
    """The picture that was uploaded, judged and kept. From a bucket it is taken once, and then no more there. Raises
    Refused (``upload.missing``, ``upload.large``, or what is wrong with the picture)."""
    bucket = _bucket(house)
    if bucket is None:
        if (seen := _seen(house, upload)) is not None:
            return seen
        remedy = "PUT the file to the address that was given, or plan another upload"
        what = error("upload.missing", "upload", "nothing good was uploaded to it", remedy)
        raise Refused("the upload is not there", [what])
    try:
        shape, _ = keep(house, upload.scope, bucket.take_upload(upload.scope, upload.name, upload.most), upload.use)
    except Refused as problem:
        if not problem.retried:
            bucket.drop_upload(upload.scope, upload.name)
        raise
    bucket.drop_upload(upload.scope, upload.name)
    return shape


def _bucket(house: Shop) -> BucketArtifacts | None:
    return cast("BucketArtifacts", house.artifacts) if house.settings.artifacts is None else None


def _signature(house: Shop, body: str) -> str:
    return hmac.new(house.secret, f"upload|{body}".encode(), "sha256").hexdigest()[:_SIGNED]


def _place(house: Shop, upload: Upload) -> Path:
    """Beside the artifacts, where every machine that shares their folder finds it."""
    folder = house.settings.artifacts
    if folder is None:
        raise Bug("an upload to a bucket was looked for in a folder")
    return folder / upload.scope.tenant / upload.scope.mode / "uploads" / f"{upload.name}.json"


def _seen(house: Shop, upload: Upload) -> shapes.PictureShape | None:
    try:
        return shapes.PictureShape.model_validate(json.loads(_place(house, upload).read_text()))
    except (FileNotFoundError, ValueError):  # none, or half of one
        return None
    except OSError as problem:
        raise Unavailable(f"The upload cannot be looked for: {os.strerror(problem.errno or 0)}.") from problem


def _note(house: Shop, upload: Upload, shape: shapes.PictureShape) -> None:
    """Write down what was seen, and remove what others left to be finished and did not."""
    place = _place(house, upload)
    beside = place.with_suffix(".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(shape.model_dump_json())
        beside.replace(place)
    except OSError as problem:
        raise Unavailable(f"The upload cannot be noted: {os.strerror(problem.errno or 0)}.") from problem
    over = house.clock.now().timestamp() - OPEN_SECONDS - FINISH_SECONDS
    with suppress(OSError):
        for left in place.parent.iterdir():
            if left.stat().st_mtime < over:
                left.unlink(missing_ok=True)
