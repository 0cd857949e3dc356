"""An order: what a CRM asked for, one card to one recipient. Strict: unknown keys are refused, nothing is guessed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from cardpipe.model.address import Address, Line, clean_message, clean_text

#: A digest of a stored picture, as an order carries it once its pictures are in the artifacts.
PICTURE_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", value):
        raise ValueError("must be lower-case letters, figures and hyphens, such as 'thank-you'")
    return value


def _reference(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]{0,118}[\x21-\x7e])?", value):
        raise ValueError("must be 1 to 120 printable ASCII characters; it is your own id for this order")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a date; write YYYY-MM-DD") from None
    return value


def _focus(value: Any) -> Any:
    pair = isinstance(value, list | tuple) and len(value) == 2
    if not pair or not all(type(share) in (int, float) and 0 <= share <= 1 for share in value):
        raise ValueError("must be two shares between 0 and 1, from the left and from the top, such as [0.5, 0.3]")
    return tuple(float(share) for share in value)


Slug = Annotated[str, BeforeValidator(clean_text), AfterValidator(_slug)]
Day = Annotated[dt.date, BeforeValidator(_day)]
Picture = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(min_length=9, max_length=2000, pattern=r"^https?://[\x21-\x7e]+$")]

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
#: Where the eye rests in a picture as it is seen: shares of its width from the left, of its height from the top.
Focus = Annotated[
    tuple[float, float],
    BeforeValidator(_focus),
    WithJsonSchema({"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2}),
]


class Scope(NamedTuple):
    """Whose data, and whether it may ever be printed. Every table, key and artifact path carries both."""

    tenant: str = "local"
    mode: str = "live"


class Order(BaseModel):
    """One card to one recipient.

    ``photos`` names a picture for each frame of the design (``photo`` is the short form for the only or first one).
    A picture is ``sha256:…`` of an uploaded one; from the command line alone it may be a path below the order file.
    ``inserts`` are codes of what else goes into the envelope; ``seed`` marks a card to ourselves, by which we see what
    arrives and when. ``photo_urls`` (and its short form) name pictures that a worker fetches, where the operator
    switched that on. ``arrive_by`` is asked instead of a mail date; ``occasion_date`` is the day that is celebrated:
    two cards to one person for one occasion are told apart by it. ``approval``: nothing is printed before its proof
    is approved. ``photo_focus`` says where the eye rests in ``photo`` (or ``photo_url``), ``photos_focus`` the same by
    name for ``photos`` (or ``photo_urls``): the crop is centred there, whatever faces are found.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reference: Annotated[str, BeforeValidator(clean_text), AfterValidator(_reference)]
    occasion: Slug
    design: Slug | None = None
    recipient: Address
    sender: Address
    message: Annotated[str, BeforeValidator(clean_message), Field(min_length=1, max_length=4000)]
    hand: Slug | None = None
    strength: Literal["none", "subtle", "natural", "lively"] | None = None  # of the hand's disorder; natural
    ink: Slug | None = None
    photos: dict[str, Picture] = Field(default_factory=dict, max_length=4)
    photo: Picture | None = None
    signature: Picture | None = None
    mail_on: Day | None = None
    metadata: dict[str, Line] = Field(default_factory=dict, max_length=20)
    inserts: list[Slug] = Field(default_factory=list, max_length=5)
    seed: bool = False
    photo_urls: dict[str, Url] = Field(default_factory=dict, max_length=4)
    photo_url: Url | None = None
    arrive_by: Day | None = None
    occasion_date: Day | None = None
    approval: Literal["none", "required"] | None = None
    photos_focus: dict[str, Focus] = Field(default_factory=dict, max_length=4)
    photo_focus: Focus | None = None

    @model_validator(mode="after")
    def _one_way_to_name_a_photo(self) -> Order:
        if self.photo is not None and self.photos:
            raise ValueError("give either photo (the short form) or photos by frame name, not both")
        if self.photo_url is not None and self.photo_urls:
            raise ValueError("give either photo_url (the short form) or photo_urls by frame name, not both")
        both = sorted(set(self.photos) & set(self.photo_urls)) or (self.photo and self.photo_url)
        if both or (self.photo and self.photo_urls) or (self.photo_url and self.photos):
            raise ValueError("give each photo either as an uploaded picture or as a URL, and all in the same form")
        if self.mail_on is not None and self.arrive_by is not None:
            raise ValueError("give either mail_on or arrive_by, not both")
        return self

    def digest(self) -> str:
        """SHA-256 of what was asked for: the same order sent again has the same digest, also to a later version that
        knows more fields (what is not given is not digested)."""
        return digest(self.model_dump(mode="json", exclude_defaults=True))


def canonical(value: Any) -> bytes:
    """JSON with one spelling: sorted keys, no blanks, UTF-8. Equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> str:
    """SHA-256, in hexadecimal, of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def differing(old: Any, new: Any, where: str = "") -> list[str]:
    """The paths, and never the values, of the fields in which two requests differ."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [where]
    names = sorted(old.keys() | new.keys())
    return [found for name in names for found in differing(old.get(name), new.get(name), f"{where}.{name}".lstrip("."))]


def seed(tenant: str, reference: str, panel: str) -> bytes:
    """What a piece's handwriting varies by. Never a random id: a remake must be the same card."""
    return hashlib.sha256(b"\0".join(part.encode() for part in ("cardpipe", tenant, reference, panel))).digest()
