"""How this shop posts: what the carrier's data cannot know. Read from ``mailing.toml`` and ``inserts.toml`` of the
shop's own folder; pinned with each order, because it stands on the envelope."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cardpipe.prepress.press import Length

AddressStyle = Literal["ocr", "mixed", "script"]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Permit(_Value):
    """A permit imprint (DMM 604.5): the class of mail, the post office (city and state, or ZIP) and the number."""

    mail_class: Annotated[str, Field(min_length=3, max_length=30)] = "FIRST-CLASS MAIL"
    office: Annotated[str, Field(min_length=2, max_length=30)]
    number: Annotated[str, Field(pattern="^[0-9]{1,6}$")]


class Mailing(_Value):
    """``postage``: *stamp* and *meter* leave the area free, *permit* prints the imprint. ``address_style``: *ocr* is
    plain capitals; *mixed* sets the name in the message's hand and the rest plain; *script* sets all of it in the hand,
    which machines read badly. ``presort``: *first* waits for the house's return file before anything is imposed.
    ``mailer_id`` (6 or 9 figures) and ``service`` (the STID, 3 figures) let the shop print Intelligent Mail barcodes of
    the figures that the presort returned."""

    postage: Literal["stamp", "meter", "permit"] = "stamp"
    permit: Permit | None = None
    address_style: AddressStyle = "ocr"
    presort: Literal["none", "first"] = "none"
    mailer_id: Annotated[str, Field(pattern="^([0-8][0-9]{5}|9[0-9]{8})?$")] = ""
    service: Annotated[str, Field(pattern="^([0-9]{3})?$")] = ""
    endorsement: Annotated[str, Field(max_length=40)] = ""

    @model_validator(mode="after")
    def _a_permit_to_print(self) -> Mailing:
        if self.postage == "permit" and self.permit is None:
            raise ValueError("postage is by permit, and there is no [permit] with office and number")
        return self

    @property
    def presorted(self) -> bool:
        """Whether the house sorts first, and gives the figures of postal bars."""
        return self.presort == "first"


class Insert(_Value):
    """Something that goes into the envelope with the card. ``weight_g`` in grams, ``thickness_mm`` in millimetres,
    ``size`` in points."""

    code: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Annotated[str, Field(min_length=1)]
    weight_g: Annotated[float, Field(gt=0)]
    thickness_mm: Annotated[float, Field(ge=0)]
    size: tuple[Annotated[Length, Field(gt=0)], Annotated[Length, Field(gt=0)]]
