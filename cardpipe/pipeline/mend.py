"""Mending: a refused row with other words or pictures, or with something let pass, is judged again by a worker.

What can be said without a worker is said at once: then the row is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.intake import Row
from cardpipe.model.order import PICTURE_DIGEST, Order, Scope
from cardpipe.model.override import Override
from cardpipe.pipeline.accept import schema_findings
from cardpipe.pipeline.change import merged
from cardpipe.ports import Shop

_AS_IT_WAS = "the change was refused; the order is as it was"
_NOTHING = "the order was refused; nothing was stored"
_UPLOAD_FIRST = "send the picture to POST /v1/pictures and write the sha256:… that it answers"


def mend(shop: Shop, row: Row, patch: Mapping[str, Any], actor: str, overrides: Sequence[Override] = ()) -> Row:
    """A refused row with the patch applied (RFC 7396, as in ``change``), to be judged again. Raises Refused with every
    finding, Conflict where it is not refused any more."""
    asked = merged(row.request, patch)
    order = readable(asked, _AS_IT_WAS)
    if order.reference != row.reference and row.reference and row.import_id is None:
        remedy = "leave it as it is; another reference is another order"
        found = error("order.reference.fixed", "reference", "cannot be changed", remedy)
        raise Refused(_AS_IT_WAS, [found])
    wrong = uploads(shop, row.scope, order) if row.import_id is None else []  # a row of a ZIP names what lies in it
    if wrong := [*wrong, *urls(shop, asked)]:
        raise Refused(_AS_IT_WAS, wrong)
    return shop.store.mend_row(row.scope, row.id, asked, actor, overrides)


def readable(data: Mapping[str, Any], said: str = _NOTHING) -> Order:
    """The order that the data is. Raises Refused with everything that the schema says of it."""
    try:
        return Order.model_validate(dict(data))
    except ValidationError as problem:
        raise Refused(said, schema_findings(problem)) from None


def uploads(shop: Shop, scope: Scope, order: Order) -> list[Finding]:
    """What is wrong with the uploaded pictures that an order names beside its URLs."""
    named = {f"photos.{name}": ref for name, ref in order.photos.items()}
    named |= {name: ref for name in ("photo", "signature") if (ref := getattr(order, name)) is not None}
    found = []
    for where, ref in named.items():
        if not PICTURE_DIGEST.match(ref):
            found.append(no_digest(where))
        elif not shop.artifacts.has(scope, ref.removeprefix("sha256:")):
            found.append(error("picture.unknown", where, "was never uploaded", _UPLOAD_FIRST))
    return found


def no_digest(where: str) -> Finding:
    """The finding for what an order names and is no picture of ours. The name is not repeated: it may be a path."""
    return error("picture.not_uploaded", where, "is no digest of a picture", _UPLOAD_FIRST)


def urls(shop: Shop, data: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with the URLs of photos: they may be switched off here, or be none that may be called."""
    return [found for where, url in by_url(data) for found in shop.judge_photo_url(url, where)]


def by_url(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, URL) of the photos that are named by one. What is no text is the schema's to refuse."""
    if isinstance(url := data.get("photo_url"), str):
        yield "photo_url", url
    if isinstance(several := data.get("photo_urls"), Mapping):
        yield from ((f"photo_urls.{name}"[:80], url) for name, url in several.items() if isinstance(url, str))
