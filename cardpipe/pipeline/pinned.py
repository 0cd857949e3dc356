"""What an accepted order pinned, brought back from its bytes; and the last few of them kept open.

A worker composes many cards of few designs, hands and signatures, so each is opened once. Keys are digests within a
tenant and mode: what is found under one is what was put there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.finding import Finding
from cardpipe.model.order import Scope
from cardpipe.pipeline.override import COARSE
from cardpipe.ports import DesignSource, FontSource, Shop
from cardpipe.preflight import piece
from cardpipe.prepress.font import Font
from cardpipe.prepress.format import Format
from cardpipe.prepress.fragment import Part
from cardpipe.prepress.merge import Shared
from cardpipe.prepress.pdf import art_parts
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
from cardpipe.prepress.picture import PictureFacts
from cardpipe.prepress.press import Press
from cardpipe.prepress.signature import LiftedSignature, SignatureOrder
from cardpipe.prepress.typeset import Layout

T = TypeVar("T")


class Recent:
    """The last few things made, by key; what was longest not asked for goes when there are too many, or where ``weigh``
    tells their bytes, when they weigh too much. What cannot be made is not remembered."""

    def __init__(self, most: int, weigh: Callable[[Any], int] = lambda made: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._held = 0
        self._lock = threading.Lock()  # the API's threads ask too
        self._made: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def get(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What was made under this key, or what ``make`` makes now; two who ask at once may both make it."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                found: T = self._made[key]
                return found
        made = make()
        with self._lock:
            if key not in self._made:
                self._made[key] = made
                self._held += self._weigh(made)
            while self._held > self._most:
                self._held -= self._weigh(self._made.popitem(last=False)[1])
        return made

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._made.clear()
            self._held = 0


_recent = Recent(64)
#: A campaign sends one photo on thousands of cards: some fifty panels, beside the 600 MB that a worker may take.
_photos = Recent(32_000_000, lambda photo: len(photo.jpeg))
#: And one message, where it names nobody.
_layouts = Recent(16)
_facts = Recent(512)


def design(shop: Shop, scope: Scope, spec: dict[str, Any]) -> DesignSource:
    """The design as it was when the order was accepted."""
    name, files = spec["design"]["name"], spec["design"]["files"]
    return _recent.get(
        ("design", *scope, name, *sorted(files.values())),
        lambda: shop.catalog.design_from(name, {f: shop.artifacts.get(scope, d) for f, d in sorted(files.items())}),
    )


def font(shop: Shop, scope: Scope, pin: dict[str, str]) -> FontSource:
    """A font as it was when the order was accepted."""
    return _recent.get(
        ("font", *scope, pin["settings"], pin["file"]),
        lambda: shop.catalog.font_from(
            shop.artifacts.get(scope, pin["settings"]), shop.artifacts.get(scope, pin["file"])
        ),
    )


def forget() -> None:
    """Forget pictures and messages, as a worker that was just started: what follows is made anew."""
    for made in (_photos, _layouts, _facts):
        made.clear()


def layout(spec: dict[str, Any]) -> Format:
    """The format as it was when the order was accepted."""
    return Format.from_dict(spec["format"])


def signature(shop: Shop, scope: Scope, digest: str, order: SignatureOrder, data: bytes = b"") -> LiftedSignature:
    """The ink of a signature, lifted once for the many cards that carry it. Raises Refused like ``darkroom.lift``."""
    return _recent.get(
        ("signature", *scope, digest, str(order.width_pt), str(order.height_pt)),
        lambda: shop.darkroom.lift(data or shop.artifacts.get(scope, digest), order),
    )


def photo(shop: Shop, scope: Scope, spec: dict[str, Any], digest: str, order: PhotoOrder) -> DevelopedPhoto:
    """A photo as it is placed, developed once for the many cards that carry it. Raises Refused like
    ``darkroom.develop``."""
    return _photos.get(
        ("photo", *scope, digest, repr(order), spec["profile"]),
        lambda: shop.darkroom.develop(shop.artifacts.get(scope, digest), order),
    )


def facts(shop: Shop, scope: Scope, digest: str, where: str, data: bytes) -> PictureFacts:
    """What is to be said of a photo of that digest, judged once for its upload and the many orders that name it. Raises
    Refused like ``darkroom.judge``."""
    found = _facts.get(("facts", *scope, digest), lambda: shop.darkroom.judge(data, where))
    return replace(found, findings=tuple([replace(finding, where=where) for finding in found.findings]))


def message(
    scope: Scope, spec: dict[str, Any], signed: bool, fit: Callable[[], Layout | list[Finding]]
) -> Layout | list[Finding]:
    """A message laid out in its panel, once for the many cards that carry the same words; each is written anew."""
    faces = [face[part] for face in spec["hand"]["faces"] for part in ("settings", "file")]
    drawn = sorted(spec["design"]["files"].items())
    return _layouts.get(("message", *scope, spec["message"], str(signed), *faces, "design", *drawn), fit)


def press(spec: dict[str, Any]) -> Press:
    """The press profile as it was when the order was accepted; its ICC profile is pinned beside it."""
    return Press.model_validate(spec["press"])


def least_ppi(spec: dict[str, Any], photo: str) -> int:
    """The fewest pixels per inch that a photo may have. Where one of them was let pass, the press that is pinned asks
    for less, and of the others as much as ever."""
    strict = spec.get("photo_minimum_ppi")
    passed = {each["where"] for each in spec.get("overrides", ()) if each["code"] == COARSE}
    return int(strict if strict and f"photos.{photo}" not in passed else spec["press"]["photo_minimum_ppi"])


def focus(spec: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Where the eye rests in each photo of which the order said it; an order from before this was asked said none."""
    return {name: (at[0], at[1]) for name, at in spec.get("focus", {}).items()}


