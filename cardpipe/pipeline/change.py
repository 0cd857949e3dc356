"""Change: until its piece lies in a batch, an order may be another one. What was approved before is void.

A change is a merge patch (RFC 7396) of the request as it was accepted, judged as a whole and stored as the next
revision, or refused with every finding and nothing stored. The seed of the hand stays: it is the reference's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Order, Scope, differing
from cardpipe.model.override import Override
from cardpipe.model.status import IN_A_BATCH, OrderState
from cardpipe.pipeline.accept import Verdict, prepare, terms
from cardpipe.pipeline.desk import Pictures
from cardpipe.pipeline.override import given
from cardpipe.ports import Shop, StoredOrder

#: Of these only one can be asked for: naming one takes the place of the others.
_INSTEAD = (("mail_on", "arrive_by"), ("photo", "photos", "photo_url", "photo_urls"))
_FETCHED = ("photo_url", "photo_urls")
#: Where the eye rests belongs to the picture that it was said of.
_RESTS = {"photo_focus": ("photo", "photo_url"), "photos_focus": ("photos", "photo_urls")}


def change(
    shop: Shop,
    scope: Scope,
    key: str,
    patch: Mapping[str, Any],
    revision: int,
    pictures: Pictures,
    actor: str,
    overrides: tuple[Override, ...] = (),
) -> Verdict:
    """Judge the changed order and store it as the next revision after ``revision``; ``fresh`` is False where the patch
    changes nothing. What was let pass before, and ``overrides``, hold where they still mean the same. Raises Conflict
    ``order.revision`` where another revision is stored, ``order.change.too_late`` once it lies in a batch, is cancelled
    or erased; Refused for an unknown order."""
    stored = shop.store.order(scope, key)
    _in_time(stored, revision)
    if any(patch.get(name) for name in _FETCHED):
        remedy = "upload the picture and name its digest; only a new order is fetched by a worker"
        what = "cannot be given to an order that exists"
        return _refused(stored, error("picture.url_change", "photo_url", what, remedy))
    asked = merged(stored.request, _with_the_same_photos(stored, patch, again=bool(overrides)))
    if str(asked.get("reference", "")) != stored.reference:
        remedy = "leave it as it is; another reference is another order"
        return _refused(stored, error("order.reference.fixed", "reference", "cannot be changed", remedy))
    before = given(stored)
    under = replace(terms(shop, scope, actor=actor), order_id=stored.id, overrides=(*before, *overrides))
    if not (asked.get("mail_on") or asked.get("arrive_by")):
        under = replace(under, mail_on=stored.mail_on)
    made = prepare(shop, scope, asked, pictures, under, anew=True)
    if made.new is None:
        return Verdict(stored.reference, None, False, made.findings, made.offers)
    added = {each["of"] for each in made.new.spec.get("overrides", ())} - {each.of for each in before}
    if made.new.request_digest == stored.request_digest and not added:
        return Verdict(stored.reference, stored, False, stored.findings)
    made.lay_down(shop, scope)
    fields = differing(stored.request, made.new.request) + (["overrides"] if added else [])
    changed = shop.store.change_order(scope, stored.id, revision, made.new, fields, actor)
    made.lay_down(shop, scope)
    return Verdict(stored.reference, changed, True, made.findings)


def merged(request: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The request with the patch applied: null takes a field away, objects are merged, all else replaces."""
    base = dict(request)
    for group in _INSTEAD:
        if any(patch.get(name) for name in group):
            for name in group:
                if name not in patch:
                    base.pop(name, None)
    whole = _merge(_without_stale_focus(base, patch), patch)
    plain = {name: field.get_default(call_default_factory=True) for name, field in Order.model_fields.items()}
    return {name: value for name, value in whole.items() if value is not None and value != plain.get(name)}


def _with_the_same_photos(stored: StoredOrder, patch: Mapping[str, Any], *, again: bool = False) -> Mapping[str, Any]:
    """A patch that leaves fetched photos alone names them by digest: behind a URL may lie another picture by now.
    ``again``: also where nothing is patched, since it is judged again."""
    fetched = any(stored.request.get(name) for name in _FETCHED)
    if not (patch or again) or not fetched or not stored.pieces or any(name in patch for name in ("photo", "photos")):
        return patch
    kept = {name: f"sha256:{digest}" for name, digest in stored.pieces[0].spec.get("photos", {}).items()}
    return {**patch, "photos": kept, **_renamed_focus(stored.pieces[0].spec.get("focus", {}), list(kept), patch)}


def _renamed_focus(stored: Mapping[str, Any], names: list[str], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Where the eye rests, by the names under which fetched photos go on; the patch has the last word."""
    given = patch.get("photos_focus", {})
    if given is not None and not isinstance(given, Mapping):
        return {}  # the schema says what is wrong with it
    said = {} if given is None else {**stored, **given}
    if "photo_focus" in patch and len(names) == 1:
        said[names[0]] = patch["photo_focus"]
    kept = {"photo_focus": patch["photo_focus"]} if patch.get("photo_focus") and len(names) != 1 else {}
    return {"photos_focus": said, "photo_focus": None, **kept}


def _without_stale_focus(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The request less what it says of pictures that the patch replaces or takes away: it was said of other ones."""
    left = dict(base)
    for focus, pictures in _RESTS.items():
        if not any(left.get(name) or patch.get(name) for name in pictures):
            left.pop(focus, None)  # they are named in the other form now
        for name in pictures:
            given = patch.get(name)
            if name not in patch or not left.get(focus):
                continue
            if isinstance(given, Mapping) and isinstance(left[focus], Mapping):
                before = base.get(name) or {}
                left[focus] = {k: at for k, at in left[focus].items() if k not in given or given[k] == before.get(k)}
            elif given != base.get(name):
                left.pop(focus)
    return left


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(base)
    for name, value in patch.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, Mapping):
            before = whole.get(name)
            whole[name] = _merge(before if isinstance(before, Mapping) else {}, value)
        else:
            whole[name] = value
    return whole


def _in_time(stored: StoredOrder, revision: int) -> None:
    """Said before anything is judged; the store says it again when it writes."""
    where = next((piece.state for piece in stored.pieces if piece.state in IN_A_BATCH), None)
    late = f"its piece is {where}" if where else f"it is {stored.state}"
    if where or stored.state != OrderState.ACCEPTED or stored.erased_at:
        remedy = "ask for its actions: a piece in a batch is ejected or withdrawn by the operator"
        found = error("order.change.too_late", "order", late, remedy)
        raise Conflict("The order cannot be changed any more.", [found])
    if stored.revision != revision:
        found = error("order.revision", "If-Match", f"names revision {revision}; stored is {stored.revision}",
                      "get the order anew, look at what changed, and send the change with its ETag")  # fmt: skip
        raise Conflict("The order was changed meanwhile.", [found])


def _refused(stored: StoredOrder, found: Any) -> Verdict:
    return Verdict(stored.reference, None, False, (found,))


def approve(shop: Shop, scope: Scope, key: str, proof: str, actor: str) -> StoredOrder:
    """The proof of that digest is what shall be printed. Raises Conflict where there is none yet, or another one by
    now; Refused for an unknown order."""
    stored = shop.store.order(scope, key)
    if not proof.startswith("sha256:"):
        found = error("proof.digest", "proof", "is no digest of a proof", "take it from the order's proof")
        raise Refused("No proof was named.", [found])
    return shop.store.approve_order(scope, stored.id, proof, actor)
