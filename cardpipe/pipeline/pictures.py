"""Pictures on their way in: looked at in the darkroom, and kept by their digest once they are good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, Level, error, has_errors
from cardpipe.model.order import Scope
from cardpipe.pipeline import pinned
from cardpipe.ports import Shop
from cardpipe.prepress.picture import MAX_BYTES
from cardpipe.prepress.signature import SignatureOrder

if TYPE_CHECKING:
    from cardpipe.prepress.picture import PictureFacts

Use = Literal["photo", "signature"]

#: The box in which ink is looked for: that of most designs, 52 mm by 17 mm. How many dots an inch it has at the
#: ordered design's own size is judged with the order; here it is a warning.
_BOX = SignatureOrder(147.4, 48.2)


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that was judged and kept: ``ref`` (``sha256:…``) is how orders name it; ``fresh``: it was not here."""

    ref: str
    facts: PictureFacts
    findings: tuple[Finding, ...]
    fresh: bool


def keep(shop: Shop, scope: Scope, data: bytes, use: Use, where: str = "picture") -> KeptPicture:
    """Judge a picture and store it. Raises Refused with every finding; then nothing was stored."""
    if len(data) > MAX_BYTES:
        what = f"has {len(data) / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:g} MB are taken"
        remedy = "send a JPEG of the same picture, or a smaller one"
        raise Refused("The picture is too large.", [error(f"{use}.file_too_large", where, what, remedy)])
    digest = hashlib.sha256(data).hexdigest()
    if use == "photo":
        facts = pinned.facts(shop, scope, digest, where, data)
    else:
        facts = shop.darkroom.judge(data, where, kind=use)
    findings = list(facts.findings)
    if use == "signature" and not has_errors(findings):
        lifted = shop.darkroom.lift(data, replace(_BOX, where=where))
        findings += [replace(found, level=Level.WARNING) for found in lifted.findings]
    if has_errors(findings):
        raise Refused("The picture cannot be used; nothing was stored.", findings)
    fresh = not shop.artifacts.has(scope, digest)
    shop.store.keep_picture(scope, digest, use)  # first: whoever dies now leaves nothing that is never erased
    shop.artifacts.put(scope, data, digest)
    if not shop.artifacts.has(scope, digest):  # it was rubbish until just now, and was removed in between
        shop.artifacts.put(scope, data, digest)
    return KeptPicture(f"sha256:{digest}", facts, tuple(findings), fresh)
