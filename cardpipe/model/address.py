"""An address in parts, never in lines. Lines are made by ``lettershop.addressing`` for one country and one envelope."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ALLOWED_FORMAT = {"\u200d", "\ufe0f"}  # emoji joiners; everything else invisible could turn or hide text


def clean_text(value: Any) -> Any:
    """NFC, no control or direction characters, single spaces, no blanks at the ends (one-line fields)."""
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value)
    text = re.sub(r"[ \t\u00a0]+", " ", text).strip()
    bad = sorted({c for c in text if unicodedata.category(c) in _FORBIDDEN and c not in _ALLOWED_FORMAT})
    if bad:
        raise ValueError("contains characters that cannot be printed: " + ", ".join(f"U+{ord(c):04X}" for c in bad))
    return text


def clean_message(value: Any) -> Any:
    """Like :func:`clean_text`, but line breaks stay: each is a paragraph of the message."""
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(clean_text(line) for line in lines))


def _country(value: str) -> str:
    code = value.upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError("is not a country code; write two letters after ISO 3166-1, such as US, DE or GB")
    return code


Line = Annotated[str, BeforeValidator(clean_text), Field(max_length=200)]
Country = Annotated[str, BeforeValidator(clean_text), AfterValidator(_country)]


class Address(BaseModel):
    """Where and to whom. ``name`` or ``company`` must be there; what else a country asks for is judged by
    ``lettershop.addressing``, which also knows that ZIP codes are text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Line = ""
    company: Line = ""
    street: Line = ""
    street2: Line = ""
    city: Line = ""
    state: Line = ""
    postcode: Line = ""
    country: Country = "US"