def mailing(spec: dict[str, Any]) -> Mailing:
    """How the shop posted when the order was accepted; an order from before this was pinned was posted plainly."""
    return Mailing.model_validate(spec.get("mailing", {}))


def profile(shop: Shop, scope: Scope, spec: dict[str, Any]) -> bytes:
    """The press's ICC profile as it was when the order was accepted."""
    digest = spec["profile"]
    return _recent.get(("profile", *scope, digest), lambda: shop.artifacts.get(scope, digest))


def inserts(spec: dict[str, Any]) -> list[Insert]:
    """What goes into the envelope beside the card."""
    return [Insert.model_validate(insert) for insert in spec.get("inserts", [])]


def measures(spec: dict[str, Any]) -> tuple[float, float]:
    """What a piece weighs in grams and how thick it is in millimetres: card, envelope and inserts."""
    card, more = layout(spec), inserts(spec)
    weight = card.weight_g + sum(insert.weight_g for insert in more)
    return weight, card.thickness_mm + sum(insert.thickness_mm for insert in more)


def shared(shop: Shop, scope: Scope, spec: dict[str, Any]) -> Shared:
    """How a merge finds what its pieces lean on: all of it by digest, from where it was pinned."""
    media = layout(spec).media

    def art(digest: str) -> list[Part]:
        return art_parts(shop.artifacts.get(scope, digest), media, "design art")

    def face(digest: str) -> tuple[Font, str]:
        if digest == spec["printed"]["file"]:
            found = font(shop, scope, spec["printed"])
            return found.face.font, "".join(part.capitalize() for part in found.name.split("-"))
        return Font(shop.artifacts.get(scope, digest)), "Pinned"

    return Shared(art, face, lambda digest: shop.artifacts.get(scope, digest))


def stand_ins(shop: Shop, scope: Scope, spec: dict[str, Any]) -> Shared:
    """The same for a throw-away file of one piece: what only says who it is is kept, not read for every piece."""
    slight = piece.stand_ins(shared(shop, scope, spec))
    return Shared(
        slight.art,
        slight.font,
        lambda digest: _recent.get(("icc", *scope, digest), lambda: slight.icc(digest)),
        slight.subset,
    )
