"""Whose orders these are: a tenant with its terms, its API keys, and the log of who did what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _zone(value: str) -> str:
    try:
        if (value != "UTC" and "/" not in value) or value.startswith(("posix/", "right/")):
            raise ValueError(value)
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ValueError("is no time zone; write one such as America/New_York") from None
    return value


def _time(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return dt.time.fromisoformat(value).replace(second=0, microsecond=0)
    except ValueError:
        raise ValueError("is no time of day; write HH:MM") from None


class Tenant(BaseModel):
    """A tenant's terms. ``cut_off``: on each working day at this time of its ``zone`` the day's batches are closed by
    themselves; without one a person closes them. ``retention_days``: so long after it was mailed an order's personal
    data is erased; without it, never. ``daily_limit``: orders a day that are taken one by
    one, against a program gone wild (rows of files count towards it, and are not refused by it); ``rate``: requests a
    minute and key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    cut_off: Annotated[dt.time | None, BeforeValidator(_time)] = None
    approval: Literal["none", "required"] = "none"
    postage_class: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,30}$")] = "first-class"
    retention_days: Annotated[int | None, Field(ge=0, le=3650)] = None
    daily_limit: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    rate: Annotated[int, Field(ge=1, le=100_000)] = 600
    closed: bool = False


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key to be stored: never its text, only its digest."""

    tenant: str
    mode: str
    id: str
    digest: str
    label: str
    scopes: frozenset[str]
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key as stored."""

    tenant: str
    mode: str
    id: str
    digest: str
    label: str
    scopes: frozenset[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    used_at: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what. ``actor`` is ``key:ID``, ``user:NAME`` or ``cardpipe`` itself."""

    number: int
    at: str
    tenant: str
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
