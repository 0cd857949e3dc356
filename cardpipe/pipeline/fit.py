"""Fit: whether a message fits a design in a hand, before anything is ordered, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cardpipe.model.address import Address, Line, clean_message
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Order, Slug
from cardpipe.model.units import to_mm
from cardpipe.ports import Shop
from cardpipe.prepress import card, fields
from cardpipe.prepress.typeset import Hand, Layout
from cardpipe.prepress.wording import missing

_NOBODY = {"name": "Somebody", "street": "1 Main St", "city": "Salem", "state": "MA", "postcode": "01970"}


class Trial(BaseModel):
    """Words to be tried. Merge fields are filled from ``recipient_name``, ``sender_name`` and ``metadata``; what is not
    given is filled with a sample of its own length. ``signature``: one is to stand below the words."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    message: Annotated[str, BeforeValidator(clean_message), Field(min_length=1, max_length=4000)]
    occasion: Slug = "just-because"
    design: Slug | None = None
    hand: Slug | None = None
    signature: bool = False
    recipient_name: Line = ""
    sender_name: Line = ""
    metadata: dict[str, Line] = Field(default_factory=dict, max_length=20)


@dataclass(frozen=True, slots=True)
class Missing:
    """A character that the hand cannot write, by line and column of the written text, from 1."""

    character: str
    code: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether it fits, and how: lines as they break, the x-height it gets and the smallest it may get, the height it
    takes and the height there is, all in millimetres. ``missing`` and ``findings`` say why it does not."""

    fits: bool
    design: str
    hand: str
    lines: tuple[str, ...]
    x_height_mm: float | None
    smallest_mm: float
    largest_mm: float
    height_mm: float | None
    room_mm: float
    missing: tuple[Missing, ...]
    findings: tuple[Finding, ...]


def fit(shop: Shop, trial: Trial) -> Fit:
    """Try the words. Raises Refused for an unknown design or hand, and for merge fields that nothing fills."""
    catalog = shop.catalog
    source = catalog.design(trial.design or catalog.design_for(trial.occasion))
    design = source.design
    name = trial.hand or design.hand
    if name not in catalog.hands():
        remedy = f"choose one of: {', '.join(catalog.hands())}"
        raise Refused("No such hand.", [error("order.hand", "hand", f"there is no hand {name!r}", remedy)])
    chain = catalog.hand(name)
    hand = Hand(name, tuple(font.face for font in chain))
    text, findings = fields.merge(_as_order(trial))
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        raise Refused("The message cannot be filled.", errors)
    frame = design.one("message")
    if frame is None:
        raise Refused("No words.", [error("design.no_message", "design", f"{design.name} has no place for words")])
    room = card.text_frame(design, frame, trial.signature)
    made = card.fit_message(design, hand, text, trial.signature)
    lacking = tuple(Missing(c, f"U+{ord(c):04X}", line, column) for c, line, column in missing(text, hand))
    common = {"design": design.name, "hand": name, "smallest_mm": _mm(room.smallest), "largest_mm": _mm(room.largest)}
    if isinstance(made, Layout):
        lines = tuple(" ".join(word.text for _, word in line.words) for line in made.lines)
        return Fit(True, lines=lines, x_height_mm=_mm(made.x_height), height_mm=_mm(made.height),
                   room_mm=_mm(room.height), missing=lacking, findings=tuple(findings), **common)  # type: ignore[arg-type]  # fmt: skip
    return Fit(False, lines=(), x_height_mm=None, height_mm=None, room_mm=_mm(room.height), missing=lacking,
               findings=(*findings, *made), **common)  # type: ignore[arg-type]  # fmt: skip


def _mm(points: float) -> float:
    return round(to_mm(points), 2)


def _as_order(trial: Trial) -> Order:
    """As much of an order as merge fields look at."""
    return Order(
        reference="fit", occasion=trial.occasion, message=trial.message, metadata=trial.metadata,
        recipient=Address(**{**_NOBODY, **({"name": trial.recipient_name} if trial.recipient_name else {})}),
        sender=Address(**{**_NOBODY, **({"name": trial.sender_name} if trial.sender_name else {})}),
    )  # fmt: skip
