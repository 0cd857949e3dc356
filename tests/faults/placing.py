"""What the customers of a drill want: orders of many kinds, each unlike every other in all that will be printed.

A photo is a QR code that says whose it is, so that a stranger can read it off the finished card. A message is words of
the order's own; its handwriting is drawn, not set, and ``reading`` compares it with what these words must look like.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image

TENANTS = ("alder", "birch")
#: What happens to an order, and how often of a hundred. Some make others: see :func:`wishes`.
KINDS = {
    "plain": 30, "imported": 8, "twice": 10, "changed": 14, "photo changed": 6, "cancelled": 8, "held": 5, "resumed": 7, "test": 6,
    "second": 2, "allowed": 2, "approved": 3, "unapproved": 1,
}  # fmt: skip
SENDER = {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"}
_FIRST = ("Ab", "Be", "Co", "Da", "Em", "Fa", "Gi", "Ha", "Iv", "Jo", "Ka", "Lu", "Ma", "Ne", "Ol", "Pe", "Ro", "Sa",
          "Ti", "Vi")  # fmt: skip
_NEXT = ("ba", "den", "lo", "mir", "na", "pol", "ra", "sten", "to", "vik")
_WORDS = ("evening", "garden", "letter", "window", "summer", "table", "bread", "bicycle", "river", "lamp", "orchard",
          "story", "train", "kettle", "snow", "harbor", "song", "coat", "walk", "visit")  # fmt: skip


@dataclass
class Wish:
    """One order as its customer wants it. ``version`` counts his changes from 1; ``fate`` is what he was last told:
    ``printed``, or why not. ``id`` is what he was answered with."""

    number: int
    tenant: str
    kind: str
    photo: bool
    twin: int = 0  # the number of the order that this one looks like
    version: int = 1
    fate: str = "unanswered"
    id: str = ""
    complaints: list[str] = field(default_factory=list)

    @property
    def mode(self) -> str:
        return "test" if self.kind == "test" else "live"

    @property
    def reference(self) -> str:
        """Both tenants count from 1: the same reference is two orders."""
        return f"R-{self.number // len(TENANTS):05d}" if self.mode == "live" else f"T-{self.number:05d}"

    @property
    def name(self) -> str:
        """A name that nobody else has, in letters."""
        number, last = self.twin or self.number, ""
        first = f"{_FIRST[number % 20]}{_NEXT[number // 20 % 10]}"
        for _ in range(4):
            number, rest = divmod(number, 10)
            last += _NEXT[rest]
        return f"{first} {last.capitalize()}"

    @property
    def says(self) -> str:
        """What the picture says."""
        return f"{self.tenant}/{self.mode}/{self.reference}/v{self.picture_version}"

    @property
    def picture_version(self) -> int:
        return self.version if self.kind == "photo changed" else 1

    def picture(self) -> bytes:
        """The photo: its QR code on white, large enough for any frame."""
        code = zxingcpp.create_barcode(self.says, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        made = Image.fromarray(np.array(code.to_image(scale=1))).convert("L")
        side = 640 // made.width * made.width
        page = Image.new("L", (1600, 1700), 235)
        page.paste(made.resize((side, side), Image.Resampling.NEAREST), ((1600 - side) // 2, (1500 - side) // 2))
        out = io.BytesIO()
        page.convert("RGB").save(out, "PNG")
        return out.getvalue()

    def message(self) -> str:
        rng = random.Random(f"{self.tenant} {self.number} {self.version}")
        words = " ".join(rng.choices(_WORDS, k=rng.randint(4, 30)))
        return (
            f"Dear {{first_name}},\n\nThank you for evening number {self.number}: {words}. Take {self.version}.\n\nJune"
        )

    def body(self, mail_on: str, digest: str = "") -> dict[str, Any]:
        """The order as it is handed in; ``digest`` is its photo's."""
        number = self.twin or self.number
        made: dict[str, Any] = {
            "reference": self.reference, "occasion": "thank-you", "design": "thank-you-fern", "mail_on": mail_on,
            "recipient": {"name": self.name, "street": f"{number} Main St", "city": "Tucson", "state": "AZ",
                          "postcode": f"{85701 + number % 50}", "country": "US"},
            "sender": SENDER, "message": self.message(),
        }  # fmt: skip
        if self.photo:
            made |= {"design": "congratulations-bravo", "occasion": "congratulations", "photo": digest}
        if self.kind in ("approved", "unapproved"):
            made["approval"] = "required"
        return made


def wishes(count: int, seed: int, kinds: dict[str, int] | None = None) -> list[Wish]:
    """So many orders of every kind, drawn anew for each seed; every fourth or so has a photo."""
    rng, made = random.Random(seed), []
    kinds = kinds or KINDS
    deck = [kind for kind, share in kinds.items() for _ in range(max(1, round(share * count / sum(kinds.values()))))]
    rng.shuffle(deck)
    deck = (deck + rng.choices(list(kinds), weights=list(kinds.values()), k=count))[:count]
    for number, kind in enumerate(deck, 1):
        tenant = TENANTS[number % len(TENANTS)]
        photo = kind == "photo changed" or (kind != "imported" and rng.random() < 0.25)
        wish = Wish(number, tenant, kind, photo)
        if kind in ("second", "allowed"):
            first = [other for other in made if other.tenant == tenant and other.kind == "plain" and not other.twin]
            first = [other for other in first if all(other.number != again.twin for again in made)]
            if first:
                wish.twin, wish.photo = first[-1].number, first[-1].photo
            else:
                wish.kind = "plain"
        made.append(wish)
    return made
